//! Where requests go: the rules of AWS, the sources of an endpoint, the caller's own resolver.

use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_client::{
    CallOptions, Client, Config, ConfigBuilder, EndpointParameters, ResolveEndpoint,
    ResolvedEndpoint,
};
use model::operations::RunTask;
use serde_json::Value;

use crate::calls::run_task;
use crate::server::{Reply, Server, config};
use crate::settings::{KEYS, Settings};

/// FIPS and dual-stack, and what the rules make of them for ECS and for Logs.
#[track_caller]
fn check(region: &str, fips: bool, dual_stack: bool, ecs: &str, logs: &str) {
    let builder = public(region).use_fips(fips).use_dual_stack(dual_stack);
    let config = builder.build().unwrap();
    assert_eq!(
        (config.endpoint_url(), config.logs_endpoint_url()),
        (ecs, logs)
    );
}

fn public(region: &str) -> ConfigBuilder {
    config("http://unused").public_endpoints().region(region)
}

#[test]
fn every_partition_has_four_kinds_of_endpoints() {
    for (region, domain, dual_stack) in [
        ("eu-west-1", "amazonaws.com", "api.aws"),
        (
            "cn-north-1",
            "amazonaws.com.cn",
            "api.amazonwebservices.com.cn",
        ),
        ("eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu"),
        ("us-iso-east-1", "c2s.ic.gov", "api.aws.ic.gov"),
        ("us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud"),
        ("eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("us-isof-south-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ("us-gov-new-1", "amazonaws.com", "api.aws"),
        ("local", "amazonaws.com", "api.aws"),
    ] {
        for (fips, dual, kind, suffix) in [
            (false, false, "", domain),
            (true, false, "-fips", domain),
            (false, true, "", dual_stack),
            (true, true, "-fips", dual_stack),
        ] {
            let url = |service: &str| format!("https://{service}{kind}.{region}.{suffix}");
            check(region, fips, dual, &url("ecs"), &url("logs"));
        }
    }
    // The ordinary host of Logs is the FIPS one there, and has no second name.
    check(
        "us-gov-west-1",
        true,
        false,
        "https://ecs-fips.us-gov-west-1.amazonaws.com",
        "https://logs.us-gov-west-1.amazonaws.com",
    );
}

/// What botocore's rules say: service, region, FIPS, dual-stack, URL.
fn botocore() -> Vec<(String, String, bool, bool, String)> {
    let python = std::env::var_os("LONGSHORE_PYTHON").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python"),
        PathBuf::from,
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/endpoints.py");
    let done = Command::new(python).arg("-B").arg(script).output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn the_rules_agree_with_those_of_botocore() {
    let rows = botocore();
    assert!(rows.len() > 400, "{}", rows.len());
    for (service, region, fips, dual_stack, url) in rows {
        let builder = public(&region).use_fips(fips).use_dual_stack(dual_stack);
        let config = builder.build().unwrap();
        let ours = match service.as_str() {
            "ecs" => config.endpoint_url(),
            _ => config.logs_endpoint_url(),
        };
        assert_eq!(ours, url, "{service} {region} {fips} {dual_stack}");
    }
}

const REGION: (&str, &str) = ("AWS_REGION", "r-1");
const OWN: (&str, &str) = ("AWS_ENDPOINT_URL_ECS", "http://own:1");
const OWN_LOGS: (&str, &str) = ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://logs:1");
const GLOBAL: (&str, &str) = ("AWS_ENDPOINT_URL", "http://global:3");
const IGNORE: (&str, &str) = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE");
const SECTION: &str = "services = s\n[services s]\necs =\n  endpoint_url = http://section:2\n";
const IN_PROFILE: &str = "endpoint_url = http://profile:4\n";
const RULES: (&str, &str) = (
    "https://ecs.r-1.amazonaws.com",
    "https://logs.r-1.amazonaws.com",
);

/// Variables and the default profile; both endpoints.
#[track_caller]
fn found(variables: &[(&str, &str)], profile: &str, (ecs, logs): (&str, &str)) {
    let settings = Settings::new(&[variables, &KEYS, &[REGION]].concat())
        .config_file(&format!("[default]\n{profile}"));
    let config = settings.config().unwrap();
    assert_eq!(
        (config.endpoint_url(), config.logs_endpoint_url()),
        (ecs, logs)
    );
}

#[test]
fn each_source_of_an_endpoint_is_used_and_beats_the_next() {
    let profile = format!("{IN_PROFILE}{SECTION}");
    // Alone. What is given for ECS alone also serves Logs: one server answers both.
    found(&[], "", RULES);
    found(&[OWN], "", ("http://own:1", "http://own:1"));
    found(&[], SECTION, ("http://section:2", "http://section:2"));
    found(&[GLOBAL], "", ("http://global:3", "http://global:3"));
    found(&[], IN_PROFILE, ("http://profile:4", "http://profile:4"));
    // Against the next.
    found(&[OWN], SECTION, ("http://own:1", "http://own:1"));
    found(&[GLOBAL], SECTION, ("http://section:2", "http://global:3"));
    found(
        &[GLOBAL],
        IN_PROFILE,
        ("http://global:3", "http://global:3"),
    );
    found(
        &[OWN, OWN_LOGS, GLOBAL],
        &profile,
        ("http://own:1", "http://logs:1"),
    );
    let logs = "services = s\n[services s]\ncloudwatch_logs =\n  endpoint_url = http://l:5/\n";
    found(&[OWN, GLOBAL], logs, ("http://own:1", "http://l:5"));
    // A path stays, a slash at its end does not matter.
    found(
        &[("AWS_ENDPOINT_URL", "http://h:1/a/b/")],
        "",
        ("http://h:1/a/b", "http://h:1/a/b"),
    );
}

#[test]
fn code_beats_every_source_and_all_of_them_can_be_ignored() {
    let all = [OWN, OWN_LOGS, GLOBAL, IGNORE];
    found(&all, &format!("{IN_PROFILE}{SECTION}"), RULES);
    found(
        &[],
        &format!("ignore_configured_endpoint_urls = true\n{IN_PROFILE}"),
        RULES,
    );
    // Nonsense is no reason to ignore what was configured.
    let nonsense = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "maybe");
    found(
        &[GLOBAL, nonsense],
        "",
        ("http://global:3", "http://global:3"),
    );
    for ignore in ["true", "false"] {
        let ignore = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", ignore);
        let settings = Settings::new(&[&[REGION, OWN, ignore], &KEYS[..]].concat());
        let builder = settings.builder().unwrap().endpoint_url("http://code:0");
        assert_eq!(builder.build().unwrap().endpoint_url(), "http://code:0");
    }
}

/// Variables and profile that no endpoint follows from, and the whole reason.
#[track_caller]
fn refuse(variables: &[(&str, &str)], profile: &str, reason: &str) {
    let settings =
        Settings::new(&[variables, &KEYS].concat()).config_file(&format!("[default]\n{profile}"));
    assert_eq!(settings.config().unwrap_err().to_string(), reason);
}

#[test]
fn what_cannot_be_together_is_told_with_who_asked_for_it() {
    refuse(
        &[],
        "",
        "Invalid Configuration: Missing Region: set AWS_REGION, a profile's `region`, or give one",
    );
    refuse(
        &[REGION, GLOBAL, ("AWS_USE_FIPS_ENDPOINT", "true")],
        "",
        "Invalid Configuration: FIPS and custom endpoint are not supported (AWS_USE_FIPS_ENDPOINT \
         asks for FIPS, AWS_ENDPOINT_URL for http://global:3: unset one of them)",
    );
    refuse(
        &[REGION, OWN],
        "use_dualstack_endpoint = True",
        "Invalid Configuration: Dualstack and custom endpoint are not supported \
         (`use_dualstack_endpoint` of profile `default` asks for Dualstack, \
         AWS_ENDPOINT_URL_ECS for http://own:1: unset one of them)",
    );
    refuse(
        &[REGION, ("AWS_USE_FIPS_ENDPOINT", "yes")],
        "",
        "AWS_USE_FIPS_ENDPOINT: `yes` is neither `true` nor `false`",
    );
    refuse(
        &[REGION, ("AWS_ENDPOINT_URL", "h:1")],
        "",
        "AWS_ENDPOINT_URL: endpoint `h:1` has no scheme: write http:// or https://",
    );
    refuse(
        &[("AWS_REGION", "evil.example/")],
        "",
        "`evil.example/` cannot be a region: only letters, digits and hyphens are allowed",
    );
}

#[test]
fn fips_and_dual_stack_come_from_variables_and_profile() {
    let profile = "use_fips_endpoint = true\nuse_dualstack_endpoint = true\n";
    let both = (
        "https://ecs-fips.r-1.api.aws",
        "https://logs-fips.r-1.api.aws",
    );
    found(&[], profile, both);
    let off = ("AWS_USE_DUALSTACK_ENDPOINT", "false");
    let fips = (
        "https://ecs-fips.r-1.amazonaws.com",
        "https://logs-fips.r-1.amazonaws.com",
    );
    found(&[off], profile, fips);
    found(&[("AWS_USE_FIPS_ENDPOINT", "TRUE"), off], "", fips);
}

#[test]
fn plain_http_changes_every_scheme_but_that_of_a_resolver() {
    let plain = |builder: ConfigBuilder| builder.plain_http(true).build().unwrap();
    let url = |config: Config| config.endpoint_url().to_owned();
    assert_eq!(url(plain(public("r-1"))), "http://ecs.r-1.amazonaws.com");
    assert_eq!(url(plain(config("https://h:1/x"))), "http://h:1/x");
    let own = Elsewhere("https://h:2".to_owned());
    assert_eq!(
        url(plain(public("r-1").endpoint_resolver(own))),
        "https://h:2"
    );
}

/// A resolver that puts everything into one place, signed for another region.
#[derive(Debug)]
struct Elsewhere(String);

impl ResolveEndpoint for Elsewhere {
    fn endpoint(&self, parameters: &EndpointParameters<'_>) -> Result<ResolvedEndpoint, String> {
        if parameters.region == "nowhere" {
            return Err(format!("{} is nowhere", parameters.service));
        }
        Ok(ResolvedEndpoint {
            signing_name: Some(format!("{}-beta", parameters.service)),
            signing_region: Some("r-2".to_owned()),
            ..ResolvedEndpoint::new(&self.0)
        })
    }
}

#[tokio::test]
async fn a_resolver_of_the_callers_own_decides_alone() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let own = || Elsewhere(format!("{}/base", server.url()));
    // FIPS with a custom endpoint: the rules would refuse it.
    let builder = config("http://unused")
        .use_fips(true)
        .endpoint_resolver(own());
    Client::new(builder.build().unwrap())
        .run_task(run_task())
        .await
        .unwrap();
    let request = server.requests().remove(0);
    assert_eq!(request.line, "POST /base/ HTTP/1.1");
    assert!(
        request
            .header("authorization")
            .contains("/r-2/ecs-beta/aws4_request")
    );

    // It is asked again for a call that goes to another region.
    let builder = config("http://unused").endpoint_resolver(own());
    let client = Client::new(builder.build().unwrap());
    let options = CallOptions::new().region("nowhere");
    let call = client.call_with::<RunTask>(run_task(), &options);
    assert!(
        call.await
            .unwrap_err()
            .to_string()
            .contains("ecs is nowhere")
    );
    assert_eq!(server.requests().len(), 1);

    let refused = public("nowhere")
        .endpoint_resolver(own())
        .build()
        .unwrap_err();
    assert_eq!(refused.to_string(), "ecs is nowhere");
    let empty = public("r-1").endpoint_resolver(Elsewhere("https://".to_owned()));
    assert!(
        empty
            .build()
            .unwrap_err()
            .to_string()
            .contains("no valid host")
    );
}

#[tokio::test]
async fn a_path_in_the_endpoint_stands_before_that_of_the_request() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let builder = config(&format!("{}/a/b/", server.url()));
    Client::new(builder.build().unwrap())
        .run_task(run_task())
        .await
        .unwrap();
    let request = server.requests().remove(0);
    assert_eq!(request.line, "POST /a/b/ HTTP/1.1");
    assert!(
        request
            .header("authorization")
            .contains("/us-east-1/ecs/aws4_request")
    );
    assert_eq!(request.body["taskDefinition"], Value::from("demo:1"));
}

//! Where settings other than endpoints and keys come from.

use longshore_client::{Client, Retry};

use crate::calls::run_task;
use crate::server::{Reply, Server};
use crate::settings::{KEYS, Settings};

const REGION: (&str, &str) = ("AWS_REGION", "r-1");

/// Variables and the default profile besides keys; the region.
#[track_caller]
fn region(variables: &[(&str, &str)], profile: &str, region: &str) {
    let settings =
        Settings::new(&[variables, &KEYS].concat()).config_file(&format!("[default]\n{profile}"));
    assert_eq!(settings.config().unwrap().region(), region);
}

#[test]
fn regions_have_an_order() {
    let (first, second) = (REGION, ("AWS_DEFAULT_REGION", "r-2"));
    region(&[first, second], "region = r-3", "r-1");
    region(&[("AWS_REGION", ""), second], "region = r-3", "r-2");
    region(&[], "region = r-3", "r-3");
}

/// Variables and the default profile that are refused, and the whole reason.
#[track_caller]
fn refuse(variables: &[(&str, &str)], profile: &str, reason: &str) {
    let settings = Settings::new(&[variables, &KEYS, &[REGION]].concat())
        .config_file(&format!("[default]\n{profile}"));
    assert_eq!(settings.config().unwrap_err().to_string(), reason);
}

#[test]
fn wrong_values_are_told_with_where_they_stand() {
    refuse(
        &[("AWS_MAX_ATTEMPTS", "0")],
        "max_attempts = 5",
        "AWS_MAX_ATTEMPTS: `0` is not a number from 1 up",
    );
    refuse(
        &[],
        "max_attempts = many",
        "`max_attempts` of profile `default`: `many` is not a number from 1 up",
    );
    refuse(
        &[("AWS_RETRY_MODE", "legacy")],
        "",
        "AWS_RETRY_MODE: `legacy` is neither `standard` nor `adaptive`",
    );
    refuse(
        &[],
        "retry_mode = fast",
        "`retry_mode` of profile `default`: `fast` is neither `standard` nor `adaptive`",
    );
    refuse(
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "both")],
        "",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: `both` is neither `IPv4` nor `IPv6`",
    );
    refuse(
        &[],
        "ec2_metadata_service_endpoint = m:1",
        "`ec2_metadata_service_endpoint` of profile `default`: endpoint `m:1` has no scheme: write \
         http:// or https://",
    );
    refuse(
        &[("AWS_SDK_UA_APP_ID", &"x".repeat(51))],
        "",
        "app id: longer than 50 characters",
    );
    refuse(
        &[("AWS_PROFILE", "nobody")],
        "",
        "AWS_PROFILE names `nobody`, which is in neither of the AWS files",
    );
}

#[test]
fn flags_of_retries_and_clock_come_from_variables_and_profile() {
    for (variables, profile, new_rules, repairs) in [
        (&[][..], "", false, true),
        (&[("AWS_NEW_RETRIES_2026", "true")], "", true, true),
        (
            &[("AWS_NEW_RETRIES_2026", "FALSE")],
            "new_retries_2026 = true",
            false,
            true,
        ),
        (&[], "new_retries_2026 = true", true, true),
        (
            &[("AWS_DISABLE_CLOCK_SKEW_CORRECTION", "true")],
            "",
            false,
            false,
        ),
        (&[], "disable_clock_skew_correction = true", false, false),
    ] {
        let settings = Settings::new(&[variables, &KEYS, &[REGION]].concat())
            .config_file(&format!("[default]\n{profile}"));
        let shown = format!("{:?}", settings.config().unwrap());
        let has = |text: &str| shown.contains(text);
        assert_eq!(has("rules: From2026"), new_rules, "{shown}");
        assert_eq!(has("repair_clock: true"), repairs, "{shown}");
    }
    for name in ["AWS_NEW_RETRIES_2026", "AWS_DISABLE_CLOCK_SKEW_CORRECTION"] {
        let reason = format!("{name}: `1` is neither `true` nor `false`");
        refuse(&[(name, "1")], "", &reason);
    }
}

#[tokio::test]
async fn what_is_configured_is_used() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let variables = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_MAX_ATTEMPTS", "7"),
        ("AWS_ENDPOINT_URL", server.url()),
    ];
    let settings = Settings::new(&[&variables[..], &KEYS].concat())
        .config_file("[default]\nsdk_ua_app_id = nightly jobs\nmax_attempts = 2\n");
    Client::new(settings.config().unwrap())
        .run_task(run_task())
        .await
        .unwrap();
    let request = server.requests().remove(0);
    assert!(request.header("authorization").contains("AKIDENV/"));
    assert!(request.header("authorization").contains("/eu-west-1/ecs/"));
    assert_eq!(request.header("amz-sdk-request"), "attempt=1; max=7");
    assert!(
        request
            .header("user-agent")
            .ends_with(" app/nightly-jobs m/E")
    );
    assert!(!request.headers.contains_key("x-amz-security-token"));
}

#[test]
fn no_attempt_at_all_is_refused() {
    let retry = Retry {
        max_attempts: 0,
        ..Retry::default()
    };
    let error = crate::server::config("http://x")
        .retry(retry)
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("at least 1"), "{error}");
}

//! Where keys come from: each source, what beats what, and how each fails.

use std::time::Duration;

use aws_smithy_async::time::{SystemTimeSource, TimeSource};
use aws_smithy_types::date_time::{DateTime, Format};
use longshore_client::{
    CallOptions, Client, Config, ConfigBuilder, Credentials, CredentialsFuture, Error, ErrorKind,
    ProvideCredentials, Timeouts,
};
use model::operations::RunTask;
use serde_json::json;

use crate::calls::run_task;
use crate::server::{Reply, Request, Server};
use crate::settings::{KEYS, Settings};

pub(crate) const REGION: (&str, &str) = ("AWS_REGION", "r-1");
pub(crate) const NO_METADATA: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");
pub(crate) const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
pub(crate) const METADATA: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
/// An expiry that no test reaches.
pub(crate) const FAR: &str = "2999-01-01T00:00:00Z";
const PROFILE: &str = "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = SECRETFILE\n\
     aws_session_token = TOKENFILE\n";

/// A moment from now, as services write it.
pub(crate) fn soon(seconds: u64) -> String {
    let moment = SystemTimeSource::new().now() + Duration::from_secs(seconds);
    DateTime::from(moment).fmt(Format::DateTime).unwrap()
}

/// A document with keys.
pub(crate) fn document(id: &str, expiration: &str) -> Reply {
    Reply::ok(json!({
        "Code": "Success", "AccessKeyId": id, "SecretAccessKey": "SECRETDOC",
        "Token": format!("TOKEN-{id}"), "Expiration": expiration,
    }))
}

/// Calls a server of ECS with the settings; the requests that it saw.
pub(crate) async fn calls(settings: &Settings, calls: usize) -> Vec<Request> {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let builder = settings.builder().unwrap().endpoint_url(server.url());
    let client = Client::new(builder.build().unwrap());
    for _ in 0..calls {
        client.run_task(run_task()).await.unwrap();
    }
    server.requests()
}

/// The error of a call with the settings, which must not reach the service.
pub(crate) async fn fails(settings: &Settings) -> Error {
    fails_with(settings.builder().unwrap()).await
}

async fn fails_with(builder: ConfigBuilder) -> Error {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let config = builder.endpoint_url(server.url()).build().unwrap();
    let error = Client::new(config).run_task(run_task()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Credentials(_)), "{error}");
    assert_eq!((server.requests().len(), error.attempts()), (0, 0));
    error
}

/// Who signed a request, and with which session token.
#[track_caller]
pub(crate) fn signer(request: &Request) -> (&str, Option<&str>) {
    let scope = request.header("authorization").split_once("Credential=");
    let id = scope.unwrap().1.split('/').next().unwrap();
    let token = request.headers.get("x-amz-security-token");
    (id, token.map(String::as_str))
}

/// Variables and the credentials file; who signs.
async fn check(variables: &[(&str, &str)], file: &str, signs: (&str, Option<&str>)) {
    let settings = Settings::new(&[variables, &[REGION, NO_METADATA]].concat());
    let requests = calls(&settings.credentials_file(file), 1).await;
    assert_eq!(signer(&requests[0]), signs);
}

#[tokio::test]
async fn each_source_gives_keys_and_beats_the_next() {
    let container = Server::start(vec![document("AKIDTASK", FAR)]).await;
    let url = format!("{}/creds?id=1", container.url());
    let task = (FULL_URI, url.as_str());
    let token = ("AWS_SESSION_TOKEN", "TOKENENV");
    check(&KEYS, "", ("AKIDENV", None)).await;
    check(
        &[KEYS[0], KEYS[1], token],
        "",
        ("AKIDENV", Some("TOKENENV")),
    )
    .await;
    check(&[], PROFILE, ("AKIDFILE", Some("TOKENFILE"))).await;
    check(&[task], "", ("AKIDTASK", Some("TOKEN-AKIDTASK"))).await;
    check(&[KEYS[0], KEYS[1], task], PROFILE, ("AKIDENV", None)).await;
    check(&[task], PROFILE, ("AKIDFILE", Some("TOKENFILE"))).await;
    let asked: Vec<_> = container.requests().into_iter().map(|r| r.line).collect();
    assert_eq!(asked, ["GET /creds?id=1 HTTP/1.1"]);
}

#[tokio::test]
async fn explicit_keys_beat_all_others() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let settings = Settings::new(&[&KEYS[..], &[REGION]].concat());
    let builder = settings.builder().unwrap().endpoint_url(server.url());
    let builder = builder.credentials(Credentials::new("AKIDCODE", "SECRETCODE"));
    let client = Client::new(builder.build().unwrap());
    client.run_task(run_task()).await.unwrap();
    assert_eq!(signer(&server.requests()[0]), ("AKIDCODE", None));
}

/// Variables and both files that keys cannot come from, and the whole reason.
#[track_caller]
fn refuse(variables: &[(&str, &str)], config: &str, credentials: &str, reason: &str) {
    let settings = Settings::new(&[variables, &[REGION, NO_METADATA]].concat())
        .config_file(config)
        .credentials_file(credentials);
    assert_eq!(settings.config().unwrap_err().to_string(), reason);
}

#[test]
fn what_is_missing_is_told_before_any_call() {
    refuse(
        &[],
        "[default]\n",
        "",
        "no credentials: Environment: AWS_ACCESS_KEY_ID is not set; Profile: profile `default` has \
         no keys; WebIdentityToken: AWS_WEB_IDENTITY_TOKEN_FILE is not set; EcsContainer: neither \
         AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set; \
         Ec2InstanceMetadata: switched off by AWS_EC2_METADATA_DISABLED; set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, or put keys into a profile",
    );
    refuse(
        &[KEYS[0]],
        "",
        PROFILE,
        "AWS_SECRET_ACCESS_KEY: not set, though AWS_ACCESS_KEY_ID is",
    );
    refuse(
        &[],
        "",
        "[default]\naws_secret_access_key = x\n",
        "`aws_access_key_id` of profile `default`: not set, though `aws_secret_access_key` of \
         profile `default` is",
    );
}

#[cfg(not(feature = "aws-config"))]
#[test]
fn ways_that_are_not_built_in_name_the_feature() {
    let told = |by: &str, also: &str| {
        format!(
            "no credentials: {by} asks for a way of getting keys that is not built in: build with \
             the feature `aws-config` of longshore-client{also}, or turn the keys into variables with \
             `aws configure export-credentials --profile default --format env`"
        )
    };
    let sso = " and the feature `sso` of aws-config";
    for (key, also) in [
        ("role_arn", ""),
        ("web_identity_token_file", ""),
        ("sso_session", sso),
        ("sso_start_url", sso),
        (
            "login_session",
            " and the feature `credentials-login` of aws-config",
        ),
        ("credential_process", ""),
    ] {
        // They go before the keys of the same profile.
        let profile = format!("[default]\n{key} = x\n");
        refuse(
            &[],
            &profile,
            PROFILE,
            &told(&format!("`{key}` of profile `default`"), also),
        );
    }
    let variable = "AWS_WEB_IDENTITY_TOKEN_FILE";
    refuse(&[(variable, "/t")], "", "", &told(variable, ""));
}

#[test]
fn addresses_of_services_follow_from_their_variables() {
    let shown = |variables: &[(&str, &str)], profile: &str| {
        let settings = Settings::new(&[variables, &[REGION]].concat())
            .config_file(&format!("[default]\n{profile}"));
        format!("{:?}", settings.config().unwrap())
    };
    let relative = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/creds");
    let full = (FULL_URI, "https://anywhere.example/creds");
    let mode = ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    for (variables, profile, address) in [
        (&[relative][..], "", "http://169.254.170.2/v2/creds"),
        (&[full], "", "https://anywhere.example/creds"),
        (&[relative, full], "", "http://169.254.170.2/v2/creds"),
        (&[], "", "http://169.254.169.254"),
        (&[mode], "", "http://[fd00:ec2::254]"),
        (
            &[],
            "ec2_metadata_service_endpoint = http://m:1",
            "http://m:1",
        ),
        (&[mode, (METADATA, "http://m:2")], "", "http://m:2"),
    ] {
        let shown = shown(variables, profile);
        assert!(shown.contains(address), "{address} in {shown}");
    }
}

#[tokio::test]
async fn a_chain_without_keys_lists_every_attempt() {
    let nobody = Server::start(vec![Reply::HangUp]).await;
    let settings = Settings::new(&[REGION, (METADATA, nobody.url())]);
    let error = fails(&settings).await.to_string();
    let start = "ECS RunTask: no credentials: Environment: AWS_ACCESS_KEY_ID is not set; Profile: \
                 profile `default` has no keys; WebIdentityToken: AWS_WEB_IDENTITY_TOKEN_FILE is \
                 not set; EcsContainer: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor \
                 AWS_CONTAINER_CREDENTIALS_FULL_URI is set; Ec2InstanceMetadata: ";
    let end = "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put keys into a profile";
    assert!(
        error.starts_with(&format!("{start}{}", nobody.url())),
        "{error}"
    );
    assert!(error.ends_with(end), "{error}");
    assert_eq!(nobody.requests().len(), 4);

    let no_role = Reply::Answer(404, vec![], String::new());
    let no_role = vec![Reply::ok("SESSION-1"), no_role];
    let instance = Server::start(no_role).await;
    let settings = Settings::new(&[REGION, (METADATA, instance.url())]);
    let error = fails(&settings).await.to_string();
    let told = format!("Ec2InstanceMetadata: the instance has no role{end}");
    assert!(error.ends_with(&told), "{error}");
}

/// Gives one key after the other, the last for ever.
#[derive(Debug)]
struct Rotating(std::sync::Mutex<Vec<Credentials>>);

impl ProvideCredentials for Rotating {
    fn credentials(&self) -> CredentialsFuture<'_> {
        let mut keys = self.0.lock().unwrap();
        let key = match keys.len() {
            1 => keys[0].clone(),
            _ => keys.remove(0),
        };
        Box::pin(std::future::ready(Ok(key)))
    }
}

fn rotating(expiries: &[u64]) -> Rotating {
    let now = SystemTimeSource::new().now();
    let key = |(number, seconds): (usize, &u64)| {
        Credentials::new(format!("AKID{number}"), "SECRET")
            .with_session_token(format!("TOKEN{number}"))
            .with_expiry(now + Duration::from_secs(*seconds))
    };
    Rotating(std::sync::Mutex::new(
        expiries.iter().enumerate().map(key).collect(),
    ))
}

#[tokio::test]
async fn a_key_that_expires_between_attempts_is_renewed_for_the_next() {
    let server = Server::start(vec![Reply::throttle(), Reply::throttle(), Reply::ok("{}")]).await;
    let builder = server.config().credentials_provider(rotating(&[2, 3600]));
    let client = Client::new(builder.build().unwrap());
    client.run_task(run_task()).await.unwrap();
    let requests = server.requests();
    let signers: Vec<_> = requests.iter().map(signer).collect();
    let (old, new) = (("AKID0", Some("TOKEN0")), ("AKID1", Some("TOKEN1")));
    assert_eq!(signers, [old, new, new]);
}

#[tokio::test]
async fn an_expired_key_signs_nothing() {
    let builder = Config::builder()
        .region("r-1")
        .credentials_provider(rotating(&[0]));
    let error = fails_with(builder).await.to_string();
    let told = "no credentials: the credentials provider gave a key that has expired: renew it";
    assert!(error.contains(told), "{error}");
}

#[tokio::test]
async fn calls_at_the_same_time_ask_once() {
    let container = Server::start(vec![document("AKIDTASK", FAR)]).await;
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let settings = Settings::new(&[REGION, NO_METADATA, (FULL_URI, container.url())]);
    let builder = settings.builder().unwrap().endpoint_url(server.url());
    let client = Client::new(builder.build().unwrap());
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.run_task(run_task()).await.map(drop) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(
        (server.requests().len(), container.requests().len()),
        (5, 1)
    );
}

#[tokio::test]
async fn a_slow_source_is_named() {
    let container = Server::start(vec![Reply::Silence]).await;
    let settings = Settings::new(&[REGION, NO_METADATA, (FULL_URI, container.url())]);
    let timeouts = Timeouts {
        credentials: Some(Duration::from_millis(200)),
        ..Timeouts::default()
    };
    let told = "no credentials: EcsContainer gave none within 0.2 s: see why it is slow, or raise \
                `Timeouts::credentials`";
    let builder = settings.builder().unwrap().timeouts(timeouts);
    let error = fails_with(builder).await.to_string();
    assert!(error.contains(told), "{error}");
    // The limit of one call.
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let builder = settings.builder().unwrap().endpoint_url(server.url());
    let client = Client::new(builder.build().unwrap());
    let options = CallOptions::new().timeouts(timeouts);
    let call = client.call_with::<RunTask>(run_task(), &options);
    assert!(call.await.unwrap_err().to_string().contains(told));
}

#[test]
fn a_profile_gives_region_endpoint_and_keys() {
    let settings = Settings::new(&[("AWS_PROFILE", "dev")])
        .config_file(
            "[profile dev]\nregion = r-9\nservices = s\n\
             [services s]\necs =\n  endpoint_url = http://p:1\n",
        )
        .credentials_file(
            "[dev]\naws_access_key_id = AKIDFILE\naws_secret_access_key = SECRETFILE\n",
        );
    let config = settings.config().unwrap();
    assert_eq!(
        (config.region(), config.endpoint_url()),
        ("r-9", "http://p:1")
    );
    let shown = format!("{config:?}");
    assert!(
        shown.contains("AKIDFILE") && !shown.contains("SECRETFILE"),
        "{shown}"
    );
}

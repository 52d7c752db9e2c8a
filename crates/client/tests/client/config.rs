//! Where the configuration comes from.

use std::collections::BTreeMap;

use longshore_client::{Client, Config, ConfigError, Retry};

use crate::calls::run_task;
use crate::server::{Reply, Server};

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIDENV"),
    ("AWS_SECRET_ACCESS_KEY", "SECRETENV"),
];

fn from(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    Config::from_env(|name| variables.get(name).map(|value| (*value).to_owned()))?.build()
}

/// Variables besides the keys; region and both endpoints of the result.
#[track_caller]
fn check(variables: &[(&str, &str)], region: &str, ecs: &str, logs: &str) {
    let config = from(&[variables, &KEYS].concat()).unwrap();
    let found = (
        config.region(),
        config.endpoint_url(),
        config.logs_endpoint_url(),
    );
    assert_eq!(found, (region, ecs, logs));
}

#[test]
fn regions_and_endpoints_have_an_order() {
    let (ecs, logs) = (
        "https://ecs.r-1.amazonaws.com",
        "https://logs.r-1.amazonaws.com",
    );
    check(
        &[("AWS_REGION", "r-1"), ("AWS_DEFAULT_REGION", "r-2")],
        "r-1",
        ecs,
        logs,
    );
    check(
        &[("AWS_DEFAULT_REGION", "r-1"), ("AWS_REGION", "")],
        "r-1",
        ecs,
        logs,
    );
    let region = ("AWS_REGION", "r-1");
    let (global, own, own_logs) = (
        ("AWS_ENDPOINT_URL", "http://all:1"),
        ("AWS_ENDPOINT_URL_ECS", "http://own:2"),
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://logs:3"),
    );
    check(&[region, global], "r-1", "http://all:1", "http://all:1");
    check(
        &[region, global, own],
        "r-1",
        "http://own:2",
        "http://all:1",
    );
    check(&[region, own], "r-1", "http://own:2", "http://own:2");
    check(
        &[region, global, own, own_logs],
        "r-1",
        "http://own:2",
        "http://logs:3",
    );
    let ignore = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE");
    check(&[region, global, own, own_logs, ignore], "r-1", ecs, logs);
}

/// Variables that are refused, and a part of the reason.
#[track_caller]
fn refuse(variables: &[(&str, &str)], reason: &str) {
    let error = from(variables).unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let region = ("AWS_REGION", "r-1");
    refuse(&KEYS, "no region");
    refuse(&[region], "AWS_ACCESS_KEY_ID");
    refuse(&[region, KEYS[0]], "AWS_SECRET_ACCESS_KEY: not set, though");
    refuse(
        &[region, KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", "x:1")],
        "no scheme",
    );
    refuse(
        &[region, KEYS[0], KEYS[1], ("AWS_MAX_ATTEMPTS", "0")],
        "from 1 up",
    );
    refuse(
        &[region, KEYS[0], KEYS[1], ("AWS_RETRY_MODE", "legacy")],
        "AWS_RETRY_MODE",
    );
    refuse(
        &[region, KEYS[0], KEYS[1], ("AWS_USE_FIPS_ENDPOINT", "true")],
        "AWS_USE_FIPS",
    );
    refuse(
        &[("AWS_REGION", "a/b"), KEYS[0], KEYS[1]],
        "cannot be a region",
    );
    refuse(&[region, ("AWS_PROFILE", "nobody")], "`nobody`");
    refuse(
        &[
            ("AWS_SDK_UA_APP_ID", &"x".repeat(51)),
            region,
            KEYS[0],
            KEYS[1],
        ],
        "50 characters",
    );
}

#[test]
fn a_profile_gives_region_endpoint_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(
        path("config"),
        "[profile dev]\nregion = r-9\nservices = s\n[services s]\necs =\n  endpoint_url = http://p:1\n\
         [profile sso]\nregion = r-9\nsso_session = x\n",
    )
    .unwrap();
    std::fs::write(
        path("credentials"),
        "[dev]\naws_access_key_id = AKIDFILE\naws_secret_access_key = SECRETFILE\n",
    )
    .unwrap();
    let (config_file, keys_file) = (path("config"), path("credentials"));
    let files = [
        ("AWS_CONFIG_FILE", config_file.as_str()),
        ("AWS_SHARED_CREDENTIALS_FILE", keys_file.as_str()),
    ];
    let config = from(&[files[0], files[1], ("AWS_PROFILE", "dev")]).unwrap();
    assert_eq!(
        (config.region(), config.endpoint_url()),
        ("r-9", "http://p:1")
    );
    let shown = format!("{config:?}");
    assert!(
        shown.contains("AKIDFILE") && !shown.contains("SECRETFILE"),
        "{shown}"
    );
    let error = from(&[files[0], files[1], ("AWS_PROFILE", "sso")]).unwrap_err();
    assert!(error.to_string().contains("`sso_session`"), "{error}");
}

#[tokio::test]
async fn what_is_configured_is_used() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let variables = BTreeMap::from([
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", "SECRETENV"),
        ("AWS_MAX_ATTEMPTS", "7"),
        ("AWS_ENDPOINT_URL", server.url()),
    ]);
    let builder = Config::from_env(|name| variables.get(name).map(|v| (*v).to_owned())).unwrap();
    Client::new(builder.build().unwrap())
        .run_task(run_task())
        .await
        .unwrap();
    let request = server.requests().remove(0);
    assert!(request.header("authorization").contains("AKIDENV/"));
    assert!(request.header("authorization").contains("/eu-west-1/ecs/"));
    assert_eq!(request.header("amz-sdk-request"), "attempt=1; max=7");
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

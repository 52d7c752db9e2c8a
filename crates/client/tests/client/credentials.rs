//! Where keys come from.

use longshore_client::Config;

use crate::settings::{KEYS, Settings};

const REGION: (&str, &str) = ("AWS_REGION", "r-1");

/// Variables and both files without keys, and the reason.
#[track_caller]
fn refuse(variables: &[(&str, &str)], config: &str, credentials: &str, reason: &str) {
    let settings = Settings::new(&[variables, &[REGION]].concat())
        .config_file(config)
        .credentials_file(credentials);
    let error = settings.config().unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

fn shown(config: &Config) -> String {
    format!("{config:?}")
}

#[test]
fn half_a_key_is_an_error() {
    refuse(&[], "", "", "AWS_ACCESS_KEY_ID");
    refuse(&[KEYS[0]], "", "", "AWS_SECRET_ACCESS_KEY: not set, though");
    refuse(&[], "[default]\nsso_session = x\n", "", "`sso_session`");
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
    let shown = shown(&config);
    assert!(
        shown.contains("AKIDFILE") && !shown.contains("SECRETFILE"),
        "{shown}"
    );
}

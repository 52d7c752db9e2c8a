//! Where a login comes from, with helpers that are small scripts.

use std::sync::Arc;

use async_trait::async_trait;
use model::container::FailureName;

use super::*;
use crate::registry::EcrTokens;

const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// The login for a registry; `helper` is the script of `docker-credential-x`.
async fn login(
    config: &str,
    helper: Option<&str>,
    registry: &str,
) -> Result<Option<Login>, RegistryError> {
    login_with(config, helper, registry, None).await
}

async fn login_with(
    config: &str,
    helper: Option<&str>,
    registry: &str,
    ecr: Option<Tokens>,
) -> Result<Option<Login>, RegistryError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, config).unwrap();
    if let Some(script) = helper {
        let program = folder.path().join("docker-credential-x");
        // By another process: a program that this one has open for writing, or a child that it
        // forks meanwhile, cannot be started.
        let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 700 "$0""#;
        let mut shell = std::process::Command::new("sh");
        let written = shell.args(["-c", write]).arg(&program).arg(script).status();
        assert!(written.unwrap().success());
    }
    let registries = Registries {
        docker_config: Some(path),
        helper_path: Some(format!("{}:/usr/bin:/bin", folder.path().display()).into()),
        ecr: ecr.map(|tokens| Arc::new(tokens) as _),
        ..Registries::default()
    };
    registries.login(registry).await
}

/// Knows one token of everybody, or none.
#[derive(Debug)]
struct Tokens(Option<&'static str>);

#[async_trait]
impl EcrTokens for Tokens {
    async fn token(&self, registry: &EcrRegistry) -> Result<String, String> {
        let asked = format!("{} in {}", registry.account, registry.region);
        self.0
            .map(str::to_owned)
            .ok_or(format!("AccessDenied: {asked}"))
    }
}

fn password() -> Login {
    Login::Password {
        user: "me".to_owned(),
        password: "pw:x".to_owned(),
    }
}

#[tokio::test]
async fn entries_are_found_by_host_or_url() {
    let hub = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6cHc6eA=="}}}"#;
    let plain = r#"{"auths":{"r:5000":{"username":"me","password":"pw:x"}},"HttpHeaders":{}}"#;
    let token = r#"{"auths":{"r":{"identitytoken":"t"}}}"#;
    for (config, registry, expected) in [
        (
            r#"{"auths":{"r":{"auth":"bWU6cHc6eA=="}}}"#,
            "r",
            Some(password()),
        ),
        (hub, "docker.io", Some(password())),
        (hub, "index.docker.io", Some(password())),
        (hub, "other.example", None),
        (plain, "r:5000", Some(password())),
        (token, "r", Some(Login::IdentityToken("t".to_owned()))),
        ("{}", "r.example", None),
    ] {
        let found = login(config, None, registry).await.unwrap();
        assert_eq!(found, expected, "{config} {registry}");
    }
}

#[tokio::test]
async fn a_helper_is_asked_for_its_registry() {
    let own = r#"{"credHelpers":{"r":"x"}}"#;
    let store = r#"{"auths":{"r":{}},"credsStore":"x"}"#;
    let answer = r#"read registry; [ "$registry$1" = rget ] && echo '{"ServerURL":"r","Username":"me","Secret":"pw:x"}'"#;
    let hub = r#"read registry; echo '{"Username":"<token>","Secret":"'$registry'"}'"#;
    let none = "echo 'credentials not found in native keychain'; exit 1";
    let of_hub = Login::IdentityToken("https://index.docker.io/v1/".to_owned());
    for (config, script, registry, expected) in [
        (own, answer, "r", Some(password())),
        (store, answer, "r", Some(password())),
        (store, hub, "docker.io", Some(of_hub)),
        (store, none, "r", None),
        (own, "exit 1", "other", None),
    ] {
        let found = login(config, Some(script), registry).await.unwrap();
        assert_eq!(found, expected, "{config} {script}");
    }
    // A file of another machine does not keep public images from coming.
    assert_eq!(login(store, None, "other").await.unwrap(), None);
}

#[tokio::test]
async fn a_helper_that_fails_is_named_and_what_it_wrote_is_not() {
    let own = r#"{"credHelpers":{"r":"x"}}"#;
    for (script, word) in [
        (None, "not installed"),
        (Some("echo planted-secret; exit 3"), "status: 3"),
        (Some("echo planted-secret"), "not JSON"),
    ] {
        let text = login(own, script, "r").await.unwrap_err().to_string();
        assert!(
            text.contains("`docker-credential-x`") && text.contains(word),
            "{text}"
        );
        assert!(!text.contains("planted-secret"), "{text}");
    }
}

#[tokio::test]
async fn ecr_without_a_login_says_what_to_install_or_map() {
    let helper = format!(r#"{{"credHelpers":{{"{ECR}":"x"}}}}"#);
    for (config, words) in [
        (
            "{}",
            [
                "`ecr = \"aws\"` under [endpoints]",
                "docker-credential-ecr-login",
                "[registry.mirrors]",
            ],
        ),
        (
            &helper,
            ["docker-credential-x", "not installed", "credHelpers"],
        ),
    ] {
        let failure = login(config, None, ECR).await.unwrap_err().to_failure();
        assert_eq!(failure.name, FailureName::CannotPullECRContainerError);
        for word in words {
            assert!(failure.detail.contains(word), "{failure}");
        }
    }
}

#[tokio::test]
async fn a_token_of_ecr_is_the_login_that_nothing_else_gives() {
    let entry = format!(r#"{{"auths":{{"{ECR}":{{"username":"me","password":"pw:x"}}}}}}"#);
    let store = r#"{"credsStore":"x"}"#;
    let none = "echo 'credentials not found in native keychain'; exit 1";
    let of_ecr = Login::Password {
        user: "AWS".to_owned(),
        password: "token".to_owned(),
    };
    let knows = || Some(Tokens(Some("QVdTOnRva2Vu")));
    for (config, script, registry, expected) in [
        ("{}", None, ECR, Some(of_ecr.clone())),
        (&entry, None, ECR, Some(password())),
        (store, Some(none), ECR, Some(of_ecr)),
        ("{}", None, "public.ecr.aws", None),
    ] {
        let found = login_with(config, script, registry, knows()).await.unwrap();
        assert_eq!(found, expected, "{config} {registry}");
    }
    for (tokens, words) in [
        (None, "(AccessDenied: 123456789012 in eu-west-1)"),
        (Some("planted"), "not the base64 of user:password"),
    ] {
        let error = login_with("{}", None, ECR, Some(Tokens(tokens))).await;
        let failure = error.unwrap_err().to_failure();
        assert_eq!(failure.name, FailureName::CannotPullECRContainerError);
        assert!(failure.detail.contains(words), "{failure}");
        assert!(!failure.detail.contains("planted"), "{failure}");
    }
}

#[tokio::test]
async fn a_broken_file_is_named() {
    for config in ["{", r#"{"auths":{"r":{"auth":"???"}}}"#] {
        let error = login(config, None, "r").await.unwrap_err();
        assert!(
            matches!(error, RegistryError::Credentials { .. }),
            "{error}"
        );
    }
}

#[test]
fn no_secret_shows_in_debug_output() {
    let shown = format!(
        "{:?} {:?}",
        password(),
        Login::IdentityToken("pw:x".to_owned())
    );
    assert!(!shown.contains("pw:x"), "{shown}");
}

//! Registry credentials, as `docker login` leaves them in `config.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;

use super::durable;
use super::error::ImageError;

/// How registries are reached.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    /// The docker `config.json`, usually `~/.docker/config.json` or `$DOCKER_CONFIG/config.json`;
    /// a missing file means no credentials. `None` pulls anonymously.
    pub docker_config: Option<PathBuf>,
    /// `host` or `host:port` spoken to by plain HTTP, beside loopback addresses.
    pub insecure: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// Base64 of `user:password`.
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

impl Registries {
    /// Whether the registry is spoken to by plain HTTP.
    pub(super) fn is_plain(&self, registry: &str) -> bool {
        is_loopback(registry) || self.insecure.iter().any(|known| known == registry)
    }

    /// What the configuration has for the registry (`host` or `host:port`).
    pub(super) fn auth(&self, registry: &str) -> Result<RegistryAuth, ImageError> {
        let Some(path) = &self.docker_config else {
            return Ok(RegistryAuth::Anonymous);
        };
        let read =
            durable::read::<DockerConfig>(path).map_err(|error| bad(path, error.to_string()))?;
        let Some(config) = read else {
            return Ok(RegistryAuth::Anonymous);
        };
        let helper = |helper: &String| ImageError::CredentialHelper {
            registry: registry.to_owned(),
            helper: format!("docker-credential-{helper}"),
            path: path.clone(),
        };
        let of_registry = |name: &String| same_registry(name, registry);
        if let Some((_, name)) = config
            .cred_helpers
            .iter()
            .find(|(name, _)| of_registry(name))
        {
            return Err(helper(name));
        }
        let Some((_, entry)) = config.auths.iter().find(|(name, _)| of_registry(name)) else {
            return Ok(RegistryAuth::Anonymous);
        };
        match (entry.decode(path)?, &config.creds_store) {
            (RegistryAuth::Anonymous, Some(name)) if !name.is_empty() => Err(helper(name)),
            (auth, _) => Ok(auth),
        }
    }
}

impl Entry {
    fn decode(&self, path: &Path) -> Result<RegistryAuth, ImageError> {
        if !self.registrytoken.is_empty() {
            return Ok(RegistryAuth::Bearer(self.registrytoken.clone()));
        }
        if !self.identitytoken.is_empty() {
            let cause = "identity tokens are not supported, use a password or an access token";
            return Err(bad(path, cause.to_owned()));
        }
        if self.auth.is_empty() {
            return Ok(match self.username.is_empty() {
                true => RegistryAuth::Anonymous,
                false => RegistryAuth::Basic(self.username.clone(), self.password.clone()),
            });
        }
        let pair = STANDARD
            .decode(self.auth.trim())
            .ok()
            .and_then(|b| String::from_utf8(b).ok());
        match pair.as_deref().and_then(|pair| pair.split_once(':')) {
            // Some tools end the pair in a NUL byte.
            Some((user, password)) => Ok(RegistryAuth::Basic(
                user.to_owned(),
                password.trim_end_matches('\0').to_owned(),
            )),
            None => Err(bad(
                path,
                "`auth` is not the base64 of user:password".to_owned(),
            )),
        }
    }
}

fn bad(path: &Path, cause: String) -> ImageError {
    ImageError::Credentials {
        path: path.to_owned(),
        cause,
    }
}

/// Keys are hosts or URLs (`https://index.docker.io/v1/`); Docker Hub has several names.
fn same_registry(key: &str, registry: &str) -> bool {
    let hub = |host: &str| ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(&host);
    let host = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let host = host.split('/').next().unwrap_or(host);
    host == registry || (hub(host) && hub(registry))
}

fn is_loopback(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => registry.split(':').next().unwrap_or(registry),
    };
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(config: &str, registry: &str) -> Result<RegistryAuth, ImageError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config).unwrap();
        Registries {
            docker_config: Some(path),
            insecure: Vec::new(),
        }
        .auth(registry)
    }

    #[track_caller]
    fn check(config: &str, registry: &str, expected: RegistryAuth) {
        assert_eq!(auth(config, registry).unwrap(), expected);
    }

    #[test]
    fn entries_are_found_by_host_or_url() {
        let basic = || RegistryAuth::Basic("me".to_owned(), "pw:x".to_owned());
        check(
            r#"{"auths":{"r.example":{"auth":"bWU6cHc6eA=="}}}"#,
            "r.example",
            basic(),
        );
        let hub = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6cHc6eA=="}}}"#;
        check(hub, "docker.io", basic());
        check(hub, "index.docker.io", basic());
        check(hub, "other.example", RegistryAuth::Anonymous);
        let plain = r#"{"auths":{"r:5000":{"username":"me","password":"pw:x"}},"HttpHeaders":{}}"#;
        check(plain, "r:5000", basic());
        check("{}", "r.example", RegistryAuth::Anonymous);
    }

    #[test]
    fn a_helper_is_refused_by_name() {
        let helper = r#"{"credHelpers":{"r.example":"ecr-login"}}"#;
        let error = auth(helper, "r.example").unwrap_err().to_string();
        assert!(
            error.contains("docker-credential-ecr-login") && error.contains("auths"),
            "{error}"
        );
        let store = r#"{"auths":{"r.example":{}},"credsStore":"desktop"}"#;
        let error = auth(store, "r.example").unwrap_err();
        assert!(
            matches!(error, ImageError::CredentialHelper { .. }),
            "{error}"
        );
        check(store, "other.example", RegistryAuth::Anonymous);
    }

    #[test]
    fn a_broken_file_is_named() {
        for config in ["{", r#"{"auths":{"r":{"auth":"???"}}}"#] {
            let error = auth(config, "r").unwrap_err();
            assert!(matches!(error, ImageError::Credentials { .. }), "{error}");
        }
    }

    #[test]
    fn loopback_is_plain() {
        let registries = Registries {
            insecure: vec!["r:5000".to_owned()],
            ..Default::default()
        };
        for registry in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "[::1]:5000",
            "r:5000",
        ] {
            assert!(registries.is_plain(registry), "{registry}");
        }
        for registry in ["docker.io", "localhost.example", "128.0.0.1", "r"] {
            assert!(!registries.is_plain(registry), "{registry}");
        }
    }
}

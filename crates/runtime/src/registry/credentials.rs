//! Logins at registries, as `docker login` leaves them in `config.json`, or as the helpers
//! know them that the file names.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::credential_helper::{self, HelperError};
use super::{EcrRegistry, Registries, RegistryError};

/// The names of Docker Hub, and the one under which its login is kept.
const HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// What a registry wants to see. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    Password {
        user: String,
        password: String,
    },
    /// To be exchanged for a token of the registry.
    IdentityToken(String),
    /// To be shown as it is.
    RegistryToken(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } => write!(f, "Password of {user:?}"),
            Self::IdentityToken(_) => f.write_str("IdentityToken"),
            Self::RegistryToken(_) => f.write_str("RegistryToken"),
        }
    }
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
    /// What the configuration has for the registry (`host` or `host:port`); `None` asks
    /// without a login.
    pub async fn login(&self, registry: &str) -> Result<Option<Login>, RegistryError> {
        let found = match &self.docker_config {
            Some(path) => self.configured(path, registry).await?,
            None => None,
        };
        match EcrRegistry::of(registry) {
            Some(of_ecr) if found.is_none() => self.at_ecr(registry, &of_ecr).await.map(Some),
            _ => Ok(found),
        }
    }

    async fn at_ecr(&self, registry: &str, of_ecr: &EcrRegistry) -> Result<Login, RegistryError> {
        let Some(tokens) = &self.ecr else {
            return Err(RegistryError::EcrWithoutLogin {
                registry: registry.to_owned(),
                path: self.docker_config.clone(),
            });
        };
        let failed = |cause: String| RegistryError::EcrToken {
            registry: registry.to_owned(),
            cause,
        };
        let token = tokens.token(of_ecr).await.map_err(failed)?;
        let unusable = || failed("it is not the base64 of user:password".to_owned());
        password(&token).ok_or_else(unusable)
    }

    async fn configured(
        &self,
        path: &Path,
        registry: &str,
    ) -> Result<Option<Login>, RegistryError> {
        let config = read(path)?;
        let of_registry = |name: &&String| same_registry(name, registry);
        let entry = config.auths.keys().find(of_registry);
        let entry = entry.and_then(|name| config.auths.get(name));
        let own = config.cred_helpers.keys().find(of_registry);
        if let Some(name) = own.and_then(|name| config.cred_helpers.get(name)) {
            return self.ask(name, registry, path).await?;
        }
        let known = entry.map(|entry| entry.decode(path)).transpose()?.flatten();
        match config.creds_store.filter(|name| !name.is_empty()) {
            Some(name) if known.is_none() => match self.ask(&name, registry, path).await? {
                // The file came from another machine, and says nothing about this registry.
                Err(_) if entry.is_none() => Ok(None),
                answered => answered,
            },
            _ => Ok(known),
        }
    }

    /// The inner error says that there is no such helper.
    async fn ask(
        &self,
        name: &str,
        registry: &str,
        path: &Path,
    ) -> Result<Result<Option<Login>, RegistryError>, RegistryError> {
        let helper = format!("docker-credential-{name}");
        let key = match HUB.contains(&registry) {
            true => HUB_KEY,
            false => registry,
        };
        let failed = |cause: String| RegistryError::Helper {
            registry: registry.to_owned(),
            helper: helper.clone(),
            path: path.to_owned(),
            cause,
        };
        match credential_helper::ask(&helper, key, self.helper_path.as_deref()).await {
            Ok(login) => Ok(Ok(login)),
            Err(HelperError::Missing) => Ok(Err(failed("it is not installed".to_owned()))),
            Err(HelperError::Failed(cause)) => Err(failed(cause)),
        }
    }
}

fn read(path: &Path) -> Result<DockerConfig, RegistryError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| bad(path, error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(DockerConfig::default()),
        Err(error) => Err(bad(path, error.to_string())),
    }
}

impl Entry {
    fn decode(&self, path: &Path) -> Result<Option<Login>, RegistryError> {
        let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
        if let Some(token) = filled(&self.registrytoken) {
            return Ok(Some(Login::RegistryToken(token)));
        }
        if let Some(token) = filled(&self.identitytoken) {
            return Ok(Some(Login::IdentityToken(token)));
        }
        if self.auth.is_empty() {
            return Ok(filled(&self.username).map(|user| Login::Password {
                user,
                password: self.password.clone(),
            }));
        }
        let login = password(&self.auth)
            .ok_or_else(|| bad(path, "`auth` is not the base64 of user:password".to_owned()));
        login.map(Some)
    }
}

/// Of base64 of `user:password`.
fn password(encoded: &str) -> Option<Login> {
    let bytes = STANDARD.decode(encoded.trim()).ok()?;
    let pair = String::from_utf8(bytes).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some(Login::Password {
        user: user.to_owned(),
        // Some tools end the pair in a NUL byte.
        password: password.trim_end_matches('\0').to_owned(),
    })
}

fn bad(path: &Path, cause: String) -> RegistryError {
    RegistryError::Credentials {
        path: path.to_owned(),
        cause,
    }
}

/// Keys are hosts or URLs (`https://index.docker.io/v1/`); Docker Hub has several names.
fn same_registry(key: &str, registry: &str) -> bool {
    let host = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let host = host.split('/').next().unwrap_or(host);
    host == registry || (HUB.contains(&host) && HUB.contains(&registry))
}

#[cfg(test)]
mod tests;

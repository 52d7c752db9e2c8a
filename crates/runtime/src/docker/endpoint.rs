//! Where the engine listens: what the docker command line would use.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::error::DockerError;

/// An address of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Unix(PathBuf),
    /// `host:port`, without TLS.
    Tcp(String),
    /// `host:port`, and the folder that has the certificates.
    Tls(String, PathBuf),
}

impl Endpoint {
    fn behind_tls(self, certificates: Option<PathBuf>) -> Self {
        match (self, certificates) {
            (Self::Tcp(address), Some(folder)) => Self::Tls(address, folder),
            (other, _) => other,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) | Self::Tls(address, _) => write!(f, "tcp://{address}"),
        }
    }
}

/// What says which engine is meant, as the docker command line reads it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Goes before all others: `unix:///path` or `tcp://host:port`.
    pub configured: Option<String>,
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_TLS_VERIFY`: an address that is `tcp://` is behind TLS.
    pub has_tls: bool,
    /// `DOCKER_CERT_PATH`, else `docker_folder`.
    pub certificates: Option<PathBuf>,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// `DOCKER_CONFIG`, else `~/.docker`.
    pub docker_folder: Option<PathBuf>,
    pub home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_folder: Option<PathBuf>,
    /// The platform of containers, `linux/amd64`; that of the engine's machine if none is named.
    pub platform: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CommandLineConfig {
    current_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextMeta {
    endpoints: BTreeMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextEndpoint {
    #[serde(default)]
    host: String,
    #[serde(default, rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

impl Surroundings {
    /// Of this process, with the address and the platform of the configuration, if there are any.
    pub fn of_process(configured: Option<String>, platform: Option<String>) -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folder = |name: &str| text(name).map(PathBuf::from);
        let home = folder("HOME");
        let docker_folder =
            folder("DOCKER_CONFIG").or_else(|| Some(home.as_ref()?.join(".docker")));
        Self {
            configured,
            host: text("DOCKER_HOST"),
            has_tls: text("DOCKER_TLS_VERIFY").is_some(),
            certificates: folder("DOCKER_CERT_PATH").or_else(|| docker_folder.clone()),
            context: text("DOCKER_CONTEXT"),
            docker_folder,
            runtime_folder: folder("XDG_RUNTIME_DIR"),
            platform: platform.or_else(|| text("DOCKER_DEFAULT_PLATFORM")),
            home,
        }
    }

    /// The one address that was named, else the usual sockets in the order of trial.
    pub(super) fn candidates(&self) -> Result<Vec<Endpoint>, DockerError> {
        if let Some(address) = &self.configured {
            return self.named(address, "docker.host");
        }
        if let Some(address) = &self.host {
            return self.named(address, "DOCKER_HOST");
        }
        let named = self.context.clone().or_else(|| self.current_context());
        match named.filter(|name| !name.is_empty() && name != "default") {
            Some(name) => self.of_context(&name).map(|endpoint| vec![endpoint]),
            None => Ok(self.usual()),
        }
    }

    fn named(&self, address: &str, origin: &str) -> Result<Vec<Endpoint>, DockerError> {
        let endpoint = parse(address, origin)?;
        let folder = || self.certificates.clone().unwrap_or_default();
        Ok(vec![endpoint.behind_tls(self.has_tls.then(folder))])
    }

    fn current_context(&self) -> Option<String> {
        let text = std::fs::read(self.docker_folder.as_ref()?.join("config.json")).ok()?;
        let config: CommandLineConfig = serde_json::from_slice(&text).ok()?;
        Some(config.current_context)
    }

    fn of_context(&self, name: &str) -> Result<Endpoint, DockerError> {
        let unknown = || DockerError::Context {
            name: name.to_owned(),
        };
        // The command line names the folder of a context so.
        let digest = hex::encode(Sha256::digest(name));
        let folder = self.docker_folder.as_ref().ok_or_else(unknown)?;
        let path = folder.join("contexts/meta").join(&digest).join("meta.json");
        let text = std::fs::read(path).map_err(|_| unknown())?;
        let meta: ContextMeta = serde_json::from_slice(&text).map_err(|_| unknown())?;
        let endpoint = meta.endpoints.get("docker").ok_or_else(unknown)?;
        let found = parse(&endpoint.host, &format!("the Docker context {name}"))?;
        let certificates = folder.join("contexts/tls").join(digest).join("docker");
        if endpoint.skip_tls_verify {
            return Err(DockerError::Unverified {
                name: name.to_owned(),
            });
        }
        Ok(found.behind_tls(certificates.is_dir().then_some(certificates)))
    }

    fn usual(&self) -> Vec<Endpoint> {
        let below = |folder: &Option<PathBuf>, path: &str| folder.as_ref().map(|f| f.join(path));
        let sockets = [
            Some(PathBuf::from("/var/run/docker.sock")),
            below(&self.home, ".docker/run/docker.sock"),
            below(&self.home, ".colima/default/docker.sock"),
            below(&self.runtime_folder, "docker.sock"),
            below(&self.runtime_folder, "podman/podman.sock"),
            Some(PathBuf::from("/run/podman/podman.sock")),
        ];
        sockets.into_iter().flatten().map(Endpoint::Unix).collect()
    }
}

fn parse(address: &str, origin: &str) -> Result<Endpoint, DockerError> {
    let unsupported = || DockerError::Address {
        address: address.to_owned(),
        origin: origin.to_owned(),
    };
    match address.split_once("://") {
        Some(("unix", path)) if Path::new(path).is_absolute() => Ok(Endpoint::Unix(path.into())),
        Some(("tcp" | "http", rest)) => {
            let authority = rest.trim_end_matches('/');
            let has_port = authority
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
            has_port
                .then(|| Endpoint::Tcp(authority.to_owned()))
                .ok_or_else(unsupported)
        }
        _ => Err(unsupported()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[track_caller]
    fn check(surroundings: &Surroundings, expected: &[&str]) {
        let found = surroundings.candidates().unwrap();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn refused(surroundings: &Surroundings, words: &[&str]) {
        let error = surroundings.candidates().unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{error}");
        }
    }

    fn folder() -> (tempfile::TempDir, Surroundings) {
        let folder = tempfile::tempdir().unwrap();
        let digest = hex::encode(Sha256::digest("colima"));
        let meta = folder.path().join("contexts/meta").join(digest);
        fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"colima","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///c/docker.sock","SkipTLSVerify":false}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();
        let config = r#"{"auths":{},"currentContext":"colima"}"#;
        fs::write(folder.path().join("config.json"), config).unwrap();
        let surroundings = Surroundings {
            docker_folder: Some(folder.path().to_owned()),
            home: Some("/home/me".into()),
            ..Surroundings::default()
        };
        (folder, surroundings)
    }

    #[test]
    fn the_nearest_word_counts() {
        let (_folder, mut surroundings) = folder();
        check(&surroundings, &["unix:///c/docker.sock"]);
        surroundings.context = Some("default".to_owned());
        let usual = [
            "unix:///var/run/docker.sock",
            "unix:///home/me/.docker/run/docker.sock",
            "unix:///home/me/.colima/default/docker.sock",
            "unix:///run/podman/podman.sock",
        ];
        check(&surroundings, &usual);
        surroundings.host = Some("tcp://10.0.0.1:2375".to_owned());
        check(&surroundings, &["tcp://10.0.0.1:2375"]);
        surroundings.configured = Some("unix:///mine.sock".to_owned());
        check(&surroundings, &["unix:///mine.sock"]);
    }

    #[test]
    fn certificates_are_those_of_the_process_or_of_the_context() {
        let (folder, mut surroundings) = folder();
        let digest = hex::encode(Sha256::digest("colima"));
        let meta = folder
            .path()
            .join("contexts/meta")
            .join(&digest)
            .join("meta.json");
        let text = |skips: bool| {
            format!(
                r#"{{"Endpoints":{{"docker":{{"Host":"tcp://far:2376","SkipTLSVerify":{skips}}}}}}}"#
            )
        };
        fs::write(&meta, text(false)).unwrap();
        let plain = [Endpoint::Tcp("far:2376".to_owned())];
        assert_eq!(surroundings.candidates().unwrap(), plain);
        let own = folder
            .path()
            .join("contexts/tls")
            .join(&digest)
            .join("docker");
        fs::create_dir_all(&own).unwrap();
        let secured = |folder| Endpoint::Tls("far:2376".to_owned(), folder);
        assert_eq!(surroundings.candidates().unwrap(), [secured(own)]);
        fs::write(&meta, text(true)).unwrap();
        refused(&surroundings, &["colima", "docker context create"]);
        surroundings.host = Some("tcp://far:2376".to_owned());
        surroundings.certificates = Some("/certificates".into());
        assert_eq!(surroundings.candidates().unwrap(), plain);
        surroundings.has_tls = true;
        assert_eq!(
            surroundings.candidates().unwrap(),
            [secured("/certificates".into())]
        );
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_origin() {
        let (_folder, mut surroundings) = folder();
        surroundings.context = Some("gone".to_owned());
        refused(&surroundings, &["gone", "docker context"]);
        for address in ["ssh://me@host", "tcp://host", "unix://relative", "/path"] {
            surroundings.host = Some(address.to_owned());
            refused(&surroundings, &[address, "DOCKER_HOST", "unix://"]);
        }
    }
}

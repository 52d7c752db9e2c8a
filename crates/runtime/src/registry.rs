//! Registries: names of images, logins, and registries that stand for others. For every driver;
//! nothing here needs Linux.

mod credential_helper;
mod credentials;
mod ecr;
mod error;
mod mirrors;
mod reference;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

pub use oci_client::Reference;

pub use credentials::Login;
pub use ecr::{EcrRegistry, EcrTokens};
pub use error::RegistryError;
pub use reference::{digest_name, full_name, parse};

/// How registries are reached.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    /// The docker `config.json`, usually `~/.docker/config.json` or `$DOCKER_CONFIG/config.json`;
    /// a missing file means no credentials. `None` pulls anonymously.
    pub docker_config: Option<PathBuf>,
    /// `host` or `host:port` spoken to by plain HTTP, beside loopback addresses.
    pub insecure: Vec<String>,
    /// What to ask instead: `registry[/repository]` by `registry[/repository]`, whole components
    /// each. The longest one that fits an image counts.
    pub mirrors: BTreeMap<String, String>,
    /// Where `docker-credential-…` programs are looked for, as `PATH` has it; `None` is the
    /// process's own.
    pub helper_path: Option<OsString>,
    /// Logs in at registries of Amazon ECR for which the docker configuration has nothing.
    pub ecr: Option<Arc<dyn EcrTokens>>,
}

impl Registries {
    /// Whether the registry is spoken to by plain HTTP.
    pub fn is_plain(&self, registry: &str) -> bool {
        is_loopback(registry) || self.insecure.iter().any(|known| known == registry)
    }
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

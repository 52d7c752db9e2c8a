//! Registries: names of images, logins, and registries that stand for others. For every driver;
//! nothing here needs Linux.

mod credential_helper;
mod credentials;
mod error;
mod mirrors;
mod reference;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

pub use oci_client::Reference;

pub use credentials::Login;
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
}

impl Registries {
    /// Whether the registry is spoken to by plain HTTP.
    pub fn is_plain(&self, registry: &str) -> bool {
        is_loopback(registry) || self.insecure.iter().any(|known| known == registry)
    }
}

/// Private registries of Amazon ECR, which let nobody in without a login:
/// `ACCOUNT.dkr.ecr.REGION.amazonaws.com` and its FIPS, dual-stack and China forms.
pub fn is_ecr(registry: &str) -> bool {
    let mut labels = registry.split('.');
    let account = labels.next().unwrap_or_default();
    let rest: Vec<&str> = labels.collect();
    let is_ours = matches!(
        rest.as_slice(),
        ["dkr", "ecr" | "ecr-fips", _, "amazonaws", "com"]
            | ["dkr", "ecr" | "ecr-fips", _, "amazonaws", "com", "cn"]
            | ["dkr-ecr" | "dkr-ecr-fips", _, "on", "aws"]
    );
    is_ours && account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
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

    #[test]
    fn private_registries_of_ecr_are_known() {
        for registry in [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "123456789012.dkr-ecr.eu-west-1.on.aws",
        ] {
            assert!(is_ecr(registry), "{registry}");
        }
        for registry in [
            "public.ecr.aws",
            "12345.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "docker.io",
        ] {
            assert!(!is_ecr(registry), "{registry}");
        }
    }
}

//! The effective configuration: defaults, then the file, then the flags. Parsed
//! once into a struct without options, so that no reader decides a default again.

mod network;
mod volumes;

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use runtime::docker::Surroundings;
use runtime::registry::{EcrTokens, Registries};
use serde::{Deserialize, Serialize};

use self::network::Network;
use self::volumes::Volumes;
use crate::arguments::{AuthMode, DriverName, UpArguments};
use crate::history;
use crate::instances::{self, InstanceConfig};
use crate::references::Endpoints;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) listen: String,
    pub(crate) driver: DriverName,
    pub(crate) auth: AuthMode,
    pub(crate) region: String,
    pub(crate) account: String,
    /// Names that requests may call this server by, besides its addresses and localhost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_hosts: Vec<String>,
    /// How far reads lag behind writes; see `history.rs`.
    #[serde(with = "duration")]
    pub(crate) consistency_delay: Duration,
    /// The mapping of names to secrets and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secrets: Option<PathBuf>,
    pub(crate) retention: Retention,
    pub(crate) capacity: Capacity,
    pub(crate) network: Network,
    pub(crate) volumes: Volumes,
    pub(crate) registry: Registry,
    pub(crate) docker: Docker,
    pub(crate) endpoints: Endpoints,
    pub(crate) scripted: Scripted,
    pub(crate) metrics: Metrics,
    /// Container instances to host; without any the machine as a whole is one.
    #[serde(rename = "instance", skip_serializing_if = "Vec::is_empty")]
    pub(crate) instances: Vec<InstanceConfig>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// Seconds that a stopped task stays visible.
    pub(crate) stopped_tasks: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Capacity {
    /// Seconds that a task waits for an instance of its capacity provider.
    pub(crate) provisioning_timeout: u32,
    /// A command and its arguments, run when a provider wants another number of instances.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) hook: Vec<String>,
}

/// The engine of the docker driver.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Docker {
    /// `unix:///path` or `tcp://host:port`, instead of what the docker command line would use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// `linux/amd64` or `linux/arm64`, where the engine emulates another one than its machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<String>,
}

impl Docker {
    /// Which engine is meant, and what it is to emulate.
    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings::of_process(self.host.clone(), self.platform.clone())
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Registry {
    /// Registries that are spoken to without TLS, as host:port. Loopback ones always are.
    pub(crate) insecure: Vec<String>,
    /// What to ask instead: a registry, or a registry and a repository, by the same.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) mirrors: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Metrics {
    /// Whether `/metrics` answers unsigned requests too, as Prometheus sends them.
    pub(crate) open: bool,
}

/// What the scripted driver's machine has; without numbers practically no limit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Scripted {
    /// 1024 per core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<u32>,
    /// MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<u32>,
}

impl Registry {
    /// With logins as `docker login` leaves them.
    pub(crate) fn registries(&self, ecr: Option<Arc<dyn EcrTokens>>) -> Registries {
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let docker = folder("DOCKER_CONFIG").or_else(|| Some(folder("HOME")?.join(".docker")));
        Registries {
            docker_config: docker.map(|folder| folder.join("config.json")),
            insecure: self.insecure.clone(),
            mirrors: self.mirrors.clone(),
            helper_path: None,
            ecr,
        }
    }

    fn problem(&self) -> Option<String> {
        let checked = self.registries(None).check_mirrors();
        checked.err().map(|error| error.to_string())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8327".to_owned(),
            driver: DriverName::Auto,
            auth: AuthMode::Required,
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            allowed_hosts: Vec::new(),
            consistency_delay: Duration::ZERO,
            retention: Retention::default(),
            capacity: Capacity::default(),
            network: Network::default(),
            volumes: Volumes::default(),
            registry: Registry::default(),
            docker: Docker::default(),
            secrets: None,
            endpoints: Endpoints::default(),
            scripted: Scripted::default(),
            metrics: Metrics::default(),
            instances: Vec::new(),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            stopped_tasks: 3600,
        }
    }
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            provisioning_timeout: 900,
            hook: Vec::new(),
        }
    }
}

/// Written as people do: `2s`, `1m 30s`.
mod duration {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_duration(*value))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        humantime::parse_duration(&text).map_err(D::Error::custom)
    }
}

/// Why a configuration cannot be used; one sentence each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("configuration {} cannot be read: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("configuration {}, line {line}, column {column}: {problem}", path.display())]
    Parse {
        path: PathBuf,
        /// Both from 1.
        line: usize,
        column: usize,
        problem: String,
    },
    #[error("--account must be 12 digits, but is '{0}'")]
    Account(String),
    #[error("--region must be letters, digits and hyphens, but is '{0}'")]
    Region(String),
    #[error("--consistency-delay must be at most 60s, but is {}", humantime::format_duration(*.0))]
    ConsistencyDelay(Duration),
    #[error("--listen must be an address with a port like 127.0.0.1:8327, but is '{0}'")]
    Listen(String),
    /// Tables that contradict themselves or each other.
    #[error("configuration: {0}")]
    Tables(String),
    #[error(
        "--auth none is allowed on a loopback address only, but --listen is '{0}': anybody who \
         reaches the port could run containers here"
    )]
    Open(String),
}

impl Config {
    /// Defaults, file, flags, in this order; then checked as a whole.
    pub(crate) fn load(file: Option<&Path>, flags: &UpArguments) -> Result<Self, ConfigError> {
        let mut config = file.map(Self::read).transpose()?.unwrap_or_default();
        let flags = flags.clone();
        config.listen = flags.listen.unwrap_or(config.listen);
        config.driver = flags.driver.unwrap_or(config.driver);
        config.auth = flags.auth.unwrap_or(config.auth);
        config.region = flags.region.unwrap_or(config.region);
        config.account = flags.account.unwrap_or(config.account);
        let delay = flags.consistency_delay;
        config.consistency_delay = delay.unwrap_or(config.consistency_delay);
        config.secrets = flags.secrets.or(config.secrets);
        config.check()?;
        Ok(config)
    }

    /// The text of a file, for a server inside another program.
    pub(crate) fn embedded(text: &str) -> Result<Self, ConfigError> {
        let parsed = toml::from_str(text);
        let config: Self =
            parsed.map_err(|error| ConfigError::Tables(error.message().to_owned()))?;
        let config = Self {
            listen: "127.0.0.1:0".to_owned(),
            ..config
        };
        config.check().map(|()| config)
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| {
            let (line, column) = place(&text, error.span().unwrap_or_default().start);
            ConfigError::Parse {
                path: path.to_owned(),
                line,
                column,
                problem: error.message().to_owned(),
            }
        })
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.account.len() != 12 || !self.account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ConfigError::Account(self.account.clone()));
        }
        let in_region = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if self.region.is_empty() || !self.region.bytes().all(in_region) {
            return Err(ConfigError::Region(self.region.clone()));
        }
        if self.consistency_delay > history::DELAY_MAX {
            return Err(ConfigError::ConsistencyDelay(self.consistency_delay));
        }
        let addresses = self.addresses()?;
        if self.auth == AuthMode::None && !addresses.iter().all(|one| one.ip().is_loopback()) {
            return Err(ConfigError::Open(self.listen.clone()));
        }
        let problem = instances::problem(&self.instances)
            .or_else(|| self.network.problem())
            .or_else(|| self.volumes.problem())
            .or_else(|| self.registry.problem())
            .or_else(|| self.endpoints.problem());
        problem.map_or(Ok(()), |why| Err(ConfigError::Tables(why)))
    }

    /// What `listen` stands for; at least one address.
    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>, ConfigError> {
        let bad = || ConfigError::Listen(self.listen.clone());
        let found: Vec<_> = self.listen.to_socket_addrs().map_err(|_| bad())?.collect();
        if found.is_empty() {
            Err(bad())
        } else {
            Ok(found)
        }
    }
}

/// Line and column of a byte of a text, both from 1.
pub(crate) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before[line_start..].chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

#[cfg(test)]
mod tests;

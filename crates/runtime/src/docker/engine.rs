//! The connection to an engine, and what the engine says of itself.

use std::io;
use std::path::Path;
use std::time::Duration;

use bollard::models::{SystemInfo, SystemVersion};
use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::endpoint::{Endpoint, Surroundings};
use super::error::{DockerError, no_answer};
use super::platform::{self, Platform};
use super::tls;
use crate::driver::Capacity;

/// Seconds until the head of an answer must have come. Starting a container on a busy machine
/// takes a part of it; what streams may take for ever.
const ANSWER_SECONDS: u64 = 120;
/// The oldest version of the API that has all that is used here: Docker 20.10, Podman 4.
const API_VERSION_MIN: (usize, usize) = (1, 41);

/// Memory kept for the engine's machine; the rest is given to tasks.
const MEMORY_RESERVE_MIB: u64 = 256;
/// On small machines the reserve is at most this part of the memory.
const MEMORY_RESERVE_PART: u64 = 8;

/// An engine that answers and is new enough.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    pub(super) client: Docker,
    pub(super) endpoint: String,
    pub(super) capacity: Capacity,
    /// Of the machine itself, as ECS names it.
    pub(super) architecture: String,
    /// What the engine is to emulate for containers.
    pub(super) platform: Option<Platform>,
    /// For a person to read.
    pub(super) version: String,
    /// Where Podman tells something else than Docker.
    pub(super) is_podman: bool,
}

impl Engine {
    /// The engine that is named, or the first of the usual ones that can be connected to.
    pub(super) async fn connect(surroundings: &Surroundings) -> Result<Self, DockerError> {
        let platform = wanted_platform(surroundings)?;
        Self::ask(&find(surroundings).await?, platform).await
    }

    async fn ask(found: &Endpoint, platform: Option<Platform>) -> Result<Self, DockerError> {
        let endpoint = &found.to_string();
        let silent = |error| no_answer(endpoint, &error);
        let client = client(found, API_DEFAULT_VERSION)?;
        let version = client.version().await.map_err(silent)?;
        check_version(&version, endpoint)?;
        let client = self::client(found, &common_version(&version))?;
        let info = client.info().await.map_err(silent)?;
        if let Some(system) = info.os_type.as_ref().filter(|system| *system != "linux") {
            return Err(DockerError::NotLinux {
                endpoint: endpoint.to_owned(),
                system: system.clone(),
            });
        }
        let mut capacity = capacity(&info);
        let architecture = capacity.architecture.clone();
        let platform = platform.filter(|platform| platform.architecture != architecture);
        if let Some(platform) = &platform {
            capacity.architecture.clone_from(&platform.architecture);
        }
        Ok(Self {
            client,
            endpoint: endpoint.to_owned(),
            capacity,
            architecture,
            platform,
            is_podman: is_podman(&version),
            version: told(version),
        })
    }
}

fn wanted_platform(surroundings: &Surroundings) -> Result<Option<Platform>, DockerError> {
    let named = surroundings.platform.as_deref();
    named.map(platform::parse).transpose()
}

/// What answers and where, for a person to read. An engine that says nothing within
/// `patience` hangs; to tell of itself may take it longer.
pub(super) async fn describe(
    surroundings: &Surroundings,
    patience: Duration,
) -> Result<String, DockerError> {
    let platform = wanted_platform(surroundings)?;
    let found = find(surroundings).await?;
    let endpoint = found.to_string();
    let client = client(&found, API_DEFAULT_VERSION)?;
    let answer = timeout(patience, client.ping()).await;
    let answer = answer.map_err(|_| DockerError::NoAnswer {
        endpoint: endpoint.clone(),
        cause: "it takes the connection and says nothing".to_owned(),
    })?;
    answer.map_err(|error| no_answer(&endpoint, &error))?;
    let engine = Engine::ask(&found, platform).await?;
    let emulated = engine
        .platform
        .map(|platform| format!(", for {}", platform.name));
    let emulated = emulated.unwrap_or_default();
    Ok(format!("{} at {endpoint}{emulated}", engine.version))
}

/// A socket is tried: the library does not say why it cannot be opened.
async fn find(surroundings: &Surroundings) -> Result<Endpoint, DockerError> {
    let mut endpoints = surroundings.candidates()?;
    let mut forbidden = None;
    for (index, endpoint) in endpoints.iter().enumerate() {
        let tried = match endpoint {
            Endpoint::Unix(path) => try_socket(path, endpoint).await,
            Endpoint::Tcp(_) | Endpoint::Tls(..) => Ok(()),
        };
        match tried {
            Ok(()) => return Ok(endpoints.swap_remove(index)),
            Err(error @ DockerError::NotPermitted { .. }) => forbidden = forbidden.or(Some(error)),
            Err(error) if endpoints.len() == 1 => return Err(error),
            Err(_) => {}
        }
    }
    let tried: Vec<_> = endpoints.iter().map(ToString::to_string).collect();
    Err(forbidden.unwrap_or(DockerError::NoEngine {
        tried: tried.join(", "),
    }))
}

fn client(endpoint: &Endpoint, version: &ClientVersion) -> Result<Docker, DockerError> {
    let made = match endpoint {
        Endpoint::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), ANSWER_SECONDS, version)
        }
        Endpoint::Tcp(address) => {
            Docker::connect_with_http(&format!("http://{address}"), ANSWER_SECONDS, version)
        }
        Endpoint::Tls(address, folder) => {
            return tls::client(address, folder, ANSWER_SECONDS, version);
        }
    };
    made.map_err(|error| no_answer(&endpoint.to_string(), &error))
}

async fn try_socket(path: &Path, endpoint: &Endpoint) -> Result<(), DockerError> {
    let Err(error) = UnixStream::connect(path).await else {
        return Ok(());
    };
    Err(match error.kind() {
        io::ErrorKind::PermissionDenied => DockerError::NotPermitted {
            path: path.to_owned(),
        },
        io::ErrorKind::NotFound => DockerError::NoEngine {
            tried: endpoint.to_string(),
        },
        _ => DockerError::NoAnswer {
            endpoint: endpoint.to_string(),
            cause: error.to_string(),
        },
    })
}

fn check_version(version: &SystemVersion, endpoint: &str) -> Result<(), DockerError> {
    if api_version(version) < API_VERSION_MIN {
        return Err(DockerError::TooOld {
            endpoint: endpoint.to_owned(),
            version: version.api_version.clone().unwrap_or("0".to_owned()),
        });
    }
    Ok(())
}

fn api_version(version: &SystemVersion) -> (usize, usize) {
    let text = version.api_version.as_deref().unwrap_or("0");
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    let number = |text: &str| text.parse().unwrap_or(0);
    (number(major), number(minor))
}

/// The newest version that both sides speak.
fn common_version(version: &SystemVersion) -> ClientVersion {
    let own = (
        API_DEFAULT_VERSION.major_version,
        API_DEFAULT_VERSION.minor_version,
    );
    let (major_version, minor_version) = api_version(version).min(own);
    ClientVersion {
        major_version,
        minor_version,
    }
}

fn told(version: SystemVersion) -> String {
    let name = if is_podman(&version) { "Podman, " } else { "" };
    let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let (own, of_api) = (known(version.version), known(version.api_version));
    format!("{name}version {own} with API {of_api}")
}

fn is_podman(version: &SystemVersion) -> bool {
    let parts = version.components.iter().flatten();
    parts.into_iter().any(|part| part.name == "Podman Engine")
}

fn capacity(info: &SystemInfo) -> Capacity {
    let cores = info.ncpu.unwrap_or(1).max(1);
    let total = u64::try_from(info.mem_total.unwrap_or(0)).unwrap_or(0) >> 20;
    let memory = total - MEMORY_RESERVE_MIB.min(total / MEMORY_RESERVE_PART);
    let architecture = platform::architecture(info.architecture.as_deref().unwrap_or("x86_64"));
    Capacity {
        cpu_units: u32::try_from(cores.saturating_mul(1024)).unwrap_or(u32::MAX),
        memory_mib: u32::try_from(memory).unwrap_or(u32::MAX),
        architecture: architecture.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_engine_is_refused_by_its_version() {
        let version = |text: &str| SystemVersion {
            api_version: Some(text.to_owned()),
            ..SystemVersion::default()
        };
        for text in ["1.41", "1.52", "2.0"] {
            assert!(check_version(&version(text), "e").is_ok(), "{text}");
        }
        for text in ["1.40", "1.9", "", "x"] {
            let error = check_version(&version(text), "e").unwrap_err().to_string();
            assert!(error.contains("too old; update"), "{error}");
        }
    }

    #[test]
    fn a_part_of_the_memory_stays_with_the_machine() {
        let of = |mib: i64| {
            let info = SystemInfo {
                ncpu: Some(2),
                mem_total: Some(mib << 20),
                architecture: Some("aarch64".to_owned()),
                ..SystemInfo::default()
            };
            let capacity = capacity(&info);
            assert_eq!(capacity.architecture, "arm64");
            (capacity.cpu_units, capacity.memory_mib)
        };
        assert_eq!(of(8192), (2048, 7936));
        assert_eq!(of(800), (2048, 700));
    }
}

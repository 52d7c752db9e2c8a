//! Chooses and opens the driver that runs the containers.

mod choice;

#[cfg(target_os = "linux")]
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime::docker::{DockerConfig, DockerDriver, DockerError};
#[cfg(target_os = "linux")]
use runtime::native::image::{ImageError, ImageStore};
#[cfg(target_os = "linux")]
use runtime::native::network::NetworkConfig;
#[cfg(target_os = "linux")]
use runtime::native::{NativeConfig, NativeDriver, NativeError};
use runtime::registry::{EcrTokens, Registries};
use runtime::scripted::Scripted;
use runtime::{Capacity, Driver};

pub(crate) use choice::{Choice, Chosen, Refusal, choose};

#[cfg(target_os = "linux")]
use crate::SHIM;
use crate::clock::ServerClock;
use crate::config::Config;
use crate::instances;

#[derive(Debug, thiserror::Error)]
pub(crate) enum DriverError {
    #[cfg(target_os = "linux")]
    #[error("{0}")]
    Native(#[from] NativeError),
    #[cfg(not(target_os = "linux"))]
    #[error("the native driver needs Linux; use --driver docker")]
    NotLinux,
    #[error("{0}")]
    Docker(#[from] DockerError),
    #[error(
        "no driver can run containers here: native: {native}; docker: {docker}; or try `longshore \
         up --driver scripted`, which starts nothing"
    )]
    NoneWorks {
        native: Box<DriverError>,
        docker: Box<DriverError>,
    },
    #[error("the scripted driver cannot use {path}: {source}")]
    Scripted {
        path: String,
        source: std::io::Error,
    },
}

impl From<Refusal<Self>> for DriverError {
    fn from(refusal: Refusal<Self>) -> Self {
        match refusal {
            Refusal::Named(error) => error,
            Refusal::Neither { native, docker } => Self::NoneWorks {
                native: Box::new(native),
                docker: Box::new(docker),
            },
        }
    }
}

/// Folders below the data directory.
pub(crate) fn logs_root(data_dir: &Path) -> PathBuf {
    data_dir.join("logs")
}

/// The drivers of a server.
pub(crate) struct Drivers {
    /// Runs the tasks of this machine.
    pub(crate) own: Arc<dyn Driver>,
    /// That one is the scripted driver.
    pub(crate) is_scripted: bool,
    /// The scripted driver beside another one, when instances of the configuration want it.
    pub(crate) beside: Option<Arc<dyn Driver>>,
}

pub(crate) async fn open(
    config: &Config,
    data_dir: &Path,
    clock: &ServerClock,
    ecr: Option<Arc<dyn EcrTokens>>,
) -> Result<Drivers, DriverError> {
    let registries = || config.registry.registries(ecr.clone());
    let native = async || native(config, data_dir, registries()).await;
    let docker = async || docker(config, data_dir, clock, registries()).await;
    let choice = choose(config, native, docker).await?;
    let is_scripted = matches!(choice.driver, Chosen::Scripted);
    let own = match choice.driver {
        Chosen::Scripted => Arc::new(scripted(config, data_dir, clock)?),
        Chosen::Native(driver) | Chosen::Docker(driver) => driver,
    };
    tracing::info!(driver = own.name(), reason = choice.reason, "driver");
    let beside = !is_scripted && instances::any_scripted(&config.instances);
    let beside = beside
        .then(|| scripted(config, data_dir, clock))
        .transpose()?;
    Ok(Drivers {
        own,
        is_scripted,
        beside: beside.map(|driver| Arc::new(driver) as _),
    })
}

async fn docker(
    config: &Config,
    data_dir: &Path,
    clock: &ServerClock,
    registries: Registries,
) -> Result<Arc<dyn Driver>, DriverError> {
    let docker = DockerConfig {
        data: data_dir.to_owned(),
        logs: logs_root(data_dir),
        surroundings: config.docker.surroundings(),
        registries,
        clock: Arc::new(clock.clone()),
    };
    Ok(Arc::new(DockerDriver::open(docker).await?))
}

#[cfg(not(target_os = "linux"))]
async fn native(_: &Config, _: &Path, _: Registries) -> Result<Arc<dyn Driver>, DriverError> {
    Err(DriverError::NotLinux)
}

#[cfg(target_os = "linux")]
async fn native(
    config: &Config,
    data_dir: &Path,
    registries: Registries,
) -> Result<Arc<dyn Driver>, DriverError> {
    let of_host = NetworkConfig::of_host();
    let network = NetworkConfig {
        pool: config.network.pool.unwrap_or(of_host.pool),
        ..of_host
    };
    let shim = ["/proc/self/exe", SHIM].map(OsString::from).to_vec();
    let native = NativeConfig {
        data: data_dir.to_owned(),
        logs: logs_root(data_dir),
        shim,
        network,
        registries,
    };
    Ok(Arc::new(NativeDriver::open(native).await?))
}

fn scripted(
    config: &Config,
    data_dir: &Path,
    clock: &ServerClock,
) -> Result<Scripted, DriverError> {
    let folder = data_dir.join("scripted");
    let clock = Arc::new(clock.clone());
    let driver = Scripted::persistent(clock, &logs_root(data_dir), &folder).map_err(|source| {
        DriverError::Scripted {
            path: folder.display().to_string(),
            source,
        }
    })?;
    let unlimited = driver.capacity();
    let capacity = Capacity {
        cpu_units: config.scripted.cpu.unwrap_or(unlimited.cpu_units),
        memory_mib: config.scripted.memory.unwrap_or(unlimited.memory_mib),
        ..unlimited
    };
    Ok(driver.with_capacity(capacity).for_many_hosts())
}

/// The image store of a data directory, for the `image` commands.
#[cfg(target_os = "linux")]
pub(crate) fn images(data_dir: &Path) -> Result<ImageStore, ImageError> {
    ImageStore::open(&images_root(data_dir))
}

#[cfg(target_os = "linux")]
pub(crate) fn images_root(data_dir: &Path) -> PathBuf {
    data_dir.join("native").join("images")
}

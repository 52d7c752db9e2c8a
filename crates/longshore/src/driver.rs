//! Chooses and opens the driver that runs the containers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime::native::image::{ImageError, ImageStore, Registries};
use runtime::native::network::NetworkConfig;
use runtime::native::{NativeConfig, NativeDriver, NativeError};
use runtime::scripted::Scripted;
use runtime::{Capacity, Driver};

use crate::SHIM;
use crate::arguments::DriverName;
use crate::clock::ServerClock;
use crate::config::Config;
use crate::instances;

#[derive(Debug, thiserror::Error)]
pub(crate) enum DriverError {
    #[error("{0}")]
    Native(#[from] NativeError),
    #[error(
        "no driver can run containers here: {0}; or try `longshore up --driver scripted`, which \
         starts nothing"
    )]
    NoneWorks(NativeError),
    #[error("the docker driver is not built in this version; use --driver native or scripted")]
    Docker,
    #[error("the scripted driver cannot use {path}: {source}")]
    Scripted {
        path: String,
        source: std::io::Error,
    },
    #[error("network.pool '{0}' is not an IPv4 network like 10.231.0.0/16")]
    Pool(String),
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
) -> Result<Drivers, DriverError> {
    let is_scripted = match config.driver {
        DriverName::Scripted => true,
        // Nobody asks for real containers, so it does not matter whether they can run here.
        DriverName::Auto => instances::all_scripted(&config.instances),
        DriverName::Native | DriverName::Docker => false,
    };
    let own: Arc<dyn Driver> = if is_scripted {
        Arc::new(scripted(config, data_dir, clock)?)
    } else {
        real(config, data_dir).await?
    };
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

async fn real(config: &Config, data_dir: &Path) -> Result<Arc<dyn Driver>, DriverError> {
    if config.driver == DriverName::Docker {
        return Err(DriverError::Docker);
    }
    match native(config, data_dir).await {
        Ok(driver) => Ok(Arc::new(driver)),
        Err(DriverError::Native(why)) if config.driver == DriverName::Auto => {
            Err(DriverError::NoneWorks(why))
        }
        Err(other) => Err(other),
    }
}

async fn native(config: &Config, data_dir: &Path) -> Result<NativeDriver, DriverError> {
    let network = network(config)?;
    let shim = ["/proc/self/exe", SHIM].map(OsString::from).to_vec();
    let native = NativeConfig {
        data: data_dir.to_owned(),
        logs: logs_root(data_dir),
        shim,
        network,
        registries: registries(config),
    };
    Ok(NativeDriver::open(native).await?)
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

fn network(config: &Config) -> Result<NetworkConfig, DriverError> {
    let mut network = NetworkConfig::of_host();
    if let Some(pool) = &config.network.pool {
        network.pool = pool.parse().map_err(|_| DriverError::Pool(pool.clone()))?;
    }
    Ok(network)
}

/// Credentials as `docker login` leaves them.
fn registries(config: &Config) -> Registries {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let docker = folder("DOCKER_CONFIG").or_else(|| Some(folder("HOME")?.join(".docker")));
    Registries {
        docker_config: docker.map(|folder| folder.join("config.json")),
        insecure: config.registry.insecure.clone(),
    }
}

/// The image store of a data directory, for the `image` commands.
pub(crate) fn images(data_dir: &Path) -> Result<ImageStore, ImageError> {
    ImageStore::open(&images_root(data_dir))
}

pub(crate) fn images_root(data_dir: &Path) -> PathBuf {
    data_dir.join("native").join("images")
}

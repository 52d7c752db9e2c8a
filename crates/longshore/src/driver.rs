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
use crate::clock::SystemClock;
use crate::config::Config;

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

pub(crate) async fn open(config: &Config, data_dir: &Path) -> Result<Arc<dyn Driver>, DriverError> {
    match config.driver {
        DriverName::Native => Ok(Arc::new(native(config, data_dir).await?)),
        DriverName::Auto => match native(config, data_dir).await {
            Ok(driver) => Ok(Arc::new(driver)),
            Err(DriverError::Native(why)) => Err(DriverError::NoneWorks(why)),
            Err(other) => Err(other),
        },
        DriverName::Docker => Err(DriverError::Docker),
        DriverName::Scripted => Ok(Arc::new(scripted(config, data_dir)?)),
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

fn scripted(config: &Config, data_dir: &Path) -> Result<Scripted, DriverError> {
    let folder = data_dir.join("scripted");
    let clock = Arc::new(SystemClock);
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
    Ok(driver.with_capacity(capacity))
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
    ImageStore::open(&data_dir.join("native").join("images"))
}

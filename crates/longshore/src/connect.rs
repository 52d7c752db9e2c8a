//! Finds the server of a data directory, or becomes it: there is never a second
//! engine over one directory.

use std::path::Path;

use client::{Client, Config as ClientConfig, Credentials};
use store::{DataDirLock, LockError};

use crate::config::Config;
use crate::data_dir::{DataDirError, ServerFile};
use crate::server::{Server, StartError};

/// Tries to read the file of a server that has the lock but has not written the file yet.
const WRITES_FILE_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("{0}")]
    Start(#[from] StartError),
    #[error("{0}")]
    DataDir(#[from] DataDirError),
    #[error("{0}, but it does not say where it serves")]
    Silent(LockError),
    #[error("no server is running; start one with `longshore up`")]
    NoServer,
    #[error("the client cannot be made: {0}")]
    Client(String),
}

/// A server of this directory: somebody else's, or one inside this process.
pub(crate) enum Found {
    Running(ServerFile),
    Embedded(Box<Server>),
}

impl Found {
    pub(crate) fn file(&self) -> &ServerFile {
        match self {
            Self::Running(file) => file,
            Self::Embedded(server) => &server.file,
        }
    }
}

/// Connects to the running server, or starts one on a random loopback port.
pub(crate) async fn find_or_start(config: &Config, data_dir: &Path) -> Result<Found, ConnectError> {
    match DataDirLock::acquire(data_dir) {
        Ok(lock) => {
            let embedded = Config {
                listen: "127.0.0.1:0".to_owned(),
                ..config.clone()
            };
            let server = Server::start(&embedded, data_dir, lock).await?;
            Ok(Found::Embedded(Box::new(server)))
        }
        Err(held @ LockError::Held { .. }) => {
            Ok(Found::Running(running_file(data_dir, held).await?))
        }
        Err(other) => Err(StartError::Lock(other).into()),
    }
}

/// The running server, for commands that make no sense without one.
pub(crate) async fn running(data_dir: &Path) -> Result<ServerFile, ConnectError> {
    if !data_dir.exists() {
        return Err(ConnectError::NoServer);
    }
    match DataDirLock::acquire(data_dir) {
        Ok(_) => Err(ConnectError::NoServer),
        Err(held @ LockError::Held { .. }) => running_file(data_dir, held).await,
        Err(other) => Err(StartError::Lock(other).into()),
    }
}

/// Waits for the file of the process that holds the lock; a file of another process is stale.
async fn running_file(data_dir: &Path, held: LockError) -> Result<ServerFile, ConnectError> {
    let holder = match &held {
        LockError::Held { pid, .. } => *pid,
        LockError::Io { .. } => None,
    };
    let look = async {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(5));
        loop {
            pause.tick().await;
            let file = ServerFile::read(data_dir)?;
            if let Some(file) = file.filter(|file| holder.is_none_or(|pid| pid == file.pid)) {
                return Ok(file);
            }
        }
    };
    match tokio::time::timeout(WRITES_FILE_WITHIN, look).await {
        Ok(found) => found,
        Err(_) => Err(ConnectError::Silent(held)),
    }
}

/// A client for our own server.
pub(crate) fn client(file: &ServerFile) -> Result<Client, ConnectError> {
    let credentials = Credentials::new(&file.key.access_key_id, &file.key.secret_access_key);
    let config = ClientConfig::builder()
        .region(&file.region)
        .endpoint_url(&file.url)
        .credentials(credentials)
        .build()
        .map_err(|error| ConnectError::Client(error.to_string()))?;
    Ok(Client::new(config))
}

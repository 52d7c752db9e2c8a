//! Finds the server of a data directory, or becomes it: there is never a second
//! engine over one directory.

use std::io;
use std::path::Path;
use std::time::Duration;

use client::{Client, Config as ClientConfig, ConfigBuilder, Credentials};
use store::{DataDirLock, LockError};
use tokio::net::TcpStream;

use crate::clock::ServerClock;
use crate::config::Config;
use crate::data_dir::{DataDirError, ServerFile};
use crate::guests::Guest;
use crate::server::{Server, StartError};

/// How long a server may take to say where it serves, or to end.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);
/// How often a guest looks whether its engine is still there.
const WATCHES_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("{0}")]
    Start(#[from] StartError),
    #[error("{0}")]
    DataDir(#[from] DataDirError),
    #[error("data directory {dir} is in use by {}, which does not serve; stop it", process(*pid))]
    Silent { dir: String, pid: Option<u32> },
    #[error("no server is running; start one with `longshore up`")]
    NoServer,
    #[error("the client cannot be made: {0}")]
    Client(String),
}

/// A server of this directory: somebody else's, or one inside this process.
pub(crate) enum Found {
    /// With what keeps the other process from ending it.
    Running {
        file: ServerFile,
        _guest: Guest,
    },
    Embedded(Box<Server>),
}

impl Found {
    pub(crate) fn file(&self) -> &ServerFile {
        match self {
            Self::Running { file, .. } => file,
            Self::Embedded(server) => &server.file,
        }
    }
}

/// Connects to the running server, or starts one on a random loopback port.
pub(crate) async fn find_or_start(config: &Config, data_dir: &Path) -> Result<Found, ConnectError> {
    let mut rounds = Rounds::new();
    loop {
        match look(data_dir)? {
            Look::Ours(lock) => {
                let embedded = Config {
                    listen: "127.0.0.1:0".to_owned(),
                    ..config.clone()
                };
                let server =
                    Server::start(&embedded, data_dir, lock, true, ServerClock::system()).await?;
                return Ok(Found::Embedded(Box::new(server)));
            }
            Look::Theirs(file, guest) => {
                return Ok(Found::Running {
                    file,
                    _guest: guest,
                });
            }
            Look::Unsettled(pid) => rounds.next(silent(data_dir, pid)).await?,
        }
    }
}

/// The running server, for commands that make no sense without one.
pub(crate) async fn running(data_dir: &Path) -> Result<ServerFile, ConnectError> {
    if !data_dir.exists() {
        return Err(ConnectError::NoServer);
    }
    let mut rounds = Rounds::new();
    loop {
        match look(data_dir)? {
            Look::Ours(_) => return Err(ConnectError::NoServer),
            Look::Theirs(file, _) => return Ok(file),
            Look::Unsettled(pid) => rounds.next(silent(data_dir, pid)).await?,
        }
    }
}

/// Whose the directory is.
enum Look {
    Ours(DataDirLock),
    Theirs(ServerFile, Guest),
    /// A server starts or ends; the process, if it is known.
    Unsettled(Option<u32>),
}

/// First a guest, then the question: a server that is there then cannot end any more.
fn look(data_dir: &Path) -> Result<Look, ConnectError> {
    let guest = Guest::enter(data_dir).map_err(|source| DataDirError::Io {
        path: data_dir.to_owned(),
        source,
    })?;
    let holder = match DataDirLock::acquire(data_dir) {
        Ok(lock) => return Ok(Look::Ours(lock)),
        Err(LockError::Held { pid, .. }) => pid,
        Err(other) => return Err(StartError::Lock(other).into()),
    };
    // A file of another process than the holder is stale.
    let file = ServerFile::read(data_dir)?.filter(|file| Some(file.pid) == holder);
    Ok(match (file, guest) {
        (Some(file), Some(guest)) => Look::Theirs(file, guest),
        _ => Look::Unsettled(holder),
    })
}

/// Looks again and again, but not for ever.
struct Rounds {
    pause: tokio::time::Interval,
    end: tokio::time::Instant,
}

impl Rounds {
    fn new() -> Self {
        let pause = tokio::time::interval(PAUSE);
        let end = tokio::time::Instant::now() + SETTLED_WITHIN;
        Self { pause, end }
    }

    /// The error, if that was the last one.
    async fn next(&mut self, error: ConnectError) -> Result<(), ConnectError> {
        if self.pause.tick().await < self.end {
            Ok(())
        } else {
            Err(error)
        }
    }
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

fn silent(data_dir: &Path, pid: Option<u32>) -> ConnectError {
    ConnectError::Silent {
        dir: data_dir.display().to_string(),
        pid,
    }
}

/// Returns when the engine of another command is gone, which never comes back.
pub(crate) async fn gone(file: &ServerFile) {
    if !file.embedded {
        // It may be started again.
        return std::future::pending().await;
    }
    let address = file.url.trim_start_matches("http://");
    let mut pause = tokio::time::interval(WATCHES_EVERY);
    loop {
        pause.tick().await;
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        let reached = TcpStream::connect(address).await;
        if reached.as_ref().is_err_and(refused) {
            return;
        }
    }
}

/// A client for our own server.
pub(crate) fn client(file: &ServerFile) -> Result<Client, ConnectError> {
    let config = client_builder(file).build();
    config
        .map(Client::new)
        .map_err(|error| ConnectError::Client(error.to_string()))
}

/// Where it is and its root's key.
pub(crate) fn client_builder(file: &ServerFile) -> ConfigBuilder {
    let credentials = Credentials::new(&file.key.access_key_id, &file.key.secret_access_key);
    ClientConfig::builder()
        .region(&file.region)
        .endpoint_url(&file.url)
        .credentials(credentials)
}

//! The data directory: where it is, and the small files in it that are ours.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use model::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::keys::RootKey;

/// Names the server that holds this directory; checked against the lock.
const SERVER_FILE: &str = "server.json";

#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    #[error("{}", io_sentence(path, source))]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is damaged: {source}; remove it to have it made anew", path.display())]
    Damaged {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("set both {id} and {secret}, or neither")]
    HalfKey {
        id: &'static str,
        secret: &'static str,
    },
    #[error("the system gives no randomness: {0}")]
    Random(String),
    #[error("no home directory is known; give one with --data-dir")]
    NoHome,
}

fn io_sentence(path: &Path, source: &io::Error) -> String {
    if is_full(source) {
        return full_disk(path);
    }
    format!(
        "{} cannot be used: {source}; check its permissions or choose another --data-dir",
        path.display()
    )
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

pub(crate) fn full_disk(path: &Path) -> String {
    format!(
        "the disk that holds {} is full: free some space, for example with `longshore image rm`",
        path.display()
    )
}

/// `--data-dir`, else `$XDG_DATA_HOME/longshore` or its default, as root `/var/lib/longshore`.
pub(crate) fn locate(given: Option<PathBuf>) -> Result<PathBuf, DataDirError> {
    if let Some(given) = given {
        return std::path::absolute(&given).map_err(|source| DataDirError::Io {
            path: given.clone(),
            source,
        });
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/longshore"));
    }
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let data_home = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")));
    data_home
        .map(|home| home.join("longshore"))
        .ok_or(DataDirError::NoHome)
}

/// What a command needs to reach the server of this directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerFile {
    /// `http://127.0.0.1:8327`
    pub(crate) url: String,
    pub(crate) pid: u32,
    pub(crate) started_at: Timestamp,
    /// Whether the server is part of a command, and never comes back once it has ended.
    pub(crate) embedded: bool,
    pub(crate) region: String,
    pub(crate) key: RootKey,
}

impl ServerFile {
    pub(crate) fn read(data_dir: &Path) -> Result<Option<Self>, DataDirError> {
        read_json(&data_dir.join(SERVER_FILE))
    }

    pub(crate) fn write(&self, data_dir: &Path) -> Result<(), DataDirError> {
        write_private(&data_dir.join(SERVER_FILE), self)
    }

    /// Called by the server that wrote it, when it ends.
    pub(crate) fn remove(data_dir: &Path) {
        // A file that is left behind is harmless: readers check the lock.
        let _ = fs::remove_file(data_dir.join(SERVER_FILE));
    }
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, DataDirError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(DataDirError::Io {
                path: path.to_owned(),
                source,
            });
        }
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|source| DataDirError::Damaged {
            path: path.to_owned(),
            source,
        })
}

/// Writes a file that only its owner can read; readers see the old content or the new one.
pub(crate) fn write_private(path: &Path, value: &impl Serialize) -> Result<(), DataDirError> {
    let fail = |source| DataDirError::Io {
        path: path.to_owned(),
        source,
    };
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| fail(error.into()))?;
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new).map_err(fail)?;
    file.write_all(&bytes)
        .and_then(|()| file.sync_all())
        .map_err(fail)?;
    fs::rename(&new, path).map_err(fail)?;
    // Without it a power loss may bring back the directory without the name, and with it a new
    // root key that nobody was told of.
    sync_directory(path).map_err(fail)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

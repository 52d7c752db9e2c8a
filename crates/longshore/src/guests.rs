//! Who uses the engine of a data directory besides its own process. An engine inside a
//! command ends only when the last guest has gone, and nobody enters while it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Guests hold a shared lock of this file, an engine that ends the exclusive one.
const GUESTS_FILE: &str = "guests";

/// Held as long as a command uses the engine of another process.
pub(crate) struct Guest {
    _lock: File,
}

/// Held by an engine that ends: guests wait outside, and find no engine when they come in.
pub(crate) struct ClosedDoor {
    _lock: File,
}

impl Guest {
    /// `None` while an engine ends, or if there is no such directory.
    pub(crate) fn enter(data_dir: &Path) -> io::Result<Option<Self>> {
        let file = match open(data_dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let locked = taken(file.try_lock_shared())?;
        Ok(locked.then_some(Self { _lock: file }))
    }
}

impl ClosedDoor {
    /// `None` while there are guests.
    pub(crate) fn close(data_dir: &Path) -> io::Result<Option<Self>> {
        let file = open(data_dir)?;
        let locked = taken(file.try_lock())?;
        Ok(locked.then_some(Self { _lock: file }))
    }
}

fn open(data_dir: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options.open(data_dir.join(GUESTS_FILE))
}

fn taken(result: Result<(), TryLockError>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_closes_behind_the_last_guest() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path();
        let guests = [(); 2].map(|()| Guest::enter(data_dir).unwrap().unwrap());
        assert!(ClosedDoor::close(data_dir).unwrap().is_none());
        drop(guests);
        let door = ClosedDoor::close(data_dir).unwrap().unwrap();
        assert!(Guest::enter(data_dir).unwrap().is_none());
        drop(door);
        assert!(Guest::enter(data_dir).unwrap().is_some());
    }

    #[test]
    fn nobody_enters_what_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        assert!(Guest::enter(&missing).unwrap().is_none());
        assert!(!missing.exists());
    }
}

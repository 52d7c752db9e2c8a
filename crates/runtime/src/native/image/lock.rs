//! Who may change the store at the same time: the server and `longshore image …` share it.
//!
//! `store.lock` is held shared by everyone who makes layers and needs them to stay, exclusively
//! by the sweep that deletes what nobody names. `index.lock` is held for the moment in which
//! names change. The kernel drops both when a process ends, so a crash leaves nothing locked.

use std::fs::File;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::error::ImageError;

/// Keeps the lock until it is dropped.
pub(super) struct Held {
    _file: File,
}

/// While this is held nothing is swept.
pub(super) fn keep_layers(root: &Path) -> Result<Held, ImageError> {
    take(root, "store.lock", FlockOperation::LockShared).map(|(held, _)| held)
}

/// `None` if layers are being made or leased right now.
pub(super) fn try_sweep(root: &Path) -> Result<Option<Held>, ImageError> {
    let (held, taken) = take(root, "store.lock", FlockOperation::NonBlockingLockExclusive)?;
    Ok(taken.then_some(held))
}

pub(super) fn change_names(root: &Path) -> Result<Held, ImageError> {
    take(root, "index.lock", FlockOperation::LockExclusive).map(|(held, _)| held)
}

fn take(root: &Path, name: &str, operation: FlockOperation) -> Result<(Held, bool), ImageError> {
    let path = root.join(name);
    let file = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| ImageError::io(&path, error))?;
    let taken = loop {
        match rustix::fs::flock(&file, operation) {
            Ok(()) => break true,
            Err(Errno::WOULDBLOCK) => break false,
            Err(Errno::INTR) => {}
            Err(error) => return Err(ImageError::io(&path, error)),
        }
    };
    Ok((Held { _file: file }, taken))
}

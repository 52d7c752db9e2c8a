//! Small files that are either whole or absent, also after a power loss.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ImageError;

/// Writes under a temporary name in `scratch` (same file system), syncs, renames, syncs the folder.
pub(super) fn write(path: &Path, scratch: &Path, value: &impl Serialize) -> Result<(), ImageError> {
    let failed = |error| ImageError::io(path, error);
    let file = unnamed(scratch, value).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder_of(path)
}

/// The same without syncs, for what means nothing after a restart of the host: whole or absent
/// as long as the host runs.
pub(super) fn write_unsynced(
    path: &Path,
    scratch: &Path,
    value: &impl Serialize,
) -> Result<(), ImageError> {
    let failed = |error| ImageError::io(path, error);
    let file = unnamed(scratch, value).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn unnamed(scratch: &Path, value: &impl Serialize) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new_in(scratch)?;
    serde_json::to_writer(&mut file, value)?;
    file.flush()?;
    Ok(file)
}

/// `None` if the file does not exist.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ImageError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| ImageError::io(path, error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ImageError::io(path, error)),
    }
}

/// Succeeds if the file is gone already.
pub(super) fn remove(path: &Path) -> Result<(), ImageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(ImageError::io(path, error)),
        _ => Ok(()),
    }
}

/// Makes the names in the folder that holds `path` durable.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), ImageError> {
    let folder = path.parent().unwrap_or(path);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| ImageError::io(folder, error))
}

/// The names in a folder.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, ImageError> {
    let failed = |error| ImageError::io(folder, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        names.extend(name.into_string().ok());
    }
    names.sort();
    Ok(names)
}

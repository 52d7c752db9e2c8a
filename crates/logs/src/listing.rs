//! Which groups and streams there are: the folders and files below the root.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::name::{CONTINUED, STREAM_SUFFIX, decode};
use crate::{GroupName, LogsError, StreamName};

/// All groups in the order of their names.
pub(crate) fn groups(root: &Path) -> Result<Vec<GroupName>, LogsError> {
    let names = names(root, "", true)?;
    Ok(names
        .iter()
        .filter_map(|name| GroupName::parse(name).ok())
        .collect())
}

/// All streams of a group in the order of their names.
pub(crate) fn streams(folder: &Path) -> Result<Vec<StreamName>, LogsError> {
    let names = names(folder, STREAM_SUFFIX, false)?;
    Ok(names
        .iter()
        .filter_map(|name| StreamName::parse(name).ok())
        .collect())
}

/// When a file or folder was made, in milliseconds since the epoch. Where the
/// file system does not keep that, when it was last changed.
pub(crate) fn created(metadata: &Metadata) -> Option<i64> {
    let time = metadata.created().or_else(|_| metadata.modified()).ok()?;
    let age = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(age.as_millis()).ok()
}

fn names(folder: &Path, suffix: &str, folders: bool) -> Result<Vec<String>, LogsError> {
    let mut found = Vec::new();
    walk(folder, "", &mut |encoded, is_folder| {
        let name = encoded
            .strip_suffix(suffix)
            .filter(|_| is_folder == folders);
        found.extend(name.and_then(decode));
    })
    .map_err(|error| LogsError::io(folder, error))?;
    found.sort_unstable();
    Ok(found)
}

/// Calls `found` with each entry's whole encoded name and whether it is a folder.
/// A folder that is not there (any more) has no entries.
fn walk(folder: &Path, before: &str, found: &mut dyn FnMut(&str, bool)) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let is_folder = entry.file_type()?.is_dir();
        match name.strip_suffix(CONTINUED).filter(|_| is_folder) {
            Some(part) => walk(&entry.path(), &format!("{before}{part}"), found)?,
            None => found(&format!("{before}{name}"), is_folder),
        }
    }
    Ok(())
}

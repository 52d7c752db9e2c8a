//! The program as a user without any rights runs it.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::support::{LONGSHORE, Place};

/// Debian's `nobody`.
const NOBODY: u32 = 65534;

/// With a data directory of its own, which is the place's.
pub(crate) struct Nobody {
    /// Open, because nobody may look into the folders above the program.
    program: File,
    folder: PathBuf,
    data: PathBuf,
}

impl Nobody {
    pub(crate) fn at(place: &Place) -> Self {
        let folder = place.path("");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(place.data()).unwrap();
        fs::set_permissions(place.data(), fs::Permissions::from_mode(0o700)).unwrap();
        chown(place.data(), Some(NOBODY), Some(NOBODY)).unwrap();
        Self {
            program: File::open(LONGSHORE).unwrap(),
            data: place.data(),
            folder,
        }
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let program = format!("/proc/self/fd/{}", self.program.as_raw_fd());
        let mut command = Command::new(program);
        command.args(words).env_clear().current_dir(&self.folder);
        command.env("LONGSHORE_DATA_DIR", &self.data);
        command.uid(NOBODY).gid(NOBODY);
        command
    }
}

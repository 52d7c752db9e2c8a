//! One process per data directory: an advisory lock that ends with its holder.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The name of the lock file in the data directory. It is never deleted: a
/// process that waits to lock a deleted file would hold nothing.
const LOCK_FILE: &str = "lock";

/// Held as long as this value lives; the kernel releases it when the process
/// ends, however it ends. Processes started by `exec` do not inherit it.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
}

/// Why the data directory is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it. Its pid is missing if that process is just writing it.
    #[error("data directory {} is in use by {}; stop it or choose another directory", dir.display(), holder(*pid))]
    Held { dir: PathBuf, pid: Option<u32> },
    /// The directory or the lock file cannot be created or written.
    #[error("data directory {} cannot be used: {source}", dir.display())]
    Io { dir: PathBuf, source: io::Error },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

impl DataDirLock {
    /// Takes the lock of `dir`, creating the directory (mode 0700) if it is missing.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let fail = |source| LockError::Io {
            dir: dir.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(fail)?;
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let mut file = options.open(dir.join(LOCK_FILE)).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    dir: dir.to_owned(),
                    pid: read_pid(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
        write_pid(&mut file).map_err(fail)?;
        Ok(Self { file })
    }

    /// Whether `acquire` would find `dir` free, without making or writing anything.
    pub fn look(dir: &Path) -> Result<(), LockError> {
        let fail = |source| LockError::Io {
            dir: dir.to_owned(),
            source,
        };
        let mut file = match File::open(dir.join(LOCK_FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(fail(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(LockError::Held {
                dir: dir.to_owned(),
                pid: read_pid(&mut file),
            }),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }
}

impl Drop for DataDirLock {
    fn drop(&mut self) {
        // The pid only informs; closing the file releases the lock.
        let _ = self.file.set_len(0);
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_holder_is_told_who_has_it_and_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("data");
        let lock = DataDirLock::acquire(&dir).unwrap();
        let error = DataDirLock::acquire(&dir).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "data directory {} is in use by process {}; stop it or choose another directory",
                dir.display(),
                std::process::id()
            )
        );
        drop(lock);
        DataDirLock::acquire(&dir).unwrap();
    }

    #[test]
    fn a_look_takes_and_makes_nothing() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("data");
        DataDirLock::look(&dir).unwrap();
        assert!(!dir.exists());
        let lock = DataDirLock::acquire(&dir).unwrap();
        let told = DataDirLock::look(&dir).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(told.contains(&format!("in use by process {pid}")), "{told}");
        drop(lock);
        DataDirLock::look(&dir).unwrap();
        DataDirLock::acquire(&dir).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = DataDirLock::acquire(&file.join("data")).unwrap_err();
        assert!(matches!(error, LockError::Io { .. }));
        assert!(error.to_string().contains("file/data"), "{error}");
    }
}

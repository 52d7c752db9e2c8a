//! What the native driver needs of its host, looked at once, when it is opened: one sentence
//! per missing thing. And what the host has to give.

mod examination;

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use nix::sched::{CloneFlags, unshare};

use super::cgroup::Cgroups;
use crate::driver::Capacity;

pub use examination::{Examined, Outcome, examine};

/// Why the native driver cannot work here. Each is one sentence that says what to change.
#[derive(Debug, thiserror::Error)]
pub enum NativeError {
    #[error("the native driver needs root; start longshore with sudo, or try --driver scripted")]
    NotRoot,
    #[error(
        "this host does not permit new namespaces ({0}); inside a container, give it the capability SYS_ADMIN"
    )]
    Namespaces(io::Error),
    #[error("no control groups are mounted; mount cgroup2 at /sys/fs/cgroup")]
    NoCgroups,
    #[error(
        "the control groups at {path} cannot be written ({source}); mount them writable, and under systemd set Delegate=yes"
    )]
    Cgroups { path: String, source: io::Error },
    #[error("this kernel has no overlay file system; load it with `modprobe overlay`")]
    NoOverlay,
    #[error("the folder {path} cannot be used ({source}); choose another --data-dir")]
    Folder { path: String, source: io::Error },
    #[error("the shim cannot be started ({0}); start longshore from an executable file system")]
    Shim(io::Error),
    #[error("{0}")]
    Part(#[from] model::container::Failure),
}

/// Everything but the folders, in the order in which a person would repair it.
pub(super) fn check() -> Result<Cgroups, NativeError> {
    if !is_root() {
        return Err(NativeError::NotRoot);
    }
    try_namespaces().map_err(NativeError::Namespaces)?;
    let found = Cgroups::find()
        .ok()
        .flatten()
        .ok_or(NativeError::NoCgroups)?;
    found
        .prepare()
        .map_err(|(path, source)| NativeError::Cgroups {
            path: path.display().to_string(),
            source,
        })?;
    if !knows_overlay() && !loads_overlay() {
        return Err(NativeError::NoOverlay);
    }
    Ok(found)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// On a thread of its own: the namespaces end with it.
fn try_namespaces() -> io::Result<()> {
    let flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWNET;
    let tried = thread::spawn(move || unshare(flags)).join();
    tried
        .map_err(|_| io::Error::other("the test ended early"))?
        .map_err(io::Error::from)
}

fn knows_overlay() -> bool {
    let kinds = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    kinds.split_whitespace().any(|kind| kind == "overlay")
}

/// Asking for the file system makes the kernel load its module where it can.
fn loads_overlay() -> bool {
    use rustix::mount::{FsOpenFlags, fsopen};
    fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).is_ok()
}

/// Memory kept for the host and the server itself; the rest is given to tasks.
const MEMORY_RESERVE_MIB: u64 = 256;
/// On small hosts the reserve is at most this part of the memory.
const MEMORY_RESERVE_PART: u64 = 8;

pub(super) fn capacity() -> Capacity {
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo_kib(&meminfo, "MemTotal").unwrap_or(0) / 1024;
    let memory = total - MEMORY_RESERVE_MIB.min(total / MEMORY_RESERVE_PART);
    Capacity {
        cpu_units: u32::try_from(cores * 1024).unwrap_or(u32::MAX),
        memory_mib: u32::try_from(memory).unwrap_or(u32::MAX),
        architecture: architecture().to_owned(),
    }
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}

/// A value of `/proc/meminfo`.
pub(super) fn meminfo_kib(text: &str, name: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Makes a folder that nobody else may look into; its absolute path.
pub(super) fn folder(path: &Path) -> Result<std::path::PathBuf, NativeError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.and_then(|()| fs::canonicalize(path))
        .map_err(|source| NativeError::Folder {
            path: path.display().to_string(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_found_by_its_name() {
        let text = "MemTotal:       24683520 kB\nMemFree: 1 kB\nSwapTotal:             0 kB\n";
        assert_eq!(meminfo_kib(text, "MemTotal"), Some(24_683_520));
        assert_eq!(meminfo_kib(text, "SwapTotal"), Some(0));
        assert_eq!(meminfo_kib(text, "Mem"), None);
    }

    #[test]
    fn each_error_is_one_sentence_that_says_what_to_change() {
        let source = || io::Error::from_raw_os_error(30);
        let errors = [
            NativeError::NotRoot,
            NativeError::Namespaces(source()),
            NativeError::NoCgroups,
            NativeError::Cgroups {
                path: "/sys/fs/cgroup/memory".into(),
                source: source(),
            },
            NativeError::NoOverlay,
            NativeError::Folder {
                path: "/data".into(),
                source: source(),
            },
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains(';') || text.contains("cgroup2"), "{text}");
            assert!(!text.contains(". "), "{text}");
        }
    }
}

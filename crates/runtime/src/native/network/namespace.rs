//! Network namespaces that live without a process: each is kept by a bind mount on a file.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::thread;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statfs::{FsType, fstatfs};

use super::link::Links;

/// `NSFS_MAGIC`, linux/magic.h.
const NSFS: FsType = FsType(0x6e73_6673);

/// A namespace just made, with its loopback up.
#[derive(Debug)]
pub(super) struct Namespace {
    file: File,
    /// Speaks to the kernel inside the namespace.
    pub(super) links: Links,
}

impl Namespace {
    /// Makes a namespace and mounts it on `path`; a namespace that is there is replaced.
    /// If it fails, nothing is left on `path`.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        remove(path)?;
        File::create(path)?;
        // A thread of its own, because the namespace of a thread that goes on working for
        // others must never change.
        let made = thread::scope(|scope| {
            let thread = thread::Builder::new()
                .name("new-netns".to_owned())
                .spawn_scoped(scope, || mount_new(path))?;
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the namespace thread panicked")))
        });
        let namespace = made.and_then(|links| {
            Ok(Self {
                file: File::open(path)?,
                links,
            })
        });
        if namespace.is_err() {
            let _ = remove(path);
        }
        namespace
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn mount_new(path: &Path) -> io::Result<Links> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let mut links = Links::open()?;
    links.loopback_up()?;
    mount(
        Some("/proc/thread-self/ns/net"),
        path,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )?;
    Ok(links)
}

/// Whether a namespace is mounted on the file. After a reboot the file is there, but empty.
pub(super) fn is_mounted(path: &Path) -> bool {
    File::open(path)
        .and_then(|file| Ok(fstatfs(&file)?))
        .is_ok_and(|stat| stat.filesystem_type() == NSFS)
}

/// Unmounts the namespace and removes the file. The kernel then ends the namespace and
/// both ends of its veth pair in the background, once no process is left in it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    if is_mounted(path) {
        umount2(path, MntFlags::MNT_DETACH)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

//! Network namespaces that live without a process: each is kept by a bind mount on a file.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::path::Path;
use std::thread;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statfs::{FsType, fstatfs};

use super::link::Links;

/// `NSFS_MAGIC`, linux/magic.h.
const NSFS: FsType = FsType(0x6e73_6673);

/// A namespace just made, with its loopback up. It ends with this value unless it is mounted.
#[derive(Debug)]
pub(super) struct Namespace {
    file: File,
    /// Speaks to the kernel inside the namespace.
    pub(super) links: Links,
}

impl Namespace {
    pub(super) fn create() -> io::Result<Self> {
        // A thread of its own, because the namespace of a thread that goes on working for
        // others must never change.
        thread::scope(|scope| {
            let thread = thread::Builder::new()
                .name("new-netns".to_owned())
                .spawn_scoped(scope, enter_new)?;
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the namespace thread panicked")))
        })
    }

    /// Keeps the namespace on `path`; one that is there is replaced. If it fails, nothing is
    /// left on `path`.
    pub(super) fn mount(&self, path: &Path) -> io::Result<()> {
        remove(path)?;
        File::create(path)?;
        let source = format!("/proc/thread-self/fd/{}", self.file.as_raw_fd());
        let mounted = mount(
            Some(source.as_str()),
            path,
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        );
        if mounted.is_err() {
            let _ = remove(path);
        }
        Ok(mounted?)
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn enter_new() -> io::Result<Namespace> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let mut links = Links::open()?;
    links.loopback_up()?;
    let file = File::open("/proc/thread-self/ns/net")?;
    Ok(Namespace { file, links })
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

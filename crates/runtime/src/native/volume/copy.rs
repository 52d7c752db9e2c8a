//! The content that an image has where a volume is mounted first becomes the volume's.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, Timespec, Timestamps, flock, mknodat, utimensat,
};

use super::shown;

/// Copies the image's folder, its owner and mode too, unless the volume has something already.
/// One at a time does it.
pub(super) fn fill(volume: &OwnedFd, image: &OwnedFd) -> io::Result<()> {
    let (from, to) = (shown(image), shown(volume));
    let guard = fs::File::open(to.join(".."))?;
    flock(&guard, FlockOperation::LockExclusive)?;
    if fs::read_dir(&to)?.next().is_some() {
        return Ok(());
    }
    folder(&from, &to)?;
    keep(&fs::metadata(&from)?, &to)
}

fn folder(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let found = fs::symlink_metadata(&from)?;
        let kind = found.file_type();
        if kind.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
            lchown(&to, Some(found.uid()), Some(found.gid()))?;
            continue;
        }
        if kind.is_dir() {
            fs::create_dir(&to)?;
            folder(&from, &to)?;
        } else if kind.is_file() {
            fs::copy(&from, &to)?;
        } else {
            let node = match () {
                () if kind.is_fifo() => FileType::Fifo,
                () if kind.is_char_device() => FileType::CharacterDevice,
                () if kind.is_block_device() => FileType::BlockDevice,
                // A socket without its server is of no use.
                () => continue,
            };
            mknodat(CWD, &to, node, Mode::empty(), found.rdev())?;
        }
        keep(&found, &to)?;
    }
    Ok(())
}

/// Owner, mode and time.
fn keep(found: &fs::Metadata, path: &Path) -> io::Result<()> {
    std::os::unix::fs::chown(path, Some(found.uid()), Some(found.gid()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(found.mode() & 0o7777))?;
    let time = |seconds, nanoseconds| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time(found.atime(), found.atime_nsec()),
        last_modification: time(found.mtime(), found.mtime_nsec()),
    };
    Ok(utimensat(CWD, path, &times, AtFlags::empty())?)
}

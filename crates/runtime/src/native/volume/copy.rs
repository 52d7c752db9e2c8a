//! The content that an image has where a volume is mounted first becomes the volume's.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, Timespec, Timestamps, XattrFlags, flock,
    lgetxattr, llistxattr, lsetxattr, mknodat, utimensat,
};
use rustix::io::Errno;

use super::shown;

/// Bytes of a list of names, and of a value, that the kernel allows.
const ATTRIBUTES_MAX: usize = 64 << 10;

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
    // The dot is for the descriptors' links to be followed, as those in the image are not.
    let (top, volume) = (from.join("."), to.join("."));
    keep(&top, &fs::metadata(&from)?, &volume)
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
            attributes(&from, &to)?;
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
        keep(&from, &found, &to)?;
    }
    Ok(())
}

/// Owner, extended attributes, mode and time, in this order: a new owner takes the capabilities
/// of a program away, and lists of access rights are part of the mode.
fn keep(from: &Path, found: &fs::Metadata, path: &Path) -> io::Result<()> {
    std::os::unix::fs::chown(path, Some(found.uid()), Some(found.gid()))?;
    attributes(from, path)?;
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

/// Extended attributes, as far as the volume's file system has such.
fn attributes(from: &Path, to: &Path) -> io::Result<()> {
    let mut names = vec![0; ATTRIBUTES_MAX];
    let length = match llistxattr(from, &mut names[..]) {
        Err(Errno::NOTSUP) | Ok(0) => return Ok(()),
        length => length?,
    };
    let mut value = vec![0; ATTRIBUTES_MAX];
    for name in names[..length].split(|byte| *byte == 0) {
        if name.is_empty() {
            continue;
        }
        let length = lgetxattr(from, name, &mut value[..])?;
        match lsetxattr(to, name, &value[..length], XattrFlags::empty()) {
            Err(Errno::NOTSUP) => {}
            set => set?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustix::fs::{OFlags, open};

    use super::*;

    const NOTE: &str = "trusted.note";

    fn opened(path: &Path) -> OwnedFd {
        open(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap()
    }

    #[test]
    fn extended_attributes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (image, volume) = (folder.path().join("image"), folder.path().join("volume"));
        fs::create_dir_all(image.join("sub")).unwrap();
        fs::create_dir(&volume).unwrap();
        fs::write(image.join("program"), "").unwrap();
        symlink("program", image.join("link")).unwrap();
        // `cap_net_bind_service=ep`, which a change of the owner would take away.
        let capability: &[u8] = &[1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let all = [
            ("", NOTE, &b"top"[..]),
            ("sub", NOTE, b"folder"),
            ("link", NOTE, b"link"),
            ("program", "user.note", b"file"),
            ("program", "security.capability", capability),
        ];
        std::os::unix::fs::chown(image.join("program"), Some(1000), Some(1000)).unwrap();
        for (path, name, value) in all {
            lsetxattr(image.join(path), name, value, XattrFlags::empty()).unwrap();
        }
        fill(&opened(&volume), &opened(&image)).unwrap();
        for (path, name, value) in all {
            let mut found = [0; 64];
            let length = lgetxattr(volume.join(path), name, &mut found[..]).unwrap();
            assert_eq!(&found[..length], value, "{path} {name}");
        }
        assert_eq!(fs::metadata(volume.join("program")).unwrap().uid(), 1000);
    }
}

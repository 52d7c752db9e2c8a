//! Where something is mounted: a folder or file of the container's root, made when the image
//! does not have it. Links of the image are followed inside of the root.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat, openat2};
use rustix::io::Errno;

use super::shown;
use super::source::real_path;
use crate::native::rootfs::{inside, make_folder, open_root};

pub(super) struct Place {
    pub(super) file: OwnedFd,
    /// Seen from the container, links followed.
    pub(super) path: PathBuf,
    /// Below `/dev`, which is not there yet.
    pub(super) is_device: bool,
    root: OwnedFd,
}

impl Place {
    pub(super) fn open(root: &Path, target: &str, is_file: bool) -> io::Result<Self> {
        let root = open_root(root)?;
        let file = match is_file {
            true => open_file(&root, Path::new(target))?,
            false => make_folder(&root, target)?,
        };
        if is_file == fs::metadata(shown(&file))?.is_dir() {
            let (source, place) = if is_file {
                ("file", "folder")
            } else {
                ("folder", "file")
            };
            return Err(io::Error::other(format!(
                "the source is a {source}, but the container has a {place} there"
            )));
        }
        let real = real_path(&file)?;
        let path = real
            .strip_prefix(real_path(&root)?)
            .map_err(io::Error::other)?;
        let path = Path::new("/").join(path);
        let is_kernels = path.starts_with("/proc") || path.starts_with("/sys");
        if is_kernels || path == Path::new("/") || path == Path::new("/dev") {
            return Err(io::Error::other(format!(
                "it leads to {}, where nothing can be mounted; change the path",
                path.display()
            )));
        }
        Ok(Self {
            is_device: path.starts_with("/dev"),
            file,
            path,
            root,
        })
    }

    /// Whether the image's own content is there, and not that of another mount.
    pub(super) fn is_of_image(&self) -> io::Result<bool> {
        let device = |file: &OwnedFd| fs::metadata(shown(file)).map(|found| found.dev());
        Ok(device(&self.file)? == device(&self.root)?)
    }
}

fn open_file(root: &OwnedFd, target: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let find = || openat2(root, target, flags, Mode::empty(), inside());
    match find() {
        Err(Errno::NOENT) => {}
        found => return Ok(found?),
    }
    let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let parent = make_folder(root, &parent.to_string_lossy())?;
    let create = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(&parent, name, create | OFlags::WRONLY, Mode::from(0o644))?;
    Ok(find()?)
}

//! What a definition and an image mount in a container, mounted before the container is made: afterwards a
//! process of the same task could change the folders on the way.
//!
//! Sources and places are opened first, looked at, and then used through their descriptors. So
//! what was looked at is what is mounted.

mod copy;
mod image;
mod place;
mod source;

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use model::container::{Failure, FailureName, Mount, MountSource};
use rustix::mount::{
    MountFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_remount, unmount,
};

use super::container::record::Request;
use super::stage::STAGE;
use image::ImageVolume;
use place::Place;

/// A mount below `/dev`, which the container gets only later: what to bind there.
#[derive(Clone, Debug)]
pub(crate) struct LateMount {
    pub(crate) target: PathBuf,
    pub(crate) source: PathBuf,
}

/// Mounts all that goes on the container's root, and answers what goes below `/dev`.
pub(crate) fn mount_all(request: &Request, root: &Path) -> Result<Vec<LateMount>, Failure> {
    let stage = request.folder.join(STAGE).join("mounts");
    fs::create_dir(&stage).map_err(|error| refused("there is no place for mounts", &error))?;
    let mut later = Vec::new();
    for (number, wanted) in wanted(request)?.iter().enumerate() {
        let staged = stage.join(number.to_string());
        let mounted = mount_one(request, root, wanted, &staged);
        later.extend(mounted.map_err(|error| refused(wanted.target(), &error))?);
    }
    Ok(later)
}

enum Wanted<'a> {
    Definition(&'a Mount),
    Image(ImageVolume),
}

impl Wanted<'_> {
    fn target(&self) -> &str {
        match self {
            Self::Definition(mount) => &mount.target,
            Self::Image(volume) => &volume.target,
        }
    }

    fn is_read_only(&self) -> bool {
        match self {
            Self::Definition(mount) => mount.read_only,
            Self::Image(volume) => volume.read_only,
        }
    }

    /// Whether the volume begins with the content of the image.
    fn is_filled(&self) -> bool {
        match self {
            Self::Definition(mount) => !matches!(mount.source, MountSource::Folder { .. }),
            Self::Image(volume) => volume.is_own,
        }
    }
}

/// Outer paths first: a mount must not hide one that lies below it.
fn wanted(request: &Request) -> Result<Vec<Wanted<'_>>, Failure> {
    let of_image = image::of(request).map_err(|error| refused("a volume's place", &error))?;
    let defined = request.spec.mounts.iter().map(Wanted::Definition);
    let mut all: Vec<_> = defined
        .chain(of_image.into_iter().map(Wanted::Image))
        .collect();
    all.sort_by_key(|wanted| wanted.target().matches('/').count());
    Ok(all)
}

fn mount_one(
    request: &Request,
    root: &Path,
    wanted: &Wanted<'_>,
    staged: &Path,
) -> io::Result<Option<LateMount>> {
    let source = match wanted {
        Wanted::Definition(mount) => open(request, &mount.source, staged)?,
        Wanted::Image(volume) => Some(volume.open()?),
    };
    let is_file = source.as_ref().map_or(Ok(false), is_file)?;
    let place = Place::open(root, wanted.target(), is_file)?;
    if let Some(source) = &source {
        if wanted.is_filled() && place.is_of_image()? {
            copy::fill(source, &place.file)?;
        }
        stage(source, staged, is_file, wanted.is_read_only())?;
    }
    if place.is_device {
        let (target, source) = (place.path, staged.to_owned());
        return Ok(Some(LateMount { target, source }));
    }
    mount_bind_recursive(staged, shown(&place.file))?;
    Ok(None)
}

/// What is mounted; `None` if that is staged already.
fn open(request: &Request, source: &MountSource, staged: &Path) -> io::Result<Option<OwnedFd>> {
    match source {
        MountSource::Tmpfs { mib, options } => {
            fs::create_dir(staged)?;
            mount_tmpfs(staged, *mib, options)?;
            Ok(None)
        }
        MountSource::Task(name) => source::volume(&request.task_volumes, name).map(Some),
        MountSource::Host(name) => source::volume(&request.host_volumes, name).map(Some),
        MountSource::Folder { path, within } => source::folder(path, within).map(Some),
    }
}

fn is_file(source: &OwnedFd) -> io::Result<bool> {
    Ok(!fs::metadata(shown(source))?.is_dir())
}

/// The path by which the kernel finds exactly what the descriptor stands for.
fn shown(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Binds the source with all that is mounted below it, as engines do.
fn stage(source: &OwnedFd, staged: &Path, is_file: bool, read_only: bool) -> io::Result<()> {
    if is_file {
        File::create(staged)?;
    } else {
        fs::create_dir(staged)?;
    }
    mount_bind_recursive(shown(source), staged)?;
    if !read_only {
        return Ok(());
    }
    match attributes::set_read_only(staged) {
        // Before version 5.12 of the kernel: what is mounted below stays out, for it would
        // stay writable.
        Err(error) if error.raw_os_error() == Some(nix::libc::ENOSYS) => {
            unmount(staged, UnmountFlags::DETACH)?;
            mount_bind(shown(source), staged)?;
            let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID;
            Ok(mount_remount(staged, flags | MountFlags::NODEV, "")?)
        }
        set => set,
    }
}

/// Without programs, set-user-id and devices unless the options say otherwise, as engines do.
fn mount_tmpfs(staged: &Path, mib: u32, options: &[String]) -> io::Result<()> {
    let mut flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let mut data = vec![format!("size={mib}m")];
    for option in options {
        let (flag, is_set) = match option.as_str() {
            "ro" => (MountFlags::RDONLY, true),
            "rw" => (MountFlags::RDONLY, false),
            "nosuid" => (MountFlags::NOSUID, true),
            "suid" => (MountFlags::NOSUID, false),
            "nodev" => (MountFlags::NODEV, true),
            "dev" => (MountFlags::NODEV, false),
            "noexec" => (MountFlags::NOEXEC, true),
            "exec" => (MountFlags::NOEXEC, false),
            "sync" => (MountFlags::SYNCHRONOUS, true),
            "async" => (MountFlags::SYNCHRONOUS, false),
            "dirsync" => (MountFlags::DIRSYNC, true),
            "noatime" => (MountFlags::NOATIME, true),
            "atime" => (MountFlags::NOATIME, false),
            "nodiratime" => (MountFlags::NODIRATIME, true),
            "diratime" => (MountFlags::NODIRATIME, false),
            "relatime" => (MountFlags::RELATIME, true),
            "strictatime" => (MountFlags::STRICTATIME, true),
            "defaults" => continue,
            number if number.contains('=') => {
                data.push(number.to_owned());
                continue;
            }
            other => return Err(io::Error::other(format!("unknown mount option {other:?}"))),
        };
        flags.set(flag, is_set);
    }
    let data = std::ffi::CString::new(data.join(","))?;
    Ok(mount("tmpfs", staged, "tmpfs", flags, data.as_c_str())?)
}

fn refused(what: &str, error: &io::Error) -> Failure {
    let name = FailureName::CannotCreateContainerError;
    Failure::new(name, format!("nothing can be mounted at {what}: {error}"))
}

#[expect(unsafe_code, reason = "no crate wraps this call")]
mod attributes {
    use std::ffi::CString;
    use std::io;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use nix::libc;

    /// Makes the mount and all below it read-only.
    pub(super) fn set_read_only(path: &Path) -> io::Result<()> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let attributes = libc::mount_attr {
            attr_set: libc::MOUNT_ATTR_RDONLY,
            attr_clr: 0,
            propagation: 0,
            userns_fd: 0,
        };
        // SAFETY: path and attributes live through the call, and the size is that of the latter.
        let result = unsafe {
            libc::syscall(
                libc::SYS_mount_setattr,
                libc::AT_FDCWD,
                path.as_ptr(),
                libc::AT_RECURSIVE,
                &raw const attributes,
                size_of::<libc::mount_attr>(),
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

//! The root file system of a container: layers of its image below a folder of its own, the
//! three files in `/etc` that depend on its network, and safe look-ups inside it.
//!
//! A shim mounts in a mount namespace of its own. So a mount cannot outlive it, whatever
//! kills it, and the host's mount table stays short.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat2};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount, mount_change, move_mount,
};

use super::container::record::Request;
use super::spec::Device;
use super::spec::user::Accounts;

/// The largest `/etc/passwd` or `/etc/group` that is read: an image could bring a huge one.
const ACCOUNTS_BYTES_MAX: u64 = 4 << 20;

/// A page, the most that the classic mount call takes.
const MOUNT_OPTIONS_BYTES_MAX: usize = 4095;

/// Moves the calling process, which must have one thread, into its own mount namespace. What
/// the host mounts still appears in it; what it mounts does not appear on the host.
pub(crate) fn own_mount_namespace() -> io::Result<()> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS)?;
    mount_change(
        "/",
        MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC,
    )?;
    Ok(())
}

/// Mounts the container's root at `<folder>/rootfs`.
pub(crate) fn mount_root(folder: &Path, layers: &[PathBuf]) -> io::Result<PathBuf> {
    let root = folder.join("rootfs");
    let overlay = Overlay {
        layers,
        upper: folder.join("upper"),
        work: folder.join("work"),
    };
    for path in [&root, &overlay.upper, &overlay.work] {
        fs::DirBuilder::new().mode(0o755).create(path)?;
    }
    if let Some(top) = layers.last() {
        // The root of the mount has the attributes of the upper folder, not of the image's root.
        let image_root = fs::metadata(top)?;
        fs::set_permissions(
            &overlay.upper,
            fs::Permissions::from_mode(image_root.mode() & 0o7777),
        )?;
        std::os::unix::fs::chown(
            &overlay.upper,
            Some(image_root.uid()),
            Some(image_root.gid()),
        )?;
    }
    match overlay.mount_by_descriptor(&root) {
        // The kernel is older than the call, or than the option for one layer at a time.
        Err(Errno::NOSYS | Errno::INVAL) => overlay.mount_by_options(&root)?,
        result => result?,
    }
    Ok(root)
}

struct Overlay<'a> {
    /// Bottom first.
    layers: &'a [PathBuf],
    upper: PathBuf,
    work: PathBuf,
}

impl Overlay<'_> {
    /// Without a limit on the number of layers (kernel 6.7 and later).
    fn mount_by_descriptor(&self, root: &Path) -> rustix::io::Result<()> {
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        for layer in self.layers.iter().rev() {
            fsconfig_set_string(&context, "lowerdir+", layer)?;
        }
        fsconfig_set_string(&context, "upperdir", &self.upper)?;
        fsconfig_set_string(&context, "workdir", &self.work)?;
        fsconfig_create(&context)?;
        let mounted = fsmount(
            &context,
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::empty(),
        )?;
        move_mount(
            &mounted,
            "",
            CWD,
            root,
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
        )
    }

    /// All options in one page: layers get short links beside the container.
    fn mount_by_options(&self, root: &Path) -> io::Result<()> {
        let folder = root.parent().unwrap_or(root);
        let links = folder.join("l");
        fs::create_dir(&links)?;
        let mut lower = Vec::new();
        for (number, layer) in self.layers.iter().enumerate().rev() {
            std::os::unix::fs::symlink(layer, links.join(number.to_string()))?;
            lower.push(format!("l/{number}"));
        }
        let options = format!("lowerdir={},upperdir=upper,workdir=work", lower.join(":"));
        if options.len() > MOUNT_OPTIONS_BYTES_MAX {
            return Err(io::Error::other(format!(
                "the image has {} layers, more than this kernel can mount",
                self.layers.len()
            )));
        }
        let options = CString::new(options)?;
        // The links are relative, so that hundreds of them fit.
        std::env::set_current_dir(folder)?;
        mount(
            "overlay",
            "rootfs",
            "overlay",
            MountFlags::empty(),
            options.as_c_str(),
        )?;
        std::env::set_current_dir("/")
    }
}

/// Writes the files that are bind-mounted over `/etc/hosts`, `/etc/hostname` and
/// `/etc/resolv.conf`.
pub(crate) fn write_etc(request: &Request) -> io::Result<()> {
    let folder = request.folder.join("etc");
    fs::DirBuilder::new().mode(0o755).create(&folder)?;
    let hostname = request.hostname();
    let files = [
        ("hosts", hosts(&hostname, request.network.ipv4.as_deref())),
        ("hostname", format!("{hostname}\n")),
        ("resolv.conf", request.resolv_conf.clone()),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        fs::write(&path, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// The names every container knows, and its own.
pub(crate) fn hosts(hostname: &str, address: Option<&str>) -> String {
    let mut text = "127.0.0.1\tlocalhost\n\
        ::1\tlocalhost ip6-localhost ip6-loopback\n\
        fe00::\tip6-localnet\n\
        ff00::\tip6-mcastprefix\n\
        ff02::1\tip6-allnodes\n\
        ff02::2\tip6-allrouters\n"
        .to_owned();
    let own = address.unwrap_or("127.0.1.1");
    text.push_str(&format!("{own}\t{hostname}\n"));
    text
}

/// The image's accounts. Links in the image cannot lead out of it.
pub(crate) fn accounts(root: &Path) -> io::Result<Accounts> {
    let root = open_root(root)?;
    Ok(Accounts {
        passwd: read(&root, "etc/passwd")?,
        group: read(&root, "etc/group")?,
    })
}

fn read(root: &OwnedFd, path: &str) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match openat2(root, path, flags, Mode::empty(), inside()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(String::new()),
        file => File::from(file?),
    };
    if !file.metadata()?.is_file() {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    file.take(ACCOUNTS_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Makes the working directory if the image does not have it, as the engines do: owned by root.
pub(crate) fn make_working_directory(root: &Path, path: &str) -> io::Result<()> {
    use std::path::Component;
    let root = open_root(root)?;
    let open = |path: &Path| {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        openat2(&root, path, flags, Mode::empty(), inside())
    };
    let mut reached = PathBuf::from(".");
    let mut parent = open(&reached)?;
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => reached.push(name),
            Component::ParentDir => drop(reached.pop()),
            _ => continue,
        }
        let mut found = open(&reached);
        if let (Err(Errno::NOENT), Component::Normal(name)) = (&found, part) {
            mkdirat(
                &parent,
                CString::new(name.as_bytes())?.as_c_str(),
                Mode::from(0o755),
            )?;
            found = open(&reached);
        }
        parent = found?;
    }
    Ok(())
}

fn open_root(root: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(root, flags, Mode::empty())?)
}

fn inside() -> ResolveFlags {
    ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS
}

/// Folders of `/dev` that a container has of its own.
const OWN_DEVICE_FOLDERS: [&str; 4] = ["/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd"];

/// The device nodes of the host, for privileged containers.
pub(crate) fn host_devices() -> io::Result<Vec<Device>> {
    let mut devices = Vec::new();
    let mut folders = vec![PathBuf::from("/dev")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(text) = path.to_str() else { continue };
            let metadata = fs::symlink_metadata(&path)?;
            if metadata.is_dir() && !OWN_DEVICE_FOLDERS.contains(&text) {
                folders.push(path);
            } else if text != "/dev/console" {
                devices.extend(device(text, &metadata));
            }
        }
    }
    devices.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(devices)
}

fn device(path: &str, metadata: &fs::Metadata) -> Option<Device> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = match metadata.file_type() {
        kind if kind.is_char_device() => 'c',
        kind if kind.is_block_device() => 'b',
        _ => return None,
    };
    Some(Device {
        path: path.to_owned(),
        kind,
        major: rustix::fs::major(metadata.rdev()),
        minor: rustix::fs::minor(metadata.rdev()),
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
    })
}

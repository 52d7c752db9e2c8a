//! The root file system of a container: layers of its image below a folder of its own, the
//! three files in `/etc` that depend on its network, and safe look-ups inside it.
//!
//! A shim mounts in a mount namespace of its own. So a mount cannot outlive it, whatever
//! kills it, and the host's mount table stays short.

mod overlay;

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, mkdirat, openat2};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};

use super::container::record::Request;
use super::spec::Device;
use super::spec::user::Accounts;
use super::stage::STAGE;
pub(crate) use overlay::mount_root;

/// The largest `/etc/passwd` or `/etc/group` that is read: an image could bring a huge one.
const ACCOUNTS_BYTES_MAX: u64 = 4 << 20;

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

/// Moves the calling process, which must have one thread, into another's mount namespace.
pub(crate) fn enter_mount_namespace(pid: i32) -> io::Result<()> {
    let namespace = File::open(format!("/proc/{pid}/ns/mnt"))?;
    nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNS)?;
    Ok(())
}

/// Writes the files that are bind-mounted over `/etc/hosts`, `/etc/hostname` and
/// `/etc/resolv.conf`.
pub(crate) fn write_etc(request: &Request) -> io::Result<()> {
    let folder = request.folder.join(STAGE).join("etc");
    fs::DirBuilder::new().mode(0o755).create(&folder)?;
    let hostname = request.hostname();
    let files = [
        ("hosts", hosts(&hostname, request)),
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

/// The names every container knows, its own, and those of its definition.
fn hosts(hostname: &str, request: &Request) -> String {
    let mut text = "127.0.0.1\tlocalhost\n\
        ::1\tlocalhost ip6-localhost ip6-loopback\n\
        fe00::\tip6-localnet\n\
        ff00::\tip6-mcastprefix\n\
        ff02::1\tip6-allnodes\n\
        ff02::2\tip6-allrouters\n"
        .to_owned();
    let own = request.network.ipv4.as_deref().unwrap_or("127.0.1.1");
    text.push_str(&format!("{own}\t{hostname}\n"));
    let linked = request.network.hosts.iter();
    for entry in linked.chain(&request.spec.identity.extra_hosts) {
        text.push_str(&format!("{}\t{}\n", entry.ip_address, entry.hostname));
    }
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
    make_folder(&open_root(root)?, path).map(drop)
}

/// Finds or makes a folder; links cannot lead out of the root.
pub(crate) fn make_folder(root: &OwnedFd, path: &str) -> io::Result<OwnedFd> {
    use std::path::Component;
    let open = |path: &Path| {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        openat2(root, path, flags, Mode::empty(), inside())
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
    Ok(parent)
}

pub(crate) fn open_root(root: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(root, flags, Mode::empty())?)
}

pub(crate) fn inside() -> ResolveFlags {
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_in_an_image_do_not_lead_out_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(dir.path().join("passwd"), "host:x:1:1::/:").unwrap();
        symlink("../../passwd", root.join("etc/passwd")).unwrap();
        symlink("/etc/loop", root.join("etc/loop")).unwrap();
        symlink("loop", root.join("etc/group")).unwrap();
        let accounts = accounts(&root).unwrap();
        assert_eq!(
            (accounts.passwd.as_str(), accounts.group.as_str()),
            ("", "")
        );

        symlink(dir.path(), root.join("out")).unwrap();
        make_working_directory(&root, "/out/made").unwrap_err();
        assert!(!dir.path().join("made").exists());
    }

    #[test]
    fn a_missing_working_directory_is_made() {
        let dir = tempfile::tempdir().unwrap();
        make_working_directory(dir.path(), "/a/b/../c/./d").unwrap();
        make_working_directory(dir.path(), "/a/c/d").unwrap();
        make_working_directory(dir.path(), "/").unwrap();
        assert!(dir.path().join("a/b").is_dir() && dir.path().join("a/c/d").is_dir());
        symlink("a", dir.path().join("link")).unwrap();
        make_working_directory(dir.path(), "/link/e").unwrap();
        assert!(dir.path().join("a/e").is_dir());
    }
}

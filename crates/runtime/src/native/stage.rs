//! Where a container's mount points are, so that few files have to be made for it on the disk:
//! a file system in memory below its folder, and a layer below all images.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount};

/// Below a container's folder, what only its shim has to see: mount points and the files for
/// `/etc`.
pub(crate) const STAGE: &str = "stage";

/// Room for a few short files, which the container may write.
const STAGE_OPTIONS: &CStr = c"size=256k,mode=0755";

/// Mounts the stage, in memory: it ends with the mount namespace, and takes nothing of the disk.
pub(crate) fn make(folder: &Path) -> io::Result<PathBuf> {
    let stage = folder.join(STAGE);
    fs::create_dir(&stage)?;
    mount(
        "tmpfs",
        &stage,
        "tmpfs",
        MountFlags::NOSUID | MountFlags::NODEV,
        STAGE_OPTIONS,
    )?;
    Ok(stage)
}

/// Makes the layer below all images, so that the mount points in every container need not be
/// made in each container's own layer.
pub(crate) fn make_base(base: &Path) -> io::Result<()> {
    for name in ["dev", "etc", "proc", "sys"] {
        let path = base.join(name);
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    for name in ETC {
        let path = base.join("etc").join(name);
        File::create(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// Files that depend on a container's network.
pub(crate) const ETC: [&str; 3] = ["resolv.conf", "hostname", "hosts"];

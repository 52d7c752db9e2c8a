//! Where a container's mount points are, so that few files have to be made for it on the disk:
//! a file system in memory below its folder, and a layer below all images.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount};

/// Below a container's folder, what only its shim has to see: mount points, the files for `/etc`
/// and the specification.
pub(crate) const STAGE: &str = "stage";

/// The container's specification, in the stage, and beside it as a link.
pub(crate) const SPECIFICATION: &str = "config.json";

/// Room for a few short files, which the container may write, and for the longest environment that
/// the kernel lets a program have, in JSON and twice: a command inside has it, too.
const STAGE_OPTIONS: &CStr = c"size=16m,mode=0755";

/// Mounts the stage, in memory: it ends with the mount namespace, and takes nothing of the disk.
pub(crate) fn make(folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir(folder.join(STAGE))?;
    mount_stage(folder)
}

fn mount_stage(folder: &Path) -> io::Result<PathBuf> {
    let stage = folder.join(STAGE);
    mount(
        "tmpfs",
        &stage,
        "tmpfs",
        MountFlags::NOSUID | MountFlags::NODEV,
        STAGE_OPTIONS,
    )?;
    Ok(stage)
}

/// Writes the specification; nobody else may read it.
pub(crate) fn write_specification(folder: &Path, specification: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    let options = options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(folder.join(STAGE).join(SPECIFICATION))?;
    file.write_all(specification)
}

/// For a process in a mount namespace of its own: a stage there with the specification that the
/// process `shim` has in its own, which it answers.
pub(crate) fn copy(folder: &Path, shim: i32) -> io::Result<Vec<u8>> {
    let of_shim = Path::new("/proc").join(shim.to_string()).join("root");
    let below_root = folder.strip_prefix("/").unwrap_or(folder);
    let specification = of_shim.join(below_root).join(STAGE).join(SPECIFICATION);
    let specification = fs::read(specification)?;
    mount_stage(folder)?;
    write_specification(folder, &specification)?;
    Ok(specification)
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

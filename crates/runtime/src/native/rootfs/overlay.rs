//! The layers of an image and a container's own, stacked into one root.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount, move_mount,
};
use rustix::system::uname;

/// A page, the most that the classic mount call takes.
const MOUNT_OPTIONS_BYTES_MAX: usize = 4095;

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
    let release = uname().release().to_string_lossy().into_owned();
    let mounted = match takes_layers_one_by_one(&release) {
        true => overlay.mount_by_descriptor(&root),
        false => Err(Errno::NOSYS),
    };
    match mounted {
        // A kernel that says it is new enough may still lack the calls, inside a sandbox.
        Err(Errno::NOSYS | Errno::INVAL) => overlay.mount_by_options(&root)?,
        result => result?,
    }
    Ok(root)
}

/// Since version 6.7. Asking an older kernel would work too, but each time it writes a
/// complaint into its log.
fn takes_layers_one_by_one(release: &str) -> bool {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    let mut next = || numbers.next().and_then(Result::ok).unwrap_or(0);
    (next(), next()) >= (6, 7)
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
        // Nothing is written to the disk for its own sake: a container's root ends with the
        // container, and unmounting would wait for all that the whole disk has to write.
        fsconfig_set_flag(&context, "volatile")?;
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
        let folder = self.upper.parent().unwrap_or(root);
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
            root,
            "overlay",
            MountFlags::empty(),
            options.as_c_str(),
        )?;
        std::env::set_current_dir("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::rootfs::own_mount_namespace;

    /// More than fit into one page with their full names.
    const LAYERS: usize = 100;

    /// Mounts many layers and reads a file of the lowest and of the highest.
    fn mounts_many_layers(by_descriptor: bool) {
        let dir = tempfile::tempdir().unwrap();
        let layers: Vec<PathBuf> = (0..LAYERS)
            .map(|number| dir.path().join(format!("layer-{number}")))
            .collect();
        for (number, layer) in layers.iter().enumerate() {
            fs::create_dir(layer).unwrap();
            fs::write(layer.join(format!("of-{number}")), "").unwrap();
            fs::write(layer.join("number"), number.to_string()).unwrap();
        }
        let folder = dir.path().join("container");
        let overlay = Overlay {
            layers: &layers,
            upper: folder.join("upper"),
            work: folder.join("work"),
        };
        let root = folder.join("rootfs");
        for path in [&root, &overlay.upper, &overlay.work] {
            fs::create_dir_all(path).unwrap();
        }
        // A namespace of its own, so that the mount ends with the thread.
        let see = || {
            own_mount_namespace().unwrap();
            match by_descriptor {
                true => overlay.mount_by_descriptor(&root).unwrap(),
                false => overlay.mount_by_options(&root).unwrap(),
            }
            (
                fs::read_to_string(root.join("number")).unwrap(),
                root.join("of-0").exists(),
            )
        };
        let seen = std::thread::scope(|scope| scope.spawn(see).join().unwrap());
        assert_eq!(seen, ((LAYERS - 1).to_string(), true));
    }

    #[test]
    fn both_ways_of_mounting_take_many_layers() {
        mounts_many_layers(true);
        mounts_many_layers(false);
    }

    #[test]
    fn the_kernels_release_tells_how_it_mounts() {
        let releases = [
            "6.18.44-fc",
            "6.7.0",
            "7.0-rc1",
            "6.6.99",
            "6.1.176",
            "5.15.0-1-amd64",
            "",
        ];
        assert_eq!(
            releases.map(takes_layers_one_by_one),
            [true, true, true, false, false, false, false]
        );
    }
}

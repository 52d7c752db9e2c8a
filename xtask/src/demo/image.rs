//! A root file system of a few folders and one program: Debian's static busybox
//! under all of its names.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::shell;

const BUSYBOX: &str = "/bin/busybox";

/// Makes the root file system inside `folder` and names it.
pub(super) fn make(folder: &Path) -> anyhow::Result<PathBuf> {
    let root = folder.join("rootfs");
    for name in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
        std::fs::create_dir_all(root.join(name))?;
    }
    std::fs::copy(BUSYBOX, root.join("bin/busybox")).context(BUSYBOX)?;
    let list = shell::command(BUSYBOX)
        .arg("--list")
        .output()
        .context(BUSYBOX)?;
    for name in String::from_utf8(list.stdout)?
        .lines()
        .filter(|name| *name != "busybox")
    {
        symlink("busybox", root.join("bin").join(name))?;
    }
    std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n")?;
    std::fs::write(root.join("etc/group"), "root:x:0:\n")?;
    Ok(root)
}

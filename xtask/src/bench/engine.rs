//! The Docker engine of this machine, through its own command line.

use std::path::Path;
use std::process::Stdio;

use crate::shell;

pub(super) fn answers() -> bool {
    let mut info = shell::command("docker");
    info.arg("info").stdout(Stdio::null()).stderr(Stdio::null());
    info.status().is_ok_and(|status| status.success())
}

/// Runs the command line to its end, which must be a good one.
pub(super) fn docker(words: &[&str]) -> anyhow::Result<()> {
    shell::check(shell::command("docker").args(words).stdout(Stdio::null()))
}

/// Makes an image of a root file system.
pub(super) fn import(root: &Path, image: &str) -> anyhow::Result<()> {
    let archive = root.with_extension("tar");
    let mut tar = shell::command("tar");
    tar.arg("-cf").arg(&archive).arg("-C").arg(root).arg(".");
    shell::check(&mut tar)?;
    let mut import = shell::command("docker");
    import.arg("import").arg(&archive).arg(image);
    shell::check(import.stdout(Stdio::null()))
}

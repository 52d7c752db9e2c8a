//! `target/venv`: the Python environment of tests and demo, with botocore,
//! boto3 and the AWS CLI from PyPI. Made once; a stamp says what is in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::facts::Facts;
use crate::{packages, paths, say, shell};

/// Makes the environment unless it is there, and names its folder.
pub(crate) fn run() -> anyhow::Result<()> {
    let folder = ensure()?;
    say(&format!("{} is ready", folder.display()));
    Ok(())
}

/// The environment's folder; its programs are in `bin`.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    let folder = paths::workspace().join("target/venv");
    let stamp = folder.join("longshore-stamp");
    let contents = contents()?;
    let wanted = contents.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(folder);
    }
    say("making target/venv (once, from PyPI)");
    create(&folder)?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    shell::call(
        &folder.join("bin/python"),
        pip.iter().copied().chain(contents.iter().map(|s| &**s)),
    )?;
    std::fs::write(&stamp, &wanted)?;
    Ok(folder)
}

/// What is installed. The botocore is the one whose facts we have, so that a
/// newer one cannot fail a test before `model import` has seen it.
fn contents() -> anyhow::Result<Vec<String>> {
    let facts: Facts = serde_json::from_slice(&std::fs::read(paths::facts())?)?;
    let botocore = format!("botocore=={}", facts.origin.version);
    Ok(vec![botocore, "boto3".to_owned(), "awscli".to_owned()])
}

fn create(folder: &Path) -> anyhow::Result<()> {
    if !python_can_make_environments() {
        packages::install(&["python3-venv"])?;
    }
    let arguments = ["-m", "venv", "--clear"].map(OsStr::new);
    shell::call("python3", arguments.into_iter().chain([folder.as_os_str()]))
}

/// Debian ships `venv` without what it needs, in a package of its own.
fn python_can_make_environments() -> bool {
    let probe = Command::new("python3")
        .args(["-c", "import ensurepip, venv"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success())
}

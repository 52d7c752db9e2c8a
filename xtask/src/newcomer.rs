//! `cargo xtask newcomer`: from the release archive to the first log line of a task, as a user
//! without root and without Rust who may use an engine. The work is done in
//! `conformance/newcomer.py`, where the tests have their engine.

use std::path::PathBuf;

use crate::{dist, packages, paths, shell, venv};

pub(crate) fn run(words: &[&str]) -> anyhow::Result<()> {
    let archive = match words {
        [] => made()?,
        ["--archive", path] => std::path::absolute(path)?,
        _ => anyhow::bail!("usage: cargo xtask newcomer [--archive FILE]"),
    };
    packages::ensure()?;
    let python = venv::ensure()?.join("bin/python");
    let mut walk = shell::root_command(python)?;
    walk.arg("-B");
    walk.arg(paths::workspace().join("conformance/newcomer.py"));
    shell::check(walk.arg(archive))
}

/// The archive of `cargo xtask dist`, as it is there; made where there is none.
fn made() -> anyhow::Result<PathBuf> {
    let archive = dist::archive_path();
    if !archive.exists() {
        dist::run(&[])?;
    }
    Ok(archive)
}

//! `cargo xtask parity`: the answers of AWS beside our own. The work is done in
//! `conformance/parity`, because boto3 finds keys and signs as its users know it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::{paths, programs, venv};

/// Becomes the program, so that Ctrl-C reaches it alone and the terminal waits while it cleans up.
/// It runs where the user stands: the files of the options are theirs.
pub(crate) fn run(options: &[&str]) -> anyhow::Result<()> {
    let python = venv::ensure()?.join("bin/python");
    let longshore = programs::development()?;
    let mut parity = Command::new(python);
    parity
        .args(["-B", "-m", "parity"])
        .args(options)
        .env("PYTHONPATH", paths::workspace().join("conformance"))
        .env("LONGSHORE_BIN", longshore);
    Err(parity.exec().into())
}

//! Starting other programs: their output goes to the terminal, a failure is an
//! error that names the command.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::paths;

/// A program that works in the folder of the workspace and reads nothing.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::workspace()).stdin(Stdio::null());
    command
}

/// The cargo that runs us, else the one in `PATH`. What it told us about our own package is kept
/// from it: ring's build script listens to these variables, and would build anew each time.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if ["CARGO_MANIFEST_", "CARGO_PKG_"]
            .iter()
            .any(|own| told.starts_with(own))
        {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Runs a program to its end, which must be a success.
pub(crate) fn call<I>(program: impl AsRef<Path>, arguments: I) -> anyhow::Result<()>
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let mut command = command(program.as_ref());
    check(command.args(arguments))
}

/// Runs a prepared command to its end, which must be a success.
pub(crate) fn check(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    anyhow::ensure!(status.success(), "{status}: {}", words(command));
    Ok(())
}

/// Program and arguments; the variables may hold secrets.
fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// Whether a program can be started at all.
pub(crate) fn exists(program: &str) -> bool {
    command(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

pub(crate) fn is_root() -> anyhow::Result<bool> {
    let user = command("id")
        .arg("-u")
        .output()
        .context("cannot start id")?;
    Ok(user.stdout.trim_ascii() == b"0")
}

/// A command that runs as root: directly if we are root, else through sudo.
pub(crate) fn root_command(program: impl AsRef<OsStr>) -> anyhow::Result<Command> {
    if is_root()? {
        return Ok(command(program));
    }
    let mut raised = command("sudo");
    raised.arg(program);
    Ok(raised)
}

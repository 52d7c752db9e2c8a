//! `cargo xtask portability`: the workspace compiles for macOS, without the native driver and
//! without a warning. Needs that target's standard library and nothing else of it: a check links
//! nothing, so programs that do nothing stand in for the compiler and archiver of C.

use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::{programs, say, shell};

const TARGET: &str = "aarch64-apple-darwin";

/// What measures and tends the house runs on Linux only.
const LEFT_OUT: [&str; 2] = ["bench", "xtask"];

/// Succeeds where the target is not there, and says so.
pub(crate) fn run() -> anyhow::Result<()> {
    if !is_there()? {
        say(&format!(
            "portability: skipped, because the standard library of {TARGET} is not there; `rustup \
             target add {TARGET}` brings it"
        ));
        return Ok(());
    }
    let checked = shell::check(&mut check());
    checked.context("if cargo misses crates that only other systems need: `cargo fetch`")?;
    say(&format!("the workspace compiles for {TARGET}"));
    Ok(())
}

/// Asked of the compiler itself, which need not have come with rustup.
fn is_there() -> anyhow::Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = shell::command(rustc);
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let asked = rustc.stderr(Stdio::inherit()).output();
    let asked = asked.context("cannot start rustc")?;
    anyhow::ensure!(asked.status.success(), "rustc does not know {TARGET}");
    let folder = String::from_utf8(asked.stdout)?;
    Ok(std::fs::read_dir(folder.trim()).is_ok_and(|mut files| files.next().is_some()))
}

/// In a folder of its own, because denied warnings are another way to build everything.
fn check() -> Command {
    let mut cargo = shell::cargo();
    cargo.args(["check", "--workspace", "--offline", "--quiet"]);
    cargo.args(["--target", TARGET, "--target-dir"]);
    cargo.arg(programs::target().join("portability"));
    for package in LEFT_OUT {
        cargo.args(["--exclude", package]);
    }
    let underscored = TARGET.replace('-', "_");
    for tool in ["CC", "AR"] {
        cargo.env(format!("{tool}_{underscored}"), "true");
    }
    // Where a Mac has its headers; nobody reads them.
    cargo.env("SDKROOT", "/").env("RUSTFLAGS", "-D warnings");
    cargo
}

//! Builds of the minimal programs, each in a folder of its own, so that none finds what another
//! has built.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::{paths, say, shell};

/// What is known of a program once it is built.
pub(super) struct Built {
    /// Seconds of the processor, in user and system mode, that the build took.
    pub(super) cpu: f64,
    /// Without the program itself.
    pub(super) crates: f64,
    pub(super) megabytes: f64,
}

/// Brings all sources, so that no build waits for the network.
pub(super) fn fetch() -> anyhow::Result<()> {
    shell::check(&mut cargo("fetch"))
}

/// Builds a program, with the feature of the same name, where nothing is built yet.
pub(super) fn from_nothing(program: &str) -> anyhow::Result<Built> {
    say(&format!("building {program}"));
    let folder = target(program);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let before = children()?;
    let file = build(program, program, program)?;
    let cpu = children()? - before;
    let bytes = file.metadata().context(program.to_owned())?.len();
    Ok(Built {
        cpu,
        crates: crates(program)?,
        megabytes: bytes as f64 / 1e6,
    })
}

/// The measuring program of one of the clients, which is kept for the next time.
pub(super) fn measuring(bin: &str, client: &str) -> anyhow::Result<PathBuf> {
    say(&format!("building {bin}"));
    build(bin, bin, &format!("{client},measure"))
}

/// Where the program is, once it is built in the folder of this name.
fn build(folder: &str, bin: &str, features: &str) -> anyhow::Result<PathBuf> {
    let mut build = cargo("build");
    build.args(["--release", "--quiet", "--bin", bin]);
    build.args(["--features", features, "--target-dir"]);
    shell::check(build.arg(target(folder)))?;
    Ok(target(folder).join("release").join(bin))
}

/// The packages in the tree of what the program links.
fn crates(features: &str) -> anyhow::Result<f64> {
    let mut tree = cargo("tree");
    tree.args([
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--features",
        features,
    ]);
    let done = tree.output().context("cannot start cargo")?;
    anyhow::ensure!(done.status.success(), "cargo tree: {}", done.status);
    let text = String::from_utf8(done.stdout)?;
    Ok(count(&text))
}

/// A package that was shown before has a mark behind its name.
fn count(tree: &str) -> f64 {
    let packages = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    let packages: BTreeSet<&str> = packages.filter(|line| !line.is_empty()).collect();
    packages.len().saturating_sub(1) as f64
}

fn cargo(what: &str) -> Command {
    let mut cargo = shell::cargo();
    cargo.args([what, "--locked", "--manifest-path"]);
    cargo.arg(paths::workspace().join("crates/bench/minimal/Cargo.toml"));
    // The profile is that of the package, not what somebody has set up for himself.
    cargo.env_remove("RUSTFLAGS").env_remove("RUSTC_WRAPPER");
    cargo
}

fn target(program: &str) -> PathBuf {
    paths::workspace().join("target/bench-client").join(program)
}

/// What all processes that ended below this one have taken, in seconds.
fn children() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let spent = usage.user_time() + usage.system_time();
    Ok(spent.num_microseconds() as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_counts_once_and_the_program_not() {
        assert_eq!(
            count("minimal v0.0.0 (/x)\na v1.0.0\nb v1.0.0\na v1.0.0 (*)\n\n"),
            2.0
        );
        assert_eq!(count(""), 0.0);
    }
}

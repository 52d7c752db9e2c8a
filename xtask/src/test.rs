//! `cargo xtask test`: everything that must hold before a change lands, on a
//! machine that has nothing but a Rust toolchain. Prepares the machine, runs
//! the checks, then all tests, and ends with one line that counts them.

mod tally;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::stopwatch::Stopwatch;
use crate::{codegen, javascript, packages, rust_sdk, say, shell, tidy, venv};
use tally::Tally;

/// Prepares, checks and tests. A check that fails does not keep the others from running.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::default();
    steps.prepare("Debian packages", packages::ensure)?;
    steps.prepare("Python environment", || venv::ensure().map(drop))?;
    steps.prepare("JavaScript SDK", javascript::ensure)?;
    steps.prepare("Rust SDK", rust_sdk::ensure)?;
    steps.check("format", || {
        shell::check(shell::cargo().args(["fmt", "--all", "--check"]))
    });
    steps.check("generated code", || codegen::run(codegen::Mode::Check));
    steps.check("tidy", tidy::run);
    steps.check("licences", licences);
    steps.check("clippy", || {
        let scope = ["clippy", "--workspace", "--all-targets", "--quiet"];
        shell::check(shell::cargo().args(scope).args(["--", "-D", "warnings"]))
    });
    steps.tests()?;
    steps.conclude()
}

/// What has been done, and how it went.
#[derive(Default)]
struct Steps {
    tally: Tally,
    /// In order; the names of steps that failed.
    failed: Vec<String>,
    times: Vec<(String, Duration)>,
}

impl Steps {
    /// Without this nothing else can work.
    fn prepare(
        &mut self,
        name: &str,
        work: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.timed(name, work).with_context(|| name.to_owned())
    }

    /// Counts as one test.
    fn check(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<()>) {
        match self.timed(name, work) {
            Ok(()) => self.tally.passed += 1,
            Err(error) => {
                say(&format!("error: {error:#}"));
                self.tally.failed += 1;
                self.failed.push(name.to_owned());
            }
        }
    }

    fn tests(&mut self) -> anyhow::Result<()> {
        let (tally, success) = self.timed("tests", run_tests)?;
        self.tally.add(tally);
        if !success {
            self.failed.push("tests".to_owned());
            // A test program that does not compile, or dies, has no line of its own.
            self.tally.failed += u64::from(tally.failed == 0);
        }
        Ok(())
    }

    fn timed<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        say(&format!("\n=== {name}"));
        let watch = Stopwatch::start();
        let result = work();
        self.times.push((name.to_owned(), watch.elapsed()));
        result
    }

    fn conclude(self) -> anyhow::Result<()> {
        say("");
        for (name, time) in &self.times {
            say(&format!("{:>7.1} s  {name}", time.as_secs_f64()));
        }
        let verdict = match self.failed.as_slice() {
            [] => Ok(()),
            failed => Err(anyhow::anyhow!("failed: {}", failed.join(", "))),
        };
        if let Err(error) = &verdict {
            say(&format!("{error:#}"));
        }
        // The last line, on standard output like those it sums up.
        tell(&self.tally.to_string());
        // It has been said already, and nothing may follow the count.
        verdict.map_err(|_| crate::Said.into())
    }
}

/// cargo-deny is no part of the toolchain; where it is installed it must be content.
fn licences() -> anyhow::Result<()> {
    if !shell::exists("cargo-deny") {
        say("cargo-deny is not installed: skipped");
        return Ok(());
    }
    shell::check(shell::cargo().args(["deny", "--offline", "check", "bans", "licenses", "sources"]))
}

/// Runs all tests of the workspace; what they print passes through as it comes.
fn run_tests() -> anyhow::Result<(Tally, bool)> {
    let mut command = shell::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    command.env("LONGSHORE_PYTHON", venv::ensure()?.join("bin/python"));
    raise(&mut command)?;
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let mut tally = Tally::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        tell(&line);
        tally.line(&line);
    }
    Ok((tally, child.wait()?.success()))
}

/// Containers, namespaces and rules need root: cargo builds as the caller, and
/// only what it has built runs through sudo.
fn raise(command: &mut Command) -> anyhow::Result<()> {
    if shell::is_root()? {
        return Ok(());
    }
    // sudo sets a path of its own, in which there is no rustfmt. A runner is split
    // at blanks, so folders whose names have one cannot be passed on.
    let path = std::env::var("PATH").unwrap_or_default();
    let folders: Vec<&str> = path
        .split(':')
        .filter(|folder| !folder.contains(char::is_whitespace))
        .collect();
    let runner = format!("sudo -E env PATH={}", folders.join(":"));
    for target in ["X86_64_UNKNOWN_LINUX_GNU", "AARCH64_UNKNOWN_LINUX_GNU"] {
        command.env(format!("CARGO_TARGET_{target}_RUNNER"), &runner);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the results of the tests")]
fn tell(line: &str) {
    println!("{line}");
}

//! The builds of the server: for release, with the programs that measure or crash it, and for
//! development.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use serde::de::DeserializeOwned;

use crate::{paths, shell};

/// The key of the measured servers. It opens nothing else: they listen on loopback and their
/// data is removed.
pub(crate) const KEY: [(&str, &str); 2] = [
    ("LONGSHORE_ROOT_ACCESS_KEY_ID", "AKIABENCHBENCHBENCH0"),
    (
        "LONGSHORE_ROOT_SECRET_ACCESS_KEY",
        "the-key-of-a-server-that-lives-a-minute",
    ),
];

pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    pub(crate) fn build() -> anyhow::Result<Self> {
        Self::build_with(&[])
    }

    /// With features of the server that no user has.
    pub(crate) fn build_with(features: &[&str]) -> anyhow::Result<Self> {
        let features = features
            .iter()
            .map(|feature| format!("--features=longshore/{feature}"));
        Self::build_what(features)
    }

    /// Without the server, which takes longest by far.
    pub(crate) fn build_echo() -> anyhow::Result<Self> {
        Self::build_what(["--bin=echo".to_owned()])
    }

    fn build_what(what: impl IntoIterator<Item = String>) -> anyhow::Result<Self> {
        // Always both packages: the features of what they use follow from the selection, and with
        // another one everything would be built anew.
        let mut build = shell::cargo();
        build.args(["build", "--release"]);
        build.args(["--package", "longshore", "--package", "bench"]);
        shell::check(build.args(what))?;
        Ok(Self {
            folder: target().join("release"),
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A program to run as the user, with the key.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = shell::command(self.path(name));
        command.envs(KEY);
        command
    }

    /// Runs a measuring program to its end and takes what it found.
    pub(crate) fn find<T: DeserializeOwned>(&self, command: &mut Command) -> anyhow::Result<T> {
        let text = self.text(command)?;
        serde_json::from_str(&text).with_context(|| text.clone())
    }

    /// Runs a program to its end and takes what it wrote.
    pub(crate) fn text(&self, command: &mut Command) -> anyhow::Result<String> {
        let done = command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        anyhow::ensure!(done.status.success(), "{}: {command:?}", done.status);
        Ok(String::from_utf8(done.stdout)?)
    }

    /// A server that answers with the bytes of a file.
    pub(crate) fn echo(&self, body: &OsStr) -> anyhow::Result<Echo> {
        let mut command = self.command("echo");
        let child = command
            .arg("--body")
            .arg(body)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut echo = Echo {
            child,
            url: String::new(),
        };
        echo.url = ready(&mut echo.child)?;
        Ok(echo)
    }
}

/// The server as it is shipped: with nothing but its own features.
pub(crate) fn release() -> anyhow::Result<PathBuf> {
    shell::check(shell::cargo().args(["build", "--release", "--package", "longshore"]))?;
    Ok(target().join("release/longshore"))
}

/// The server's development build: it is quick to make, and containers do not run slower in it.
pub(crate) fn development() -> anyhow::Result<PathBuf> {
    shell::check(shell::cargo().args(["build", "--package", "longshore"]))?;
    Ok(target().join("debug/longshore"))
}

/// The folder that cargo builds in.
pub(crate) fn target() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR");
    let target = named.map_or_else(|| "target".into(), PathBuf::from);
    paths::workspace().join(target)
}

/// Waits for the line that says where a server listens.
pub(crate) fn ready(child: &mut Child) -> anyhow::Result<String> {
    let stdout = child.stdout.take().context("a server without output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let url = line.trim_end().strip_prefix("ready ");
    url.map(str::to_owned)
        .with_context(|| format!("a server is not ready: {line:?}"))
}

/// Ends when dropped.
pub(crate) struct Echo {
    child: Child,
    pub(crate) url: String,
}

impl Drop for Echo {
    fn drop(&mut self) {
        // It may have ended by itself, and holds nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

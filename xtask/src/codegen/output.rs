//! Generated files on their way to disk: formatted, compared, written only
//! when they differ.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::{paths, say};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    /// Writes nothing; a difference is an error.
    Check,
}

pub(super) struct Output {
    /// From the folder of the workspace.
    path: String,
    text: String,
}

impl Output {
    pub(super) fn text(path: impl Into<String>, text: String) -> Self {
        Self {
            path: path.into(),
            text,
        }
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn rust(path: impl Into<String>, text: String) -> anyhow::Result<Self> {
        let path = path.into();
        let text = rustfmt(&text).with_context(|| format!("formatting {path}"))?;
        Ok(Self { path, text })
    }
}

/// Brings the files up to date, or says that they are not.
pub(super) fn settle(outputs: Vec<Output>, mode: Mode) -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for output in outputs {
        let target = paths::workspace().join(&output.path);
        if std::fs::read_to_string(&target).is_ok_and(|old| old == output.text) {
            continue;
        }
        if mode == Mode::Write {
            let folder = target
                .parent()
                .context("a generated file stands in a folder")?;
            std::fs::create_dir_all(folder)?;
            std::fs::write(&target, &output.text)
                .with_context(|| format!("cannot write {}", target.display()))?;
            say(&format!("wrote {}", output.path));
        }
        stale.push(output.path);
    }
    if mode == Mode::Check && !stale.is_empty() {
        anyhow::bail!(
            "{} is out of date: run `cargo xtask codegen`",
            stale.join(", ")
        );
    }
    Ok(())
}

fn rustfmt(text: &str) -> anyhow::Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(paths::workspace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start rustfmt; `rustup component add rustfmt` installs it")?;
    // rustfmt reads all of its input before it writes, so neither side can block.
    child
        .stdin
        .take()
        .context("rustfmt has no input")?
        .write_all(text.as_bytes())?;
    let done = child.wait_with_output()?;
    anyhow::ensure!(done.status.success(), "rustfmt refuses the generated code");
    Ok(String::from_utf8(done.stdout)?)
}

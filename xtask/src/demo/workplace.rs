//! The demo's data directory and the binary that works on it; removed at the end.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{say, shell};

pub(super) struct Workplace {
    longshore: PathBuf,
    folder: PathBuf,
}

impl Workplace {
    pub(super) fn create(longshore: PathBuf) -> anyhow::Result<Self> {
        let name = format!("longshore-demo-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self { longshore, folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The binary, as root: containers need it.
    pub(super) fn command(&self) -> anyhow::Result<Command> {
        let mut command = shell::root_command(&self.longshore)?;
        command.arg("--data-dir").arg(self.data_dir());
        Ok(command)
    }

    /// Runs a command of the binary; its words, its paths, its options.
    pub(super) fn longshore<const W: usize, const P: usize, const O: usize>(
        &self,
        words: [&str; W],
        paths: [&Path; P],
        options: [&str; O],
    ) -> anyhow::Result<()> {
        shell::check(self.command()?.args(words).args(paths).args(options))
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // The containers' folders belong to root.
        let removed = shell::root_command("rm").and_then(|mut rm| {
            shell::check(rm.args(["-r", "-f", "--one-file-system"]).arg(&self.folder))
        });
        if let Err(error) = removed {
            say(&format!(
                "{} is left behind: {error:#}",
                self.folder.display()
            ));
        }
    }
}

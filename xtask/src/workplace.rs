//! The folder that a run works in, on the disk of the workspace: what is measured
//! is durable, and temporary folders often are in memory.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::{paths, say, shell};

pub(crate) struct Workplace {
    folder: PathBuf,
}

impl Workplace {
    pub(crate) fn create() -> anyhow::Result<Self> {
        let name = format!("target/work-{}", std::process::id());
        let folder = paths::workspace().join(name);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A data directory that does not exist yet.
    pub(crate) fn fresh(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(name);
        remove(&folder)?;
        Ok(folder)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder) {
            say(&format!(
                "{} is left behind: {error:#}",
                self.folder.display()
            ));
        }
    }
}

/// As root: the folders of containers belong to it.
fn remove(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let mut rm = match std::fs::remove_dir_all(folder) {
        Ok(()) => return Ok(()),
        Err(_) => shell::root_command("rm")?,
    };
    shell::check(rm.args(["-r", "-f", "--one-file-system"]).arg(folder))
}

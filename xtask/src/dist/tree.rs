//! Files on their way into an archive: by path, so that the order is always the same.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Program,
    Data,
    /// A folder of its own, which nobody but its owner looks into.
    PrivateFolder,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) bytes: Vec<u8>,
    pub(super) mode: Mode,
}

/// Paths have no `/` at their head.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree(BTreeMap<String, Entry>);

impl Tree {
    pub(super) fn add(&mut self, path: &str, bytes: impl Into<Vec<u8>>, mode: Mode) {
        let bytes = bytes.into();
        self.0.insert(path.to_owned(), Entry { bytes, mode });
    }

    pub(super) fn add_file(&mut self, path: &str, file: &Path) -> anyhow::Result<()> {
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        self.add(path, bytes, Mode::Data);
        Ok(())
    }

    /// A folder with all that is in it.
    pub(super) fn add_folder(&mut self, path: &str, folder: &Path) -> anyhow::Result<()> {
        let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let inner = format!("{path}/{}", entry.file_name().display());
            if entry.file_type()?.is_dir() {
                self.add_folder(&inner, &entry.path())?;
            } else {
                self.add_file(&inner, &entry.path())?;
            }
        }
        Ok(())
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The same inside a folder.
    pub(super) fn below(self, folder: &str) -> Self {
        let entries = self.0.into_iter();
        Self(
            entries
                .map(|(path, entry)| (format!("{folder}/{path}"), entry))
                .collect(),
        )
    }
}

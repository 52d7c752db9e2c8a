//! The text files of the repository, read once for all rules.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use crate::paths;

/// Folders in which nothing is written by hand.
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", "__pycache__"];

const TEXT: [&str; 8] = ["rs", "py", "js", "toml", "md", "json", "txt", "yml"];

/// Path from the folder of the workspace, with `/`, and content.
pub(super) struct Tree(BTreeMap<String, String>);

impl Tree {
    pub(super) fn read() -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        let root = paths::workspace();
        collect(&root, &root, &mut files)?;
        Ok(Self(files))
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let owned = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Self(owned.collect())
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            if !SKIPPED.iter().any(|skipped| name == *skipped) {
                collect(root, &path, files)?;
            }
            continue;
        }
        let is_text = path
            .extension()
            .is_some_and(|extension| TEXT.iter().any(|one| extension == *one));
        // What is not UTF-8 is no text of ours.
        if let (true, Ok(text)) = (is_text, std::fs::read_to_string(&path)) {
            let relative = path.strip_prefix(root)?.to_string_lossy().into_owned();
            files.insert(relative, text);
        }
    }
    Ok(())
}

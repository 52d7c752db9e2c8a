//! The mapping file: values by the names that definitions use for them. Read anew for every task
//! that needs it, so that it can be filled while the server runs, and so that a command or a
//! file is asked for what it says now.

mod parse;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::command;
use super::name::{Kind, Reference, Version};

/// The longest value, in bytes: more than a container's environment can hold.
pub(super) const VALUE_MAX: u64 = 1 << 20;

/// Read and write by others than the owner.
const OTHERS: u32 = 0o066;

/// How alike a name must be to be what was meant, from 0 to 1.
const ALIKE: f64 = 0.8;

/// Why a mapping cannot be used; one sentence without any of its values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MappingError {
    #[error("the secrets file {} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the secrets file {}, line {line}, column {column}: {problem}", path.display())]
    Parse {
        path: PathBuf,
        /// Both from 1.
        line: usize,
        column: usize,
        problem: String,
    },
}

/// The file, by its path.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    path: PathBuf,
}

/// What it says now.
pub(super) struct Content {
    folder: PathBuf,
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

/// One value, perhaps in several versions.
#[derive(Default)]
pub(super) struct Entry {
    current: Option<Source>,
    stages: BTreeMap<String, Source>,
    versions: BTreeMap<String, Source>,
}

/// Where a value comes from.
pub(super) enum Source {
    Value(String),
    /// Relative to the mapping file.
    File(PathBuf),
    Command(Vec<String>),
}

impl Mapping {
    /// Reads the file once, so that a mistake in it shows at start.
    pub(crate) fn open(path: &Path) -> Result<Self, MappingError> {
        let failed = |source| MappingError::Read {
            path: path.to_owned(),
            source,
        };
        let path = std::path::absolute(path).map_err(failed)?;
        let mapping = Self { path };
        mapping.current()?;
        Ok(mapping)
    }

    /// Whether others than its owner can read or write it.
    pub(super) fn is_open_to_others(&self) -> bool {
        let found = std::fs::metadata(&self.path);
        found.is_ok_and(|found| found.permissions().mode() & OTHERS != 0)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn current(&self) -> Result<Content, MappingError> {
        let path = self.path.clone();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(MappingError::Read { path, source }),
        };
        let entries = parse::entries(&text).map_err(|bad| bad.at(&path, &text))?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Content {
            folder,
            path,
            entries,
        })
    }
}

impl Content {
    /// The value of a reference; `None` if no name fits it.
    pub(super) async fn get(&self, reference: &Reference) -> Option<Result<String, String>> {
        let (name, entry) = self.find(reference)?;
        let text = match entry.source(reference) {
            Ok(source) => source.read(&self.folder).await,
            Err(why) => Err(why),
        };
        let is_file = matches!(reference.kind, Kind::File { .. });
        let text = text.and_then(|text| match text.is_empty() && !is_file {
            true => Err("it is empty: fill it in".to_owned()),
            false => Ok(text),
        });
        // A name with the JSON key in it stands for that part.
        let text = match name == reference.text {
            true => text,
            false => text.and_then(|text| reference.part_of(&text)),
        };
        let place = self.path.display();
        Some(text.map_err(|why| format!("`{name}` in {place}: {why}")))
    }

    fn find(&self, reference: &Reference) -> Option<(&str, &Entry)> {
        let names = reference.names();
        let exact = names
            .iter()
            .find_map(|name| self.entries.get_key_value(name));
        let is_arn_of = |(name, _): &(&String, &Entry)| {
            name.starts_with("arn:") && reference.again(name).names().contains(&reference.text)
        };
        let found = exact.or_else(|| self.entries.iter().find(is_arn_of));
        found.map(|(name, entry)| (name.as_str(), entry))
    }

    /// The name in the file that is most like the reference's, if one is.
    pub(super) fn near(&self, reference: &Reference) -> Option<&str> {
        let names = reference.names();
        let alike = |known: &&String| {
            let each = names
                .iter()
                .map(|name| strsim::normalized_damerau_levenshtein(name, known));
            each.fold(0.0, f64::max)
        };
        let best = self.entries.keys().map(|known| (alike(&known), known));
        let best = best.max_by(|(one, _), (other, _)| one.total_cmp(other));
        best.filter(|(alike, _)| *alike >= ALIKE)
            .map(|(_, known)| known.as_str())
    }
}

impl Entry {
    fn source(&self, reference: &Reference) -> Result<&Source, String> {
        match reference.version() {
            None => {
                let none = || "it has versions only, and the current one is asked for".to_owned();
                self.current.as_ref().ok_or_else(none)
            }
            Some(Version::Stage(stage)) => {
                let none = || format!("it has no stage `{stage}`: add stages = {{ {stage} = … }}");
                self.stages.get(stage).ok_or_else(none)
            }
            Some(Version::Id(id)) => {
                let none =
                    || format!("it has no version `{id}`: add versions = {{ \"{id}\" = … }}");
                self.versions.get(id).ok_or_else(none)
            }
        }
    }
}

impl Source {
    async fn read(&self, folder: &Path) -> Result<String, String> {
        match self {
            Self::Value(text) => Ok(text.clone()),
            Self::File(path) => {
                let path = folder.join(path);
                let failed =
                    |error: io::Error| format!("{} cannot be read: {error}", path.display());
                let length = tokio::fs::metadata(&path).await.map_err(failed)?.len();
                if length > VALUE_MAX {
                    return Err(format!(
                        "{} has more than {VALUE_MAX} bytes",
                        path.display()
                    ));
                }
                text(tokio::fs::read(&path).await.map_err(failed)?)
            }
            Self::Command(words) => command::run(words, folder).await,
        }
    }
}

/// Without the last line break, which editors and programs add.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, String> {
    let mut text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests;

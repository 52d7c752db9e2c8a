//! What scripted containers need to outlive the server: one file, one JSON entry per line,
//! appended before the driver answers. It is not synced: a host that loses its power loses
//! its containers too.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use model::container::{ContainerKey, Failure, FailureName, LogTarget, Started};
use model::payload::NetworkState;
use model::{TaskId, Timestamp};
use serde::{Deserialize, Serialize};

/// Rewritten at so many entries, if most of them no longer matter.
const ENTRIES_BEFORE_REWRITE: usize = 100_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Entry {
    Network(TaskId, NetworkState),
    Container(Record),
    Signal(ContainerKey, i32, Timestamp),
    /// So many lines of the script are in the log.
    Logged(ContainerKey, usize),
    Removed(ContainerKey),
    TornDown(TaskId),
}

/// A container that was started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) key: ContainerKey,
    pub(crate) script: String,
    pub(crate) log: LogTarget,
    pub(crate) started: Started,
    pub(crate) signals: Vec<(i32, Timestamp)>,
    pub(crate) logged: usize,
}

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    entries: usize,
}

impl Journal {
    /// Opens the journal of a folder, creating both, and reads it.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, Vec<Entry>)> {
        fs::create_dir_all(folder)?;
        let path = folder.join("containers.jsonl");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let entries = read(&text).map_err(|error| {
            let text = format!("{} is damaged: {error}; remove it", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        let file = append_to(&path)?;
        Ok((
            Self {
                path,
                file,
                entries: entries.len(),
            },
            entries,
        ))
    }

    pub(crate) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.file.write_all(&line(entry)?)?;
        self.entries += 1;
        Ok(())
    }

    pub(crate) fn wants_rewrite(&self, live: usize) -> bool {
        self.entries >= ENTRIES_BEFORE_REWRITE && self.entries / 4 > live
    }

    /// Replaces everything, in one step.
    pub(crate) fn rewrite(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for entry in entries {
            bytes.extend(line(entry)?);
        }
        let new = self.path.with_extension("new");
        fs::write(&new, bytes)?;
        fs::rename(&new, &self.path)?;
        self.file = append_to(&self.path)?;
        self.entries = entries.len();
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(entry)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A last line without an end was being written when the server died: nobody was told of it.
fn read(text: &str) -> serde_json::Result<Vec<Entry>> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(serde_json::from_str).collect()
}

pub(crate) fn not_written(error: &io::Error) -> Failure {
    let detail = format!("the journal of scripted containers cannot be written: {error}");
    Failure::new(FailureName::InternalError, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(bits: u128) -> Entry {
        Entry::TornDown(TaskId::from_bits(bits))
    }

    fn tasks(entries: &[Entry]) -> Vec<TaskId> {
        let task = |entry: &Entry| match entry {
            Entry::TornDown(task) => *task,
            other => panic!("unexpected {other:?}"),
        };
        entries.iter().map(task).collect()
    }

    #[test]
    fn entries_are_read_back_up_to_a_torn_one() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, entries) = Journal::open(folder.path()).unwrap();
        assert!(entries.is_empty());
        journal.append(&gone(1)).unwrap();
        journal.append(&gone(2)).unwrap();
        journal.file.write_all(b"{\"TornDo").unwrap();
        let (_, entries) = Journal::open(folder.path()).unwrap();
        assert_eq!(tasks(&entries), [1, 2].map(TaskId::from_bits));
    }

    #[test]
    fn a_rewrite_replaces_everything() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        journal.append(&gone(1)).unwrap();
        journal.rewrite(&[gone(2)]).unwrap();
        journal.append(&gone(3)).unwrap();
        let (_, entries) = Journal::open(folder.path()).unwrap();
        assert_eq!(tasks(&entries), [2, 3].map(TaskId::from_bits));
    }

    #[test]
    fn a_rewrite_is_wanted_when_most_is_past() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        assert!(!journal.wants_rewrite(0));
        journal.entries = ENTRIES_BEFORE_REWRITE;
        assert!(journal.wants_rewrite(10));
        assert!(!journal.wants_rewrite(ENTRIES_BEFORE_REWRITE / 2));
    }

    #[test]
    fn damage_is_said_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("containers.jsonl"), "nonsense\n").unwrap();
        let error = Journal::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("containers.jsonl is damaged"), "{error}");
    }
}

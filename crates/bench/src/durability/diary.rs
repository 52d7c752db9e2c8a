//! What a guest tells of itself, one line of JSON per event, in a file outside of its disk. Guests
//! are killed at any moment: the last line may be torn, and then it was never told.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::told::Tasks;

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The guest runs and is about to start the server.
    Up,
    /// A client has its answer.
    Told { token: String, tasks: Tasks },
    /// Whatever was told before has been looked for; from now on there is load.
    Checked(Losses),
    /// The guest cannot go on: the store does not open, or refuses what it must not refuse.
    Broken { reason: String },
}

/// What was told and is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Tokens that were looked for.
    pub tokens: usize,
    /// Of their tasks, those that are gone.
    pub tasks_missing: usize,
    /// Of the tokens, those whose repetition is not answered with the tasks that were told.
    pub tokens_missing: usize,
    /// Tokens with another number of tasks in the store than a call asks for.
    pub tokens_odd: usize,
}

impl Losses {
    /// Sums up.
    pub(super) fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.tasks_missing += other.tasks_missing;
        self.tokens_missing += other.tokens_missing;
        self.tokens_odd += other.tokens_odd;
    }
}

/// Appends entries.
pub(super) struct Diary(File);

impl Diary {
    /// Opens the file, creating it if it is missing, and cuts off a torn line.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = whole_lines(&bytes);
        if whole < bytes.len() {
            file.set_len(whole as u64)?;
        }
        Ok(Self(file))
    }

    /// The line is with the host when this returns.
    pub(super) fn write(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.0.write_all(&line)?;
        Ok(())
    }
}

/// Reads entries while they are written.
pub(super) struct Reader {
    file: File,
    /// Up to here all lines have been read.
    at: u64,
}

impl Reader {
    /// From the first line on.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { file, at: 0 })
    }

    /// The entries that have come since.
    pub(super) fn read(&mut self) -> anyhow::Result<Vec<Entry>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.at))?;
        self.file.read_to_end(&mut bytes)?;
        let whole = whole_lines(&bytes);
        self.at += whole as u64;
        let lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n');
        lines
            .map(|line| Ok(serde_json::from_slice(line)?))
            .collect()
    }
}

/// How many bytes lie in lines that are complete.
fn whole_lines(bytes: &[u8]) -> usize {
    let last = bytes.iter().rposition(|byte| *byte == b'\n');
    last.map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(token: &str) -> Entry {
        Entry::Told {
            token: token.to_owned(),
            tasks: Tasks::from(["a".to_owned()]),
        }
    }

    #[test]
    fn entries_are_read_as_they_come_and_a_torn_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("diary");
        let mut diary = Diary::open(&path).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        diary.write(&Entry::Up).unwrap();
        diary.write(&told("one")).unwrap();
        assert_eq!(reader.read().unwrap(), [Entry::Up, told("one")]);
        diary.0.write_all(br#"{"told":{"tok"#).unwrap();
        assert_eq!(reader.read().unwrap(), []);

        let mut diary = Diary::open(&path).unwrap();
        let checked = Entry::Checked(Losses::default());
        diary.write(&checked).unwrap();
        assert_eq!(reader.read().unwrap(), std::slice::from_ref(&checked));
        let all = Reader::open(&path).unwrap().read().unwrap();
        assert_eq!(all, [Entry::Up, told("one"), checked]);
    }
}

//! The seam between tables and disk: batches of changed rows go in, all rows
//! come out. Everything above it is tested on [`Memory`] and runs on [`Sqlite`].

use std::collections::BTreeMap;
use std::path::PathBuf;

mod checkpoint;
mod memory;
mod migrations;
mod sqlite;

pub use memory::Memory;
pub use migrations::SCHEMA_VERSION;
pub use sqlite::Sqlite;

/// One changed row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub table: &'static str,
    pub key: String,
    /// The row as JSON; `None` deletes it.
    pub value: Option<Vec<u8>>,
}

/// All stored rows, by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows(BTreeMap<String, Vec<(String, Vec<u8>)>>);

impl Rows {
    /// Adds a row to a table.
    pub fn insert(&mut self, table: &str, key: String, value: Vec<u8>) {
        match self.0.get_mut(table) {
            Some(rows) => rows.push((key, value)),
            None => drop(self.0.insert(table.to_owned(), vec![(key, value)])),
        }
    }

    /// Takes out the rows of one table, as (key, JSON).
    pub fn take(&mut self, table: &str) -> Vec<(String, Vec<u8>)> {
        self.0.remove(table).unwrap_or_default()
    }

    /// The tables nobody took yet: after loading, those this program does not know.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Where rows are kept.
pub trait Journal: Send {
    /// Writes the batch: durable when it returns `Ok`, all or nothing. After an
    /// error this journal shows the content from before. Only a machine that
    /// then crashes before its next commit may come back with the batch written:
    /// an error means "not confirmed", as for any database.
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError>;

    /// All rows that were committed.
    fn load(&mut self) -> Result<Rows, JournalError>;
}

/// Why a journal could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No room for the batch; it was not written.
    #[error("no space left for {}; free some, then try again", path.display())]
    Full { path: PathBuf },
    /// The file's content is not a sound database.
    #[error("{} is damaged ({detail}); restore it from a backup or move it away to start empty", path.display())]
    Damaged { path: PathBuf, detail: String },
    /// The file is a sound database, but not one of ours.
    #[error("{} is a database of another program; choose another data directory", path.display())]
    Foreign { path: PathBuf },
    /// A newer version of this program has migrated the file.
    #[error("{} has schema version {found} and this program knows versions up to {known}: run the newer program that wrote it", path.display())]
    Newer {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    /// Another process holds the database's write lock.
    #[error("{} is being written by another process", path.display())]
    Busy { path: PathBuf },
    /// The file or its directory cannot be created, read or written.
    #[error("{} cannot be opened: {detail}", path.display())]
    Unreachable { path: PathBuf, detail: String },
    /// Anything else SQLite reports.
    #[error("{}: {source}", path.display())]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
    /// A failure that a test asked for ([`Memory::fail_next_commit`]).
    #[error("the commit was told to fail")]
    Told,
}

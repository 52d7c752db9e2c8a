//! The seam between tables and disk: batches of changed rows go in, all rows
//! come out. Everything above it is tested on [`Memory`] and runs on [`Sqlite`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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
    /// What the row is found by on disk: unique among all rows of the journal.
    pub number: i64,
    pub key: String,
    /// The row as JSON; `None` deletes it.
    pub value: Option<Vec<u8>>,
}

/// One stored row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub number: i64,
    pub key: String,
    /// JSON.
    pub value: Vec<u8>,
}

/// All stored rows, by table, and the source of numbers for new ones.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    tables: BTreeMap<String, Vec<Row>>,
    numbers: Numbers,
}

impl Rows {
    /// Adds a row to a table.
    pub fn insert(&mut self, table: &str, row: Row) {
        self.numbers.skip(row.number);
        match self.tables.get_mut(table) {
            Some(rows) => rows.push(row),
            None => drop(self.tables.insert(table.to_owned(), vec![row])),
        }
    }

    /// Takes out the rows of one table.
    pub fn take(&mut self, table: &str) -> Vec<Row> {
        self.tables.remove(table).unwrap_or_default()
    }

    /// The tables nobody took yet: after loading, those this program does not know.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Numbers that no row has; shared by all tables of the journal.
    pub(crate) fn numbers(&self) -> Numbers {
        self.numbers.clone()
    }
}

/// Gives each new row its number. They only grow, so that new rows come to lie side by side
/// on disk; a number whose row was undone stays unused. A clone goes on with the same sequence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers(Arc<AtomicI64>);

impl Numbers {
    pub(crate) fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn skip(&self, used: i64) {
        self.0.fetch_max(used, Ordering::Relaxed);
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

//! The journal as a SQLite database: write-ahead log, one sync per commit.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::checkpoint::{Checkpointer, LOG_PAGES};
use super::migrations::{MigrateError, SCHEMA_VERSION, migrate};
use super::{Change, Journal, JournalError, Row, Rows};

/// When SQLite syncs: at every commit. NORMAL would sync at checkpoints only. OFF leaves it to the
/// system, so that a crash of the machine loses what was answered: `cargo xtask powerloss` must
/// find that, else it would find nothing.
const SYNCHRONOUS: &str = if cfg!(feature = "unsafe-sync") {
    "OFF"
} else {
    "FULL"
};

const PUT: &str = "REPLACE INTO rows (id, tbl, key, value) VALUES (?1, ?2, ?3, ?4)";
const DELETE: &str = "DELETE FROM rows WHERE id = ?1";
const ALL: &str = "SELECT id, tbl, key, value FROM rows";

/// A journal in one SQLite file. One process at a time may use it: see
/// [`crate::DataDirLock`], which the owner of the directory takes first.
pub struct Sqlite {
    // Before `db`: its connection closes first, so that closing `db` folds the log in.
    checkpointer: Checkpointer,
    db: Connection,
    path: PathBuf,
}

impl Sqlite {
    /// Opens the database at `path`, creating it (mode 0600) if there is none,
    /// and brings it to `schema_version` (normally [`super::SCHEMA_VERSION`]).
    pub fn open(path: &Path, schema_version: u32) -> Result<Self, JournalError> {
        Self::open_with(path, schema_version, LOG_PAGES)
    }

    fn open_with(path: &Path, version: u32, log_pages: usize) -> Result<Self, JournalError> {
        create(path).map_err(|error| unreachable(path, &error.to_string()))?;
        let fault = |error| fault(path, error);
        let mut db = connect(path).map_err(fault)?;
        migrate(&mut db, version).map_err(|error| match error {
            MigrateError::Foreign => JournalError::Foreign {
                path: path.to_owned(),
            },
            MigrateError::Newer(found) => {
                let known = version.min(SCHEMA_VERSION);
                JournalError::Newer {
                    path: path.to_owned(),
                    found,
                    known,
                }
            }
            MigrateError::Sqlite(error) => fault(error),
        })?;
        let copier = connect(path).map_err(fault)?;
        let checkpointer = Checkpointer::start(copier, log_pages, log_bytes(path))
            .map_err(|error| unreachable(path, &format!("no checkpoint thread: {error}")))?;
        Ok(Self {
            checkpointer,
            db,
            path: path.to_owned(),
        })
    }

    fn write(&mut self, batch: &[Change]) -> rusqlite::Result<()> {
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut put = tx.prepare_cached(PUT)?;
            let mut delete = tx.prepare_cached(DELETE)?;
            for change in batch {
                let Change {
                    table, number, key, ..
                } = change;
                match &change.value {
                    Some(value) => put.execute((number, table, key, value))?,
                    None => delete.execute((number,))?,
                };
            }
        }
        tx.commit()
    }

    fn read(&self) -> rusqlite::Result<Rows> {
        let mut rows = Rows::default();
        let mut statement = self.db.prepare(ALL)?;
        let mut found = statement.query(())?;
        while let Some(row) = found.next()? {
            let table = row.get_ref(1)?.as_str()?;
            let (number, key, value) = (row.get(0)?, row.get(2)?, row.get(3)?);
            rows.insert(table, Row { number, key, value });
        }
        Ok(rows)
    }
}

impl Journal for Sqlite {
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.write(batch)
            .map_err(|error| fault(&self.path, error))?;
        self.checkpointer.after_commit(&self.db, batch);
        Ok(())
    }

    fn load(&mut self) -> Result<Rows, JournalError> {
        self.read().map_err(|error| fault(&self.path, error))
    }
}

/// Makes the file durably part of its directory, readable by its owner only:
/// rows hold the environment of containers. SQLite gives the log the same mode.
fn create(path: &Path) -> io::Result<()> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    match path.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// How long the write-ahead log is; also what has been copied of it counts until it starts over.
fn log_bytes(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).map_or(0, |log| log.len())
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // Without SQLITE_OPEN_URI: a path is a path, whatever it starts with.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // Checkpoints are the thread's: see `checkpoint`.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "synchronous", SYNCHRONOUS)?;
    Ok(db)
}

fn unreachable(path: &Path, detail: &str) -> JournalError {
    JournalError::Unreachable {
        path: path.to_owned(),
        detail: detail.to_owned(),
    }
}

fn fault(path: &Path, error: rusqlite::Error) -> JournalError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => JournalError::Full { path },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => JournalError::Damaged {
            path,
            detail: error.to_string(),
        },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::Busy { path },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            JournalError::Unreachable {
                path,
                detail: error.to_string(),
            }
        }
        _ => JournalError::Sqlite {
            path,
            source: error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: usize, bytes: usize) -> Change {
        Change {
            table: "t",
            number: key as i64,
            key: key.to_string(),
            value: Some(vec![b'x'; bytes]),
        }
    }

    /// 2 is FULL: each commit reaches the disk before it is answered. `synchronous` belongs to the
    /// connection, so it is asked of the one that commits.
    #[cfg(not(feature = "unsafe-sync"))]
    #[test]
    fn every_commit_is_synced() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Sqlite::open(&dir.path().join("state.db"), SCHEMA_VERSION).unwrap();
        let pragma = |name: &str| -> String {
            let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
            let value = journal.db.pragma_query_value(None, name, value).unwrap();
            format!("{value:?}")
        };
        assert_eq!(pragma("synchronous"), "Integer(2)");
        assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    }

    #[test]
    fn a_full_disk_is_said_and_leaves_the_rows_from_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Sqlite::open(&dir.path().join("state.db"), SCHEMA_VERSION).unwrap();
        journal.commit(&[put(1, 10)]).unwrap();
        let before = journal.load().unwrap().take("t");

        journal
            .db
            .pragma_update(None, "max_page_count", 16)
            .unwrap();
        let batch: Vec<Change> = (2..40).map(|key| put(key, 4000)).collect();
        let error = journal.commit(&batch).unwrap_err();
        assert!(matches!(error, JournalError::Full { .. }), "{error}");
        assert!(error.to_string().starts_with("no space left for "));
        assert_eq!(journal.load().unwrap().take("t"), before);

        journal
            .db
            .pragma_update(None, "max_page_count", 1_000_000)
            .unwrap();
        journal.commit(&batch).unwrap();
        assert_eq!(journal.load().unwrap().take("t").len(), 39);
    }

    #[test]
    fn the_log_stays_short_however_often_the_program_is_killed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        // Each life is too short to fill the log by itself.
        for life in 0..200 {
            let mut journal = Sqlite::open_with(&path, SCHEMA_VERSION, 64).unwrap();
            for key in 0..10 {
                journal.commit(&[put(life * 10 + key, 2000)]).unwrap();
            }
            // As SIGKILL: nothing is closed.
            std::mem::forget(journal);
        }
        let log = std::fs::metadata(dir.path().join("state.db-wal")).unwrap();
        assert!(log.len() < 8 << 20, "the log has {} bytes", log.len());
    }

    #[test]
    fn the_log_starts_over_under_steady_load() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let mut journal = Sqlite::open_with(&path, SCHEMA_VERSION, 64).unwrap();
        // Without starting over, 3000 commits of 3 pages or more would make the log 36 MiB long.
        for key in 0..3000 {
            journal.commit(&[put(key % 50, 2000)]).unwrap();
        }
        let log = std::fs::metadata(dir.path().join("state.db-wal"))
            .unwrap()
            .len();
        assert!(log < 8 << 20, "the log has {log} bytes");
        drop(journal);
        assert!(!dir.path().join("state.db-wal").exists());
        let mut journal = Sqlite::open(&path, SCHEMA_VERSION).unwrap();
        assert_eq!(journal.load().unwrap().take("t").len(), 50);
    }
}

//! The layout of the database file and the steps from each version to the next.
//! A new file goes through the same steps as an old one, so there is one layout.

use rusqlite::{Connection, TransactionBehavior};

/// The version this program writes; stored in SQLite's `user_version`.
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings a database from one version to the next, within a transaction.
type Migration = fn(&Connection) -> rusqlite::Result<()>;

/// `MIGRATIONS[n]` leads from version n to n + 1. Entries are only ever added.
const MIGRATIONS: &[Migration] = &[number_the_rows, let_tasks_wait, drop_the_index];

/// Version 0: rows clustered by their key.
const VERSION_0: &str = "CREATE TABLE rows (
    tbl TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (tbl, key)) WITHOUT ROWID";

/// Version 1: rows in the order of arrival, found by an index. Keys are random, so
/// clustered rows dirty a page each: for ten new rows of 1.5 KiB the log takes
/// 168 KiB per commit in version 0 and 84 KiB in version 1, for ten updates 89 and 44.
fn number_the_rows(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "ALTER TABLE rows RENAME TO clustered;
         CREATE TABLE rows (
             id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL);
         INSERT INTO rows (tbl, key, value) SELECT tbl, key, value FROM clustered;
         DROP TABLE clustered;
         CREATE UNIQUE INDEX rows_by_key ON rows (tbl, key);",
    )
}

/// Version 2: the same layout. A task may be without a host, which programs of version 1 cannot
/// read; they are to say so instead of losing what they do not know.
fn let_tasks_wait(_: &Connection) -> rusqlite::Result<()> {
    Ok(())
}

/// Version 3: rows found by their numbers, which the tables in memory know. An index of random
/// keys dirties a page for each new row: for 64 new rows of 1 KiB the log takes 382 KiB per
/// commit in version 2 and 109 KiB in version 3.
fn drop_the_index(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("DROP INDEX rows_by_key")
}

/// What [`migrate`] found wrong.
pub(super) enum MigrateError {
    Foreign,
    Newer(u32),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrateError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Brings the database to `version`, one transaction per step: a crash between
/// two steps leaves a sound database of the version in between.
pub(super) fn migrate(db: &mut Connection, version: u32) -> Result<(), MigrateError> {
    let known = version.min(SCHEMA_VERSION);
    let found: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(MigrateError::Newer(found));
    }
    let new: bool = db.query_row("SELECT count(*) = 0 FROM sqlite_master", (), |row| {
        row.get(0)
    })?;
    if !new && !db.table_exists(None, "rows")? {
        return Err(MigrateError::Foreign);
    }
    if new {
        db.execute_batch(VERSION_0)?;
    }
    for step in found..known {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        MIGRATIONS[step as usize](&tx)?;
        tx.pragma_update(None, "user_version", step + 1)?;
        tx.commit()?;
    }
    Ok(())
}

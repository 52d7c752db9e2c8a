//! Old databases are read, newer and foreign ones refused, damaged ones named.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use store::journal::{SCHEMA_VERSION, Sqlite};
use store::{Change, Changes, Journal, JournalError, Record, Table};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ship {
    number: u32,
    name: String,
}

impl Record for Ship {
    type Key = u32;
    const TABLE: &'static str = "ship";
    fn key(&self) -> u32 {
        self.number
    }
    fn key_text(key: &u32) -> String {
        key.to_string()
    }
}

fn names(journal: &mut Sqlite) -> Vec<String> {
    let mut rows = journal.load().unwrap();
    let ships = Table::<Ship>::load(&mut rows).unwrap();
    assert_eq!(rows.tables().collect::<Vec<_>>(), ["port"]);
    ships.iter().map(|ship| ship.name.clone()).collect()
}

fn layout(path: &Path) -> Vec<String> {
    let db = Connection::open(path).unwrap();
    let mut found = db
        .prepare("SELECT sql FROM sqlite_master ORDER BY name")
        .unwrap();
    let sql = found.query_map((), |row| row.get::<_, String>(0)).unwrap();
    sql.map(|text| {
        text.unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    })
    .collect()
}

/// An old database is brought to the current version with all its rows, takes
/// changes to them, and then has the layout of a new one.
#[track_caller]
fn check_old(sql: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();

    let mut journal = Sqlite::open(&path, SCHEMA_VERSION).unwrap();
    assert_eq!(names(&mut journal), ["Dover", "Ærø"]);
    let mut ships = Table::<Ship>::load(&mut journal.load().unwrap()).unwrap();
    ships.put(Ship {
        number: 2,
        name: "Calais".to_owned(),
    });
    ships.remove(&10);
    let mut changes = Vec::new();
    ships.drain(&mut changes).unwrap();
    journal.commit(&changes).unwrap();
    drop(journal);
    assert_eq!(
        names(&mut Sqlite::open(&path, SCHEMA_VERSION).unwrap()),
        ["Calais"]
    );

    let new = dir.path().join("new.db");
    drop(Sqlite::open(&new, SCHEMA_VERSION).unwrap());
    assert_eq!(layout(&path), layout(&new));
}

#[test]
fn databases_of_every_version_are_read() {
    check_old(include_str!("fixtures/schema_0.sql"));
    check_old(include_str!("fixtures/schema_1.sql"));
    check_old(include_str!("fixtures/schema_2.sql"));
    check_old(include_str!("fixtures/schema_3.sql"));
}

#[track_caller]
fn check_refused(prepare: impl FnOnce(&Path), expected: &str) -> JournalError {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    prepare(&path);
    let Err(error) = Sqlite::open(&path, SCHEMA_VERSION) else {
        panic!("opened")
    };
    let text = error.to_string().replace(&*path.to_string_lossy(), "FILE");
    assert_eq!(text, expected);
    error
}

fn run(sql: &str) -> impl FnOnce(&Path) {
    move |path| Connection::open(path).unwrap().execute_batch(sql).unwrap()
}

#[test]
fn newer_and_foreign_databases_are_refused() {
    let newer = format!(
        "FILE has schema version 99 and this program knows versions up to {SCHEMA_VERSION}: \
         run the newer program that wrote it"
    );
    let error = check_refused(
        run("CREATE TABLE other (x); PRAGMA user_version = 99"),
        &newer,
    );
    assert!(matches!(
        error,
        JournalError::Newer {
            found: 99,
            known: SCHEMA_VERSION,
            ..
        }
    ));
    let foreign = "FILE is a database of another program; choose another data directory";
    check_refused(run("CREATE TABLE other (x)"), foreign);
}

#[test]
fn files_that_are_no_database_and_missing_directories_are_named() {
    check_refused(
        |path| std::fs::write(path, [b'x'; 8192]).unwrap(),
        "FILE is damaged (file is not a database); \
         restore it from a backup or move it away to start empty",
    );
    check_refused(
        |path| std::fs::create_dir(path).unwrap(),
        "FILE cannot be opened: unable to open database file: FILE",
    );
    let missing = Path::new("/nonexistent/state.db");
    let Err(error) = Sqlite::open(missing, SCHEMA_VERSION) else {
        panic!("opened")
    };
    assert!(matches!(error, JournalError::Unreachable { .. }), "{error}");
}

#[test]
fn damage_within_the_file_shows_when_rows_are_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let mut journal = Sqlite::open(&path, SCHEMA_VERSION).unwrap();
    let value = vec![b'1'; 3000];
    let row = |key: usize| Change {
        table: "ship",
        number: key as i64,
        key: key.to_string(),
        value: Some(value.clone()),
    };
    journal
        .commit(&(0..50).map(row).collect::<Vec<_>>())
        .unwrap();
    drop(journal);

    let mut bytes = std::fs::read(&path).unwrap();
    let header = 4096;
    bytes[header..].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let error = match Sqlite::open(&path, SCHEMA_VERSION) {
        Ok(mut journal) => journal.load().unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
}

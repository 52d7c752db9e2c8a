//! The law: tables on a journal behave like a map of which a failed commit
//! takes back everything since the last successful one.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use store::journal::{Memory, SCHEMA_VERSION, Sqlite};
use store::{Change, Changes, Journal, Record, Table};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ship {
    number: u8,
    name: String,
}

impl Record for Ship {
    type Key = u8;
    const TABLE: &'static str = "ship";
    fn key(&self) -> u8 {
        self.number
    }
    fn key_text(key: &u8) -> String {
        format!("#{key}")
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, String),
    Remove(u8),
    /// An operation that errs: its changes are undone.
    Undone(Vec<u8>),
    Commit,
    FailedCommit,
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..20u8, "[a-z\"\\\\é]{0,8}").prop_map(|(key, name)| Step::Put(key, name)),
        3 => (0..20u8).prop_map(Step::Remove),
        1 => vec(0..20u8, 0..4).prop_map(Step::Undone),
        3 => Just(Step::Commit),
        1 => Just(Step::FailedCommit),
        1 => Just(Step::Reload),
    ]
}

type Model = BTreeMap<u8, String>;

fn content(table: &Table<Ship>) -> Model {
    table
        .iter()
        .map(|ship| (ship.number, ship.name.clone()))
        .collect()
}

/// What the writer does: the table, and its root from before the batch.
struct Writer {
    table: Table<Ship>,
    root: Table<Ship>,
}

impl Writer {
    fn open(journal: &mut dyn Journal) -> Self {
        let table = Table::load(&mut journal.load().unwrap()).unwrap();
        Self {
            root: table.clone(),
            table,
        }
    }

    fn commit(&mut self, journal: &mut dyn Journal) -> bool {
        let mut batch: Vec<Change> = Vec::new();
        self.table.drain(&mut batch).unwrap();
        match journal.commit(&batch) {
            Ok(()) => {
                self.root = self.table.clone();
                true
            }
            Err(_) => {
                self.table = self.root.clone();
                false
            }
        }
    }
}

/// Runs the steps against the model. `fail` makes the next commit fail; without
/// it failing commits are left out.
fn run(steps: &[Step], journal: &mut dyn Journal, fail: Option<&dyn Fn()>) {
    let mut writer = Writer::open(journal);
    let (mut model, mut durable) = (Model::new(), Model::new());
    for step in steps {
        match step {
            Step::Put(key, name) => {
                writer.table.put(Ship {
                    number: *key,
                    name: name.clone(),
                });
                model.insert(*key, name.clone());
            }
            Step::Remove(key) => {
                let removed = writer.table.remove(key).map(|ship| ship.name.clone());
                assert_eq!(removed, model.remove(key));
            }
            Step::Undone(keys) => undo(&mut writer.table, keys),
            Step::Commit => {
                assert!(writer.commit(journal));
                durable = model.clone();
            }
            Step::FailedCommit => {
                let Some(fail) = fail else { continue };
                fail();
                assert!(!writer.commit(journal));
                model = durable.clone();
                assert_eq!(writer.table.changes(), 0);
            }
            Step::Reload => {
                writer = Writer::open(journal);
                model = durable.clone();
            }
        }
        assert_eq!(content(&writer.table), model);
        assert_eq!(writer.table.len(), model.len());
        assert_eq!(content(&Writer::open(journal).table), durable);
    }
}

fn undo(table: &mut Table<Ship>, keys: &[u8]) {
    let before = table.changes();
    for key in keys {
        if table.remove(key).is_none() {
            table.put(Ship {
                number: *key,
                name: String::new(),
            });
        }
    }
    table.undo(before);
    assert_eq!(table.changes(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn tables_in_memory_equal_a_map(steps in vec(step(), 0..60)) {
        let disk = Memory::new();
        run(&steps, &mut disk.clone(), Some(&|| disk.fail_next_commit()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn tables_in_sqlite_equal_a_map(steps in vec(step(), 0..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Sqlite::open(&dir.path().join("state.db"), SCHEMA_VERSION).unwrap();
        run(&steps, &mut journal, None);
    }
}

//! A journal in memory, for tests and simulation: it can fail and it can lie.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Change, Journal, JournalError, Row, Rows};

/// Keeps committed rows in memory. A clone shares them, so a test keeps one
/// clone as "the disk" while the other is dropped with the program that wrote it.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Disk>>);

/// By number, with the name of the table.
type Synced = BTreeMap<i64, (&'static str, Row)>;

#[derive(Debug, Default)]
struct Disk {
    synced: Synced,
    /// Batches that were confirmed but would not survive [`Memory::crash`], oldest first.
    unsynced: Vec<Vec<Change>>,
    fail_next: bool,
    lying: bool,
    commits: usize,
}

impl Disk {
    fn sync(&mut self) {
        for change in self.unsynced.drain(..).flatten() {
            apply(&mut self.synced, change);
        }
    }
}

fn apply(rows: &mut Synced, change: Change) {
    let Change {
        table,
        number,
        key,
        value,
    } = change;
    match value {
        Some(value) => rows.insert(number, (table, Row { number, key, value })),
        None => rows.remove(&number),
    };
}

impl Memory {
    /// Empty and truthful.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next commit fail without effect.
    pub fn fail_next_commit(&self) {
        self.disk().fail_next = true;
    }

    /// While lying, commits are confirmed without being durable: [`Memory::crash`]
    /// loses them. Ending the lie makes everything confirmed so far durable.
    pub fn lie_about_sync(&self, lying: bool) {
        let mut disk = self.disk();
        disk.lying = lying;
        if !lying {
            disk.sync();
        }
    }

    /// What a power loss does: drops whole batches that were not synced, the
    /// newest first, and keeps the oldest `keep` of them. Returns how many were lost.
    pub fn crash(&self, keep: usize) -> usize {
        let mut disk = self.disk();
        let lost = disk.unsynced.len().saturating_sub(keep);
        disk.unsynced.truncate(keep);
        disk.sync();
        lost
    }

    /// How many commits have succeeded.
    pub fn commits(&self) -> usize {
        self.disk().commits
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        // No method leaves the disk half changed, so a panic elsewhere is no reason to stop.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Memory {
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError> {
        let mut disk = self.disk();
        if std::mem::take(&mut disk.fail_next) {
            return Err(JournalError::Told);
        }
        disk.unsynced.push(batch.to_vec());
        if !disk.lying {
            disk.sync();
        }
        disk.commits += 1;
        Ok(())
    }

    fn load(&mut self) -> Result<Rows, JournalError> {
        let disk = self.disk();
        let mut all = disk.synced.clone();
        for change in disk.unsynced.iter().flatten() {
            apply(&mut all, change.clone());
        }
        let mut rows = Rows::default();
        for (table, row) in all.into_values() {
            rows.insert(table, row);
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str) -> Vec<Change> {
        vec![Change {
            table: "t",
            number: key.as_bytes()[0].into(),
            key: key.to_owned(),
            value: Some(b"1".to_vec()),
        }]
    }

    #[track_caller]
    fn check(disk: &Memory, expected: &[&str]) {
        let rows = disk.clone().load().unwrap().take("t");
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, expected);
    }

    #[test]
    fn a_clone_is_the_same_disk_and_a_failed_commit_changes_nothing() {
        let disk = Memory::new();
        let mut journal = disk.clone();
        journal.commit(&put("a")).unwrap();
        disk.fail_next_commit();
        assert!(matches!(journal.commit(&put("b")), Err(JournalError::Told)));
        journal.commit(&put("c")).unwrap();
        check(&disk, &["a", "c"]);
        assert_eq!(disk.commits(), 2);
    }

    #[test]
    fn a_lying_disk_loses_whole_batches_from_the_end() {
        let disk = Memory::new();
        let mut journal = disk.clone();
        journal.commit(&put("a")).unwrap();
        disk.lie_about_sync(true);
        for key in ["b", "c", "d"] {
            journal.commit(&put(key)).unwrap();
        }
        check(&disk, &["a", "b", "c", "d"]);
        assert_eq!(disk.crash(1), 2);
        check(&disk, &["a", "b"]);
        journal.commit(&put("e")).unwrap();
        disk.lie_about_sync(false);
        assert_eq!(disk.crash(0), 0);
        check(&disk, &["a", "b", "e"]);
    }
}

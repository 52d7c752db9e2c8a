//! One table: typed rows in a persistent map, and which of them changed.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use imbl::OrdMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::journal::{Change, Numbers, Row, Rows};

/// A row: serde JSON is its stored form.
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What rows are found and sorted by.
    type Key: Ord + Clone + Send + Sync + 'static;
    /// The table's name in the journal; unique among the tables of one journal.
    const TABLE: &'static str;
    /// The row's key: must follow from the row alone.
    fn key(&self) -> Self::Key;
    /// The stored form of the key; must be unique, need not sort.
    fn key_text(key: &Self::Key) -> String;
}

/// A row cannot be written as JSON, or a stored row is not what the table expects.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The record's `Serialize` refused it.
    #[error("row {key:?} of table {table} cannot be written as JSON")]
    Encode {
        table: &'static str,
        key: String,
        source: serde_json::Error,
    },
    /// The stored JSON does not have the record's form.
    #[error("stored row {key:?} of table {table} cannot be read")]
    Decode {
        table: &'static str,
        key: String,
        source: serde_json::Error,
    },
    /// The row says it has another key than the one it is stored under.
    #[error("stored row {key:?} of table {table} says that its key is {found:?}")]
    Misfiled {
        table: &'static str,
        key: String,
        found: String,
    },
}

/// A persistent map of records; a clone shares what did not change, and costs
/// next to nothing right after [`Changes::drain`]. Every change is remembered until
/// then: it can be undone, and restoring an earlier clone takes it back, too.
pub struct Table<R: Record> {
    rows: OrdMap<R::Key, Numbered<R>>,
    changes: Vec<Replaced<R>>,
    numbers: Numbers,
}

/// What is remembered of changes, whatever the rows are.
pub trait Changes {
    /// How many changes were not drained yet: a point to go back to with [`Changes::undo`].
    fn changes(&self) -> usize;

    /// Takes back all changes but the first `kept` that were not drained.
    fn undo(&mut self, kept: usize);

    /// Moves the changes since the last drain to the end of `into`, one per row
    /// however often it changed. On an error nothing moves.
    fn drain(&mut self, into: &mut Vec<Change>) -> Result<(), StoreError>;
}

/// A row and what it is found by on disk.
struct Numbered<R> {
    number: i64,
    row: Arc<R>,
}

/// A key that changed, and the row it had before.
struct Replaced<R: Record> {
    key: R::Key,
    before: Option<Numbered<R>>,
}

impl<R> Clone for Numbered<R> {
    fn clone(&self) -> Self {
        Self {
            number: self.number,
            row: Arc::clone(&self.row),
        }
    }
}

impl<R: Record> Clone for Replaced<R> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            before: self.before.clone(),
        }
    }
}

impl<R: Record> Clone for Table<R> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            changes: self.changes.clone(),
            numbers: self.numbers.clone(),
        }
    }
}

impl<R: Record> Default for Table<R> {
    fn default() -> Self {
        Self {
            rows: OrdMap::new(),
            changes: Vec::new(),
            numbers: Numbers::default(),
        }
    }
}

impl<R: Record> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Table({}, {} rows, {} changes)",
            R::TABLE,
            self.len(),
            self.changes.len()
        )
    }
}

impl<R: Record> Table<R> {
    /// Without rows and without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The row with this key.
    pub fn get(&self, key: &R::Key) -> Option<&Arc<R>> {
        self.rows.get(key).map(|found| &found.row)
    }

    /// Whether there is a row with this key.
    pub fn contains(&self, key: &R::Key) -> bool {
        self.rows.contains_key(key)
    }

    /// Inserts the row, or replaces the one with the same key.
    pub fn put(&mut self, record: R) -> Arc<R> {
        let key = record.key();
        let row = Arc::new(record);
        let number = match self.rows.get(&key) {
            Some(before) => before.number,
            None => self.numbers.next(),
        };
        let row_put = Numbered {
            number,
            row: Arc::clone(&row),
        };
        let before = self.rows.insert(key.clone(), row_put);
        self.changes.push(Replaced { key, before });
        row
    }

    /// Takes the row out; a key without a row changes nothing.
    pub fn remove(&mut self, key: &R::Key) -> Option<Arc<R>> {
        let before = self.rows.remove(key)?;
        let row = Arc::clone(&before.row);
        self.changes.push(Replaced {
            key: key.clone(),
            before: Some(before),
        });
        Some(row)
    }

    /// All rows in key order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<R>> + ExactSizeIterator {
        self.rows.values().map(|found| &found.row)
    }

    /// The rows whose keys lie in `range`, in key order; none if its ends are reversed.
    pub fn range(
        &self,
        range: impl RangeBounds<R::Key>,
    ) -> impl DoubleEndedIterator<Item = &Arc<R>> {
        let rows = (!is_reversed(&range)).then(|| self.rows.range(range));
        rows.into_iter().flatten().map(|(_, found)| &found.row)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A key that was removed and put again has a new number, so its old row must go.
    fn change(&self, replaced: &Replaced<R>, into: &mut Vec<Change>) -> Result<(), StoreError> {
        let key = &replaced.key;
        let now = self.rows.get(key);
        let change = |number, value| Change {
            table: R::TABLE,
            number,
            key: R::key_text(key),
            value,
        };
        if let Some(before) = &replaced.before
            && now.is_none_or(|now| now.number != before.number)
        {
            into.push(change(before.number, None));
        }
        if let Some(now) = now {
            let value = serde_json::to_vec(&*now.row).map_err(|source| StoreError::Encode {
                table: R::TABLE,
                key: R::key_text(key),
                source,
            })?;
            into.push(change(now.number, Some(value)));
        }
        Ok(())
    }

    /// Takes the rows of [`Record::TABLE`] out of `rows`; the table starts without changes.
    pub fn load(rows: &mut Rows) -> Result<Self, StoreError> {
        let stored = rows.take(R::TABLE);
        let numbers = rows.numbers();
        let rows = stored
            .into_iter()
            .map(Self::decode)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rows,
            changes: Vec::new(),
            numbers,
        })
    }

    fn decode(stored: Row) -> Result<(R::Key, Numbered<R>), StoreError> {
        let record: R = match serde_json::from_slice(&stored.value) {
            Ok(record) => record,
            Err(source) => {
                return Err(StoreError::Decode {
                    table: R::TABLE,
                    key: stored.key,
                    source,
                });
            }
        };
        let key = record.key();
        let found = R::key_text(&key);
        if found != stored.key {
            return Err(StoreError::Misfiled {
                table: R::TABLE,
                key: stored.key,
                found,
            });
        }
        let row = Numbered {
            number: stored.number,
            row: Arc::new(record),
        };
        Ok((key, row))
    }
}

impl<R: Record> Changes for Table<R> {
    fn changes(&self) -> usize {
        self.changes.len()
    }

    fn undo(&mut self, kept: usize) {
        while self.changes.len() > kept
            && let Some(Replaced { key, before }) = self.changes.pop()
        {
            match before {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }

    fn drain(&mut self, into: &mut Vec<Change>) -> Result<(), StoreError> {
        let start = into.len();
        let mut changes: Vec<&Replaced<R>> = self.changes.iter().collect();
        // Stable, so the first of each key tells what was there at the last drain.
        changes.sort_by(|one, other| one.key.cmp(&other.key));
        changes.dedup_by(|one, other| one.key == other.key);
        for replaced in changes {
            if let Err(error) = self.change(replaced, into) {
                into.truncate(start);
                return Err(error);
            }
        }
        self.changes.clear();
        Ok(())
    }
}

fn is_reversed<K: Ord>(range: &impl RangeBounds<K>) -> bool {
    use Bound::{Excluded, Included, Unbounded};
    match (range.start_bound(), range.end_bound()) {
        (Unbounded, _) | (_, Unbounded) => false,
        (Excluded(start), Excluded(end)) => start >= end,
        (Included(start) | Excluded(start), Included(end) | Excluded(end)) => start > end,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Berth {
        number: u8,
        ships: BTreeMap<String, u8>,
    }

    impl Record for Berth {
        type Key = u8;
        const TABLE: &'static str = "berth";
        fn key(&self) -> u8 {
            self.number
        }
        fn key_text(key: &u8) -> String {
            key.to_string()
        }
    }

    fn berth(number: u8) -> Berth {
        Berth {
            number,
            ships: BTreeMap::new(),
        }
    }

    fn three() -> Table<Berth> {
        let mut table = Table::new();
        for number in [7, 3, 5] {
            table.put(berth(number));
        }
        table
    }

    #[track_caller]
    fn check_range(range: impl RangeBounds<u8>, expected: &[u8]) {
        let table = three();
        let found: Vec<u8> = table.range(range).map(|row| row.number).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn ranges_follow_key_order_and_reversed_ones_are_empty() {
        check_range(.., &[3, 5, 7]);
        check_range(3..7, &[3, 5]);
        check_range(4..=7, &[5, 7]);
        check_range((Bound::Excluded(3), Bound::Unbounded), &[5, 7]);
        check_range((Bound::Excluded(3), Bound::Excluded(3)), &[]);
        #[expect(clippy::reversed_empty_ranges, reason = "the case under test")]
        check_range(7..3, &[]);
        let table = three();
        assert_eq!(table.iter().next_back().map(|row| row.number), Some(7));
        assert_eq!(table.range(..6).next_back().map(|row| row.number), Some(5));
    }

    #[test]
    fn a_key_that_changed_often_drains_once() {
        let mut table = three();
        table.put(berth(9));
        table.remove(&9);
        let mut changes = Vec::new();
        table.drain(&mut changes).unwrap();
        assert_eq!(changes.len(), 3, "what came and went was never there");
        changes.clear();
        table.put(berth(3));
        table.put(berth(3));
        table.remove(&5);
        table.remove(&99);
        table.remove(&7);
        table.put(berth(7));
        table.drain(&mut changes).unwrap();
        let drained: Vec<_> = changes
            .iter()
            .map(|c| (c.key.as_str(), c.value.is_some()))
            .collect();
        let again = [("7", false), ("7", true)];
        assert_eq!(drained, [[("3", true), ("5", false)], again].concat());
        assert_ne!(changes[2].number, changes[3].number);
        assert_eq!(table.changes(), 0);
        table.drain(&mut changes).unwrap();
        assert_eq!(changes.len(), 4);
    }

    #[test]
    fn restoring_a_clone_takes_back_rows_and_changes() {
        let mut table = three();
        table.drain(&mut Vec::new()).unwrap();
        let before = table.clone();
        table.put(berth(9));
        table.remove(&3);
        assert_eq!(table.changes(), 2);
        table = before;
        assert_eq!(table.changes(), 0);
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn changes_are_undone_down_to_a_point() {
        let mut table = three();
        table.remove(&3);
        let point = table.changes();
        table.put(berth(3));
        table.put(berth(9));
        table.remove(&5);
        table.put(berth(5));
        table.undo(point);
        assert_eq!(
            table.iter().map(|row| row.number).collect::<Vec<_>>(),
            [5, 7]
        );
        table.undo(0);
        assert!(table.is_empty());
        assert_eq!(table.changes(), 0);
    }

    #[track_caller]
    fn check_refused(key: &str, json: &str, expected: &str) {
        let mut rows = Rows::default();
        let row = Row {
            number: 1,
            key: key.to_owned(),
            value: json.as_bytes().to_vec(),
        };
        rows.insert("berth", row);
        let error = Table::<Berth>::load(&mut rows).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn stored_rows_that_do_not_fit_are_named() {
        check_refused("1", "{", r#"stored row "1" of table berth cannot be read"#);
        check_refused(
            "2",
            r#"{"number":1,"ships":{}}"#,
            r#"stored row "2" of table berth says that its key is "1""#,
        );
    }
}

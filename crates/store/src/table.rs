//! One table: typed rows in a persistent map, and which of them changed.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::journal::{Change, Rows};

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

/// A persistent map of records; a clone is O(1) and shares what did not change.
/// Every change is remembered until [`Table::drain`] takes it, so restoring an
/// earlier clone takes back both the rows and the memory of their changes.
pub struct Table<R: Record> {
    rows: OrdMap<R::Key, Arc<R>>,
    changed: OrdSet<R::Key>,
}

impl<R: Record> Clone for Table<R> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            changed: self.changed.clone(),
        }
    }
}

impl<R: Record> Default for Table<R> {
    fn default() -> Self {
        Self {
            rows: OrdMap::new(),
            changed: OrdSet::new(),
        }
    }
}

impl<R: Record> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Table({}, {} rows, {} changed)",
            R::TABLE,
            self.len(),
            self.changed.len()
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
        self.rows.get(key)
    }

    /// Whether there is a row with this key.
    pub fn contains(&self, key: &R::Key) -> bool {
        self.rows.contains_key(key)
    }

    /// Inserts the row, or replaces the one with the same key.
    pub fn put(&mut self, record: R) -> Arc<R> {
        let key = record.key();
        let row = Arc::new(record);
        self.changed.insert(key.clone());
        self.rows.insert(key, Arc::clone(&row));
        row
    }

    /// Takes the row out; a key without a row changes nothing.
    pub fn remove(&mut self, key: &R::Key) -> Option<Arc<R>> {
        let row = self.rows.remove(key)?;
        self.changed.insert(key.clone());
        Some(row)
    }

    /// All rows in key order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<R>> + ExactSizeIterator {
        self.rows.values()
    }

    /// The rows whose keys lie in `range`, in key order; none if its ends are reversed.
    pub fn range(
        &self,
        range: impl RangeBounds<R::Key>,
    ) -> impl DoubleEndedIterator<Item = &Arc<R>> {
        let rows = (!is_reversed(&range)).then(|| self.rows.range(range));
        rows.into_iter().flatten().map(|(_, row)| row)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether [`Table::drain`] would give anything.
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Moves the changes since the last drain to the end of `into`, one per key
    /// however often it changed. On an error nothing moves.
    pub fn drain(&mut self, into: &mut Vec<Change>) -> Result<(), StoreError> {
        let start = into.len();
        for key in &self.changed {
            match self.change(key) {
                Ok(change) => into.push(change),
                Err(error) => {
                    into.truncate(start);
                    return Err(error);
                }
            }
        }
        self.changed = OrdSet::new();
        Ok(())
    }

    fn change(&self, key: &R::Key) -> Result<Change, StoreError> {
        let text = R::key_text(key);
        let value = match self
            .rows
            .get(key)
            .map(|row| serde_json::to_vec(row.as_ref()))
        {
            None => None,
            Some(Ok(bytes)) => Some(bytes),
            Some(Err(source)) => {
                return Err(StoreError::Encode {
                    table: R::TABLE,
                    key: text,
                    source,
                });
            }
        };
        Ok(Change {
            table: R::TABLE,
            key: text,
            value,
        })
    }

    /// Takes the rows of [`Record::TABLE`] out of `rows`; the table starts without changes.
    pub fn load(rows: &mut Rows) -> Result<Self, StoreError> {
        let stored = rows.take(R::TABLE);
        let rows = stored
            .into_iter()
            .map(Self::decode)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rows,
            changed: OrdSet::new(),
        })
    }

    fn decode((text, value): (String, Vec<u8>)) -> Result<(R::Key, Arc<R>), StoreError> {
        let record: R = match serde_json::from_slice(&value) {
            Ok(record) => record,
            Err(source) => {
                return Err(StoreError::Decode {
                    table: R::TABLE,
                    key: text,
                    source,
                });
            }
        };
        let key = record.key();
        let found = R::key_text(&key);
        if found == text {
            Ok((key, Arc::new(record)))
        } else {
            Err(StoreError::Misfiled {
                table: R::TABLE,
                key: text,
                found,
            })
        }
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
        table.put(berth(3));
        table.remove(&5);
        table.remove(&99);
        let mut changes = Vec::new();
        table.drain(&mut changes).unwrap();
        let drained: Vec<_> = changes
            .iter()
            .map(|c| (c.key.as_str(), c.value.is_some()))
            .collect();
        assert_eq!(drained, [("3", true), ("5", false), ("7", true)]);
        assert!(!table.is_changed());
        table.drain(&mut changes).unwrap();
        assert_eq!(changes.len(), 3);
    }

    #[test]
    fn restoring_a_clone_takes_back_rows_and_changes() {
        let mut table = three();
        table.drain(&mut Vec::new()).unwrap();
        let before = table.clone();
        table.put(berth(9));
        table.remove(&3);
        assert!(table.is_changed());
        table = before;
        assert!(!table.is_changed());
        assert_eq!(table.len(), 3);
    }

    #[track_caller]
    fn check_refused(key: &str, json: &str, expected: &str) {
        let mut rows = Rows::default();
        rows.insert("berth", key.to_owned(), json.as_bytes().to_vec());
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

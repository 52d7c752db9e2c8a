//! Durable typed tables. A [`Table`] is a persistent map in memory that
//! remembers what changed; a [`Journal`] makes a batch of changes durable and
//! gives all rows back at start. Knows nothing of what the rows mean.
//!
//! Synchronous throughout: whoever owns the tables decides when to commit, and
//! commits one batch for many changes, because a commit costs one sync.

pub mod journal;
mod lock;
mod table;

pub use journal::{Change, Journal, JournalError, Row, Rows};
pub use lock::{DataDirLock, LockError};
pub use table::{Changes, Record, StoreError, Table};

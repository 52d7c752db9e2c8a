//! The log store: each stream is a file, appended by the process that watches a
//! container and read by the API under the operations of CloudWatch Logs.
//!
//! A file holds one event per line, `{"t":MILLISECONDS,"m":"MESSAGE"}`, in the
//! order of arrival and of time (a [`Writer`] never lets time go back), so that
//! a byte offset is a position and a moment is found by bisection. Writers and
//! readers share nothing but the file: a reader ignores a line without its end.
//!
//! Synchronous and without a clock: a writer is told the time of its events.

mod bisect;
mod describe;
mod error;
mod filter;
mod get;
mod line;
mod listing;
mod name;
mod pattern;
mod store;
mod stream;
mod writer;

pub use error::LogsError;
pub use name::{GroupName, StreamName};
pub use store::Store;
pub use writer::{MESSAGE_BYTES_MAX, Writer};

//! Placement through the public functions, written as rows of text.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod laws;
mod notation;
mod table;
mod vectors;

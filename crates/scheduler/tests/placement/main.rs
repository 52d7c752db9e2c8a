//! Placement through the public functions, written as rows of text.

mod laws;
mod notation;
mod table;
mod vectors;

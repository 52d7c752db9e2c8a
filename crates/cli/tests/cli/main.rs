//! The commands against a scripted server on loopback: what they send, print and return.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod explain;
mod look;
mod one_off;
mod run;
mod server;
mod session;
mod trouble;

//! The server as its clients see it: over loopback, with a gateway that only looks.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod authentication;
mod botocore;
mod bounds;
mod client;
mod connections;
mod faults;
mod protocol;
mod server;

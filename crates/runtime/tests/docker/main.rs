//! The docker driver against an engine of its own. Needs root, and Debian's docker.io.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

mod adoption;
mod conformance;
mod connection;
mod daemon;
mod engine;
mod images;
mod network;
mod testbed;
mod tls;
mod volumes;

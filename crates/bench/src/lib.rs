//! What the programs of `cargo xtask bench` share. They talk to a server as any
//! caller does, over HTTP, and know none of its crates: a peer can be measured
//! with the same programs.

pub mod answer;
pub mod clock;
pub mod connection;
pub mod figures;
pub mod signing;

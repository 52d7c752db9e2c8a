//! What the programs of `cargo xtask bench` and `cargo xtask crashes` share. They talk to a
//! server as any caller does, over HTTP, and know none of its crates: a peer can be measured
//! with the same programs.

pub mod answer;
pub mod clock;
pub mod connection;
pub mod durability;
pub mod figures;
pub mod interrupt;
pub mod signing;

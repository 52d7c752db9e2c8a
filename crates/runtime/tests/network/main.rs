//! The network of the native driver, against the real kernel. Each test has a network and
//! a mount namespace of its own, so that the host's links, rules and mounts stay untouched
//! and everything is gone with the test. Without root they say so and do nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(
    clippy::print_stdout,
    reason = "says what was skipped and how long calls take"
)]

mod firewall;
mod life;
mod modes;
mod ports;
mod testbed;

//! The clock of the measuring programs.

use std::time::{Instant, SystemTime};

/// A moment to measure from.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring is what these programs are for"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// The date that requests are signed with.
#[expect(
    clippy::disallowed_methods,
    reason = "a signature carries the real date"
)]
pub fn date() -> SystemTime {
    SystemTime::now()
}

//! What time it is, for signatures, deadlines and measurements.

use std::fmt;
use std::time::SystemTime;

use aws_smithy_async::time::TimeSource;

/// A clock of the caller's own, for tests and replays.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// The runtime's view of a clock.
#[derive(Debug)]
pub(crate) struct Source<C>(pub(crate) C);

impl<C: Clock> TimeSource for Source<C> {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

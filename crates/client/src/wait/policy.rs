//! How often is asked, and for how long.

use std::time::Duration;

use crate::backoff::{Backoff, Jitter};

/// How often is asked, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitPolicy {
    /// The waits between polls.
    pub backoff: Backoff,
    /// How long a task may be unknown at the start (reads lag behind writes).
    pub missing_grace: Duration,
    /// Limit of the whole wait; `None` waits for ever. Near the limit the last wait is
    /// shortened, so that one more poll fits.
    pub max_wait: Option<Duration>,
}

impl WaitPolicy {
    const fn of(backoff: Backoff) -> Self {
        Self {
            backoff,
            missing_grace: Duration::from_secs(60),
            max_wait: None,
        }
    }

    /// For one job on AWS: 2 s to 15 s with jitter, so that its end is noticed soon
    /// however long it runs.
    pub const fn run_to_completion() -> Self {
        Self::of(Backoff {
            first: Duration::from_secs(2),
            max: Duration::from_secs(15),
            jitter: Jitter::Uniform,
        })
    }

    /// For a server on this machine: 50 ms to 1 s.
    pub const fn local() -> Self {
        Self::of(Backoff {
            first: Duration::from_millis(50),
            max: Duration::from_secs(1),
            jitter: Jitter::None,
        })
    }

    /// As the waiters of the SDKs: [`Backoff::sdk`].
    pub const fn sdk() -> Self {
        Self::of(Backoff::sdk())
    }

    /// As the documentation of ECS advises: [`Backoff::documented`].
    pub const fn documented() -> Self {
        Self::of(Backoff::documented())
    }

    /// Limits the whole wait.
    #[must_use]
    pub const fn with_max_wait(mut self, limit: Duration) -> Self {
        self.max_wait = Some(limit);
        self
    }
}

//! The one clock of the benchmark: time spent on the CPU where the system tells it, so
//! that a busy machine does not count against a program of one thread.

use std::fs;
use std::time::{Duration, Instant};

pub(crate) struct Stopwatch {
    started: Instant,
    on_cpu: Option<Duration>,
}

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    pub(crate) fn start() -> Self {
        Self {
            on_cpu: on_cpu(),
            started: Instant::now(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match (self.on_cpu, on_cpu()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.started.elapsed(),
        }
    }

    /// What a person would measure, with a resolution for short spans.
    pub(crate) fn on_the_wall(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Nanoseconds that this thread has run, from Linux.
fn on_cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

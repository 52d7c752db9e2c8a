//! Tokio's paused time as the clock: it jumps when everyone waits.

use async_trait::async_trait;
use model::Timestamp;
use runtime::Clock;
use tokio::time::{Duration, Instant};

pub(crate) struct PausedClock {
    start: Instant,
}

impl PausedClock {
    /// Shows zero now.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let passed = Instant::now().duration_since(self.start);
        Timestamp::from_millis(i64::try_from(passed.as_millis()).unwrap())
    }

    async fn sleep_until(&self, moment: Timestamp) {
        let after = Duration::from_millis(u64::try_from(moment.millis()).unwrap_or(0));
        tokio::time::sleep_until(self.start + after).await;
    }
}

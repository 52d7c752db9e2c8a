//! The clock that a test moves.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::Timestamp;
use runtime::Clock;
use tokio::sync::watch;

/// 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Stands still at 2026-01-01T00:00:00Z until it is moved. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<watch::Sender<Timestamp>>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(START)))
    }

    pub fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    /// Moves it; whoever waits for a moment up to there goes on. What they do then takes its
    /// (real) time: wait for what you expect to see.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.send_modify(|now| *now = now.plus_millis(millis));
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        TestClock::now(self)
    }

    async fn sleep_until(&self, moment: Timestamp) {
        // The sender lives as long as this clock.
        let _ = self.0.subscribe().wait_for(|now| *now >= moment).await;
    }
}

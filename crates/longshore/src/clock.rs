//! The one clock of the program, and what stands in for it where a test moves the time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use model::Timestamp;
use runtime::Clock;

/// The system's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one clock; everything else is told the time"
    )]
    pub(crate) fn now(self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl api::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemClock::now(*self)
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemClock::now(*self)
    }

    async fn sleep_until(&self, moment: Timestamp) {
        // Asked again after each wait, because the wall clock may have been set back meanwhile.
        loop {
            let left = moment.millis_since(SystemClock::now(*self));
            match u64::try_from(left) {
                Ok(left) if left > 0 => tokio::time::sleep(Duration::from_millis(left)).await,
                _ => return,
            }
        }
    }
}

/// The clock that a server's state, tasks and hosts live by. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ServerClock(Arc<dyn Clock>);

impl ServerClock {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }

    pub(crate) fn system() -> Self {
        Self(Arc::new(SystemClock))
    }
}

#[async_trait]
impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep_until(&self, moment: Timestamp) {
        self.0.sleep_until(moment).await;
    }
}

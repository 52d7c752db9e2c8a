//! The one clock of the program.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use model::Timestamp;

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
impl runtime::Clock for SystemClock {
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

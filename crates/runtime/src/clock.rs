//! The clock of everything on a host that waits. The program has one; tests bring their own.

use async_trait::async_trait;
use model::Timestamp;

#[async_trait]
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// Returns when [`Clock::now`] has reached the moment; at once if it has passed.
    async fn sleep_until(&self, moment: Timestamp);
}

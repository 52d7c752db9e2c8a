//! Forgets what is due, now and then, in portions that let calls in between.

use control::operation::Answer;
use control::{Cx, OpError, Settings, capacity, retention};
use runtime::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::ServerClock;
use crate::server::root;
use crate::writer::Writer;

const EVERY_MILLIS: i64 = 20_000;

/// Until it is aborted.
pub(crate) async fn sweep(writer: Writer, settings: Arc<Settings>, clock: ServerClock) {
    loop {
        let done = until_clean(|| portion(&writer, &settings)).await;
        if let Err(error) = done {
            tracing::error!(%error, "the sweep failed");
        }
        clock
            .sleep_until(clock.now().plus_millis(EVERY_MILLIS))
            .await;
    }
}

/// As long as there may be more.
async fn until_clean<F>(mut portion: impl FnMut() -> F) -> Result<(), OpError>
where
    F: Future<Output = Result<bool, OpError>>,
{
    while portion().await? {}
    Ok(())
}

/// True if there may be more.
async fn portion(writer: &Writer, settings: &Settings) -> Result<bool, OpError> {
    let is_more = Arc::new(AtomicBool::new(false));
    let told = is_more.clone();
    let call = Box::new(move |cx: &mut Cx<'_>| {
        capacity::expire(cx);
        told.store(retention::sweep(cx), Ordering::Relaxed);
        Ok(Box::new(()) as Answer)
    });
    writer.run(root(settings), call).await?;
    Ok(is_more.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One portion every twenty seconds was less than a busy server has to forget.
    #[tokio::test]
    async fn a_sweep_goes_on_while_there_is_more() {
        let mut left = 3;
        let done = until_clean(|| {
            left -= 1;
            let is_more = left > 0;
            async move { Ok(is_more) }
        });
        assert_eq!(done.await, Ok(()));
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn a_failed_portion_ends_the_sweep() {
        let failed = || async { Err(OpError::internal("disk")) };
        assert!(until_clean(failed).await.is_err());
    }
}

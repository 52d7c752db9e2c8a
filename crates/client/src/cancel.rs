//! Ending calls early, from anywhere.

use std::future::Future;

use tokio_util::sync::CancellationToken;

/// Ends every call that was given a clone of it, at once, also during the wait before
/// another attempt; they fail with [`ErrorKind::Canceled`](crate::ErrorKind::Canceled).
/// A call that is given a token already canceled sends nothing.
///
/// A request that was on its way may still be served. Dropping a call's future does the
/// same without an error to look at.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(CancellationToken);

impl CancelToken {
    /// A token that cancels nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the calls that carry this token, those that come later too.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_canceled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the token is canceled.
    pub async fn canceled(&self) {
        self.0.cancelled().await;
    }

    /// The outcome of some work, or `None` when it was canceled before it was done.
    pub(crate) async fn guard<T>(token: Option<&Self>, work: impl Future<Output = T>) -> Option<T> {
        match token {
            Some(token) => token.0.run_until_cancelled(work).await,
            None => Some(work.await),
        }
    }
}

//! The waits between the polls of one wait, up to its limit.

use std::time::Duration;

use aws_smithy_async::future::timeout::Timeout as Limited;
use aws_smithy_async::rt::sleep::Sleep;

use super::policy::WaitPolicy;
use crate::backoff::Backoff;
use crate::client::Client;

/// Counts polls and waits between them.
pub(crate) struct Rounds<'a> {
    client: &'a Client,
    backoff: Backoff,
    /// The number of the poll that is to come or going on, from 1.
    pub(crate) number: u32,
    /// How long was waited so far, without the polls.
    pub(crate) waited: Duration,
    last_call: Option<LastCall>,
}

/// The moment after which only one more poll fits.
enum LastCall {
    At(Sleep),
    Was,
}

impl<'a> Rounds<'a> {
    /// Begins with the first poll.
    pub(crate) fn new(client: &'a Client, policy: &WaitPolicy) -> Self {
        let limit = policy.max_wait;
        let last_call = limit.map(|limit| limit.saturating_sub(policy.backoff.first));
        Self {
            client,
            backoff: policy.backoff,
            number: 1,
            waited: Duration::ZERO,
            last_call: last_call.map(|at| LastCall::At(client.sleep(at))),
        }
    }

    /// Waits for the next poll; false if there is to be none.
    pub(crate) async fn pause(&mut self) -> bool {
        let delay = self.backoff.next_delay(self.number);
        let pause = self.client.sleep(delay);
        match &mut self.last_call {
            None => pause.await,
            Some(LastCall::Was) => return false,
            Some(LastCall::At(moment)) => {
                if Limited::new(pause, moment).await.is_err() {
                    self.last_call = Some(LastCall::Was);
                }
            }
        }
        self.waited = self.waited.saturating_add(delay);
        self.number = self.number.saturating_add(1);
        true
    }
}

/// The outcome of some work, or `None` when the limit came first.
pub(crate) async fn within<T>(
    client: &Client,
    limit: Option<Duration>,
    work: impl Future<Output = T>,
) -> Option<T> {
    match limit {
        None => Some(work.await),
        Some(limit) => Limited::new(Box::pin(work), client.sleep(limit)).await.ok(),
    }
}

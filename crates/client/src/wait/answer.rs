//! Waiting until an answer shows something.

use std::time::Duration;

use model::operations::Operation;

use super::policy::WaitPolicy;
use super::rounds::{Rounds, within};
use crate::client::Client;
use crate::error::Error;

/// What a judge says of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It shows what is waited for.
    Done,
    /// Not yet.
    GoOn,
    /// It will never; why.
    Failed(String),
}

impl Verdict {
    /// Done, or not yet.
    pub fn done_if(is_done: bool) -> Self {
        if is_done { Self::Done } else { Self::GoOn }
    }
}

/// Why a wait ended without what it waited for. `last` is the newest answer there was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitFailed<T> {
    /// A poll failed for good.
    #[error("{error}")]
    Call { error: Box<Error>, last: Option<T> },
    /// The judge gave up.
    #[error("{why}")]
    Verdict { why: String, last: T },
    /// The limit of the policy ran out.
    #[error("not there after {} s", limit.as_secs_f64())]
    TimedOut { limit: Duration, last: Option<T> },
}

impl Client {
    /// Repeats a call until a judge finds in its answer what is waited for, and returns
    /// that answer. [`judges`](crate::judges) has those of the model; tasks have a wait
    /// of their own, [`Client::wait_for`]. A poll that fails for a passing reason does
    /// not end the wait. The policy's grace for what is missing does not count here.
    ///
    /// ```no_run
    /// # async fn example(client: &longshore_client::Client)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use longshore_client::{WaitPolicy, judges};
    /// use model::operations::DescribeServices;
    ///
    /// let input = client.request::<DescribeServices>().services(["web"]).into_input();
    /// let judge = judges::services_stable;
    /// client.wait_until::<DescribeServices>(&input, WaitPolicy::sdk(), judge).await?;
    /// # Ok(()) }
    /// ```
    pub async fn wait_until<O: Operation>(
        &self,
        input: &O::Input,
        policy: WaitPolicy,
        judge: impl Fn(&O::Output) -> Verdict,
    ) -> Result<O::Output, WaitFailed<O::Output>> {
        let mut last = None;
        let polling = self.poll_until::<O>(input, &policy, judge, &mut last);
        let ended = within(self, policy.max_wait, polling).await;
        match (ended.unwrap_or(Ended::TimedOut), last) {
            (Ended::Done, Some(last)) => Ok(last),
            (Ended::Failed(why), Some(last)) => Err(WaitFailed::Verdict { why, last }),
            (Ended::Call(error), last) => Err(WaitFailed::Call { error, last }),
            (_, last) => Err(WaitFailed::TimedOut {
                limit: policy.max_wait.unwrap_or_default(),
                last,
            }),
        }
    }

    async fn poll_until<O: Operation>(
        &self,
        input: &O::Input,
        policy: &WaitPolicy,
        judge: impl Fn(&O::Output) -> Verdict,
        last: &mut Option<O::Output>,
    ) -> Ended {
        let mut rounds = Rounds::new(self, policy);
        loop {
            match self.call::<O>(input).await {
                Ok(answer) => match judge(last.insert(answer.into_output())) {
                    Verdict::Done => return Ended::Done,
                    Verdict::Failed(why) => return Ended::Failed(why),
                    Verdict::GoOn => {}
                },
                Err(error) if error.is_retryable() => {}
                Err(error) => return Ended::Call(Box::new(error)),
            }
            if !rounds.pause().await {
                return Ended::TimedOut;
            }
        }
    }
}

enum Ended {
    Done,
    Failed(String),
    Call(Box<Error>),
    TimedOut,
}

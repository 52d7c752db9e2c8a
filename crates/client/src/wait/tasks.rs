//! Waiting for tasks: to run, or to stop.
//!
//! Different from the waiters of the SDKs in what bites callers there: tasks are
//! followed by ARN and not by list, a task that is `MISSING` right after `RunTask` is
//! waited for, a task that ran so briefly that nobody saw it run counts as having run,
//! more than 100 tasks are asked for in several calls, a poll that fails for a passing
//! reason does not end the wait, and every poll can be watched.

use std::collections::BTreeMap;
use std::time::Duration;

use model::shapes::Task;

use super::look::Look;
use super::policy::WaitPolicy;
use super::rounds::{Rounds, within};
use crate::client::Client;
use crate::error::Error;
use crate::options::CallOptions;

/// What one poll saw.
#[derive(Debug)]
#[non_exhaustive]
pub struct Poll<'a> {
    /// Counted from 1.
    pub number: u32,
    /// The newest state of every task that was ever seen, by ARN or id as asked for.
    pub tasks: &'a BTreeMap<String, Task>,
    /// Tasks that the service does not know.
    pub missing: &'a [String],
    /// Why the poll failed, when it failed for a passing reason.
    pub error: Option<&'a Error>,
}

/// The last poll of a wait that failed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LastPoll {
    /// How many polls there were.
    pub number: u32,
    /// The last state of every task that was ever seen.
    pub tasks: Vec<Task>,
    /// Tasks that the service did not know, as they were asked for.
    pub missing: Vec<String>,
}

/// Why a wait ended without what it waited for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// A poll failed for good.
    #[error("{error}")]
    Call { error: Box<Error>, last: LastPoll },
    /// Tasks that the service does not know, or no longer.
    #[error("not known to the service: {}", last.missing.join(", "))]
    Missing { last: LastPoll },
    /// The limit of the policy ran out.
    #[error("not there after {} s", limit.as_secs_f64())]
    TimedOut { limit: Duration, last: LastPoll },
}

impl WaitError {
    /// What the last poll saw.
    pub fn last(&self) -> &LastPoll {
        match self {
            Self::Call { last, .. } | Self::Missing { last } | Self::TimedOut { last, .. } => last,
        }
    }
}

/// A wait that is being set up; see [`Client::wait_for`].
#[must_use]
pub struct TaskWait<'a> {
    client: &'a Client,
    look: Look,
    number: u32,
    policy: WaitPolicy,
    watch: Box<dyn FnMut(&Poll<'_>) + Send + 'a>,
}

/// What the wait is for.
#[derive(Clone, Copy)]
enum Goal {
    Running,
    Stopped,
}

impl Goal {
    fn is_met_by(self, task: &Task) -> bool {
        match (self, task.last_status.as_deref()) {
            (_, Some("STOPPED")) => true,
            // What comes after RUNNING has run.
            (Self::Running, Some("RUNNING" | "DEACTIVATING" | "STOPPING" | "DEPROVISIONING")) => {
                true
            }
            _ => false,
        }
    }
}

impl Client {
    /// Prepares to wait for tasks of a cluster (`None`: `default`), by ARN or id. The
    /// policy is [`WaitPolicy::local`] when the endpoint is on this machine, else
    /// [`WaitPolicy::run_to_completion`].
    pub fn wait_for(
        &self,
        cluster: Option<&str>,
        tasks: impl IntoIterator<Item = impl Into<String>>,
    ) -> TaskWait<'_> {
        let names = tasks.into_iter().map(Into::into).collect();
        TaskWait {
            client: self,
            look: Look::new(cluster.map(str::to_owned), names),
            number: 0,
            policy: self.wait_policy(),
            watch: Box::new(|_| {}),
        }
    }

    /// Often where asking is cheap.
    pub(crate) fn wait_policy(&self) -> WaitPolicy {
        if self.config().ecs_endpoint.is_local() {
            WaitPolicy::local()
        } else {
            WaitPolicy::run_to_completion()
        }
    }
}

impl<'a> TaskWait<'a> {
    /// How often and how long.
    pub fn policy(mut self, policy: WaitPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Shows every poll to a function.
    pub fn watch(mut self, watch: impl FnMut(&Poll<'_>) + Send + 'a) -> Self {
        self.watch = Box::new(watch);
        self
    }

    /// Waits until every task runs, or has run: look whether one is `STOPPED` already.
    pub async fn tasks_running(self) -> Result<Vec<Task>, WaitError> {
        self.until(Goal::Running).await
    }

    /// Waits until every task is `STOPPED`.
    pub async fn tasks_stopped(self) -> Result<Vec<Task>, WaitError> {
        self.until(Goal::Stopped).await
    }

    async fn until(mut self, goal: Goal) -> Result<Vec<Task>, WaitError> {
        let (client, limit) = (self.client, self.policy.max_wait);
        let ended = within(client, limit, self.poll_until(goal)).await;
        let last = LastPoll {
            number: self.number,
            tasks: self.look.seen.into_values().collect(),
            missing: self.look.missing,
        };
        match ended.unwrap_or(Ended::TimedOut) {
            Ended::Met => Ok(last.tasks),
            Ended::Call(error) => Err(WaitError::Call { error, last }),
            Ended::Missing => Err(WaitError::Missing { last }),
            Ended::TimedOut => Err(WaitError::TimedOut {
                limit: limit.unwrap_or_default(),
                last,
            }),
        }
    }

    async fn poll_until(&mut self, goal: Goal) -> Ended {
        let mut rounds = Rounds::new(self.client, &self.policy);
        loop {
            self.number = rounds.number;
            let polled = self.look.poll(self.client, &CallOptions::default()).await;
            (self.watch)(&Poll {
                number: rounds.number,
                tasks: &self.look.seen,
                missing: &self.look.missing,
                error: polled.as_ref().err(),
            });
            match polled {
                Err(error) if !error.is_retryable() => return Ended::Call(Box::new(error)),
                Err(_) => {}
                Ok(()) if self.is_met(goal) => return Ended::Met,
                Ok(()) if self.is_hopeless(rounds.waited) => return Ended::Missing,
                Ok(()) => {}
            }
            if !rounds.pause().await {
                return Ended::TimedOut;
            }
        }
    }

    fn is_met(&self, goal: Goal) -> bool {
        let seen = &self.look.seen;
        let is_met = |name| seen.get(name).is_some_and(|task| goal.is_met_by(task));
        self.look.names.iter().all(is_met)
    }

    fn is_hopeless(&self, waited: Duration) -> bool {
        let is_late = waited >= self.policy.missing_grace;
        self.look.has_lost_any() || is_late && !self.look.missing.is_empty()
    }
}

enum Ended {
    Met,
    Call(Box<Error>),
    Missing,
    TimedOut,
}

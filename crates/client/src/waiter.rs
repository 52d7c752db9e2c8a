//! Waiting for tasks: to run, or to stop.
//!
//! Different from the waiters of the SDKs in what bites callers there: tasks are
//! followed by ARN and not by list, a task that is `MISSING` right after `RunTask` is
//! waited for, a task that ran so briefly that nobody saw it run counts as having run,
//! more than 100 tasks are asked for in several calls, a poll that fails for a passing
//! reason does not end the wait, and every poll can be watched.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_smithy_async::future::timeout::Timeout as Limited;
use aws_smithy_async::rt::sleep::{AsyncSleep, TokioSleep};
use model::shapes::{DescribeTasksInput, Task};

use crate::client::Client;
use crate::error::Error;

/// Most tasks that one DescribeTasks takes.
const TASKS_PER_CALL: usize = 100;

/// How often is asked, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitPolicy {
    /// Wait after the first poll; it doubles with each further one.
    pub first_delay: Duration,
    /// Longest wait between two polls.
    pub max_delay: Duration,
    /// How long a task may be unknown at the start (reads lag behind writes).
    pub missing_grace: Duration,
    /// Limit of the whole wait; `None` waits for ever.
    pub max_wait: Option<Duration>,
}

impl WaitPolicy {
    /// For one job on AWS: 2 s to 15 s.
    pub const fn run_to_completion() -> Self {
        Self {
            first_delay: Duration::from_secs(2),
            max_delay: Duration::from_secs(15),
            missing_grace: Duration::from_secs(60),
            max_wait: None,
        }
    }

    /// For a server on this machine: 50 ms to 1 s.
    pub const fn local() -> Self {
        Self {
            first_delay: Duration::from_millis(50),
            max_delay: Duration::from_secs(1),
            ..Self::run_to_completion()
        }
    }

    /// As the SDKs wait: 6 s to 10 min.
    pub const fn patient() -> Self {
        Self {
            first_delay: Duration::from_secs(6),
            max_delay: Duration::from_secs(600),
            ..Self::run_to_completion()
        }
    }

    /// Limits the whole wait.
    #[must_use]
    pub const fn with_max_wait(mut self, limit: Duration) -> Self {
        self.max_wait = Some(limit);
        self
    }

    /// The wait after poll `n`, counted from 1.
    fn delay(&self, n: u32) -> Duration {
        let factor = 1_u32.checked_shl(n.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_delay.saturating_mul(factor).min(self.max_delay)
    }
}

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

/// Why a wait ended without what it waited for. `tasks` is the last state seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// A poll failed for good.
    #[error("{0}")]
    Call(#[from] Error),
    /// Tasks that the service does not know, or no longer.
    #[error("not known to the service: {}", missing.join(", "))]
    Missing {
        /// As they were asked for.
        missing: Vec<String>,
        /// The last state of the others.
        tasks: Vec<Task>,
    },
    /// The limit of the policy ran out.
    #[error("not there after {}", seconds(.limit))]
    TimedOut {
        /// The limit.
        limit: Duration,
        /// The last state.
        tasks: Vec<Task>,
    },
}

fn seconds(limit: &Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

/// A wait that is being set up; see [`Client::wait_for`].
#[must_use]
pub struct TaskWait<'a> {
    client: &'a Client,
    cluster: Option<String>,
    tasks: Vec<String>,
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
        let is_local = self.config().ecs_endpoint.is_local();
        TaskWait {
            client: self,
            cluster: cluster.map(str::to_owned),
            tasks: tasks.into_iter().map(Into::into).collect(),
            policy: if is_local {
                WaitPolicy::local()
            } else {
                WaitPolicy::run_to_completion()
            },
            watch: Box::new(|_| {}),
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
        let mut seen = BTreeMap::new();
        let max_wait = self.policy.max_wait;
        let polling = self.poll_until(goal, &mut seen);
        let outcome = match max_wait {
            None => polling.await,
            Some(limit) => {
                match Limited::new(Box::pin(polling), TokioSleep::new().sleep(limit)).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(Stop::TimedOut(limit)),
                }
            }
        };
        let tasks: Vec<Task> = seen.into_values().collect();
        match outcome {
            Ok(()) => Ok(tasks),
            Err(Stop::Call(error)) => Err(WaitError::Call(error)),
            Err(Stop::Missing(missing)) => Err(WaitError::Missing { missing, tasks }),
            Err(Stop::TimedOut(limit)) => Err(WaitError::TimedOut { limit, tasks }),
        }
    }

    async fn poll_until(
        &mut self,
        goal: Goal,
        seen: &mut BTreeMap<String, Task>,
    ) -> Result<(), Stop> {
        let mut waited = Duration::ZERO;
        for number in 1.. {
            let missing = match self.poll(seen).await {
                Ok(missing) => {
                    (self.watch)(&Poll {
                        number,
                        tasks: seen,
                        missing: &missing,
                        error: None,
                    });
                    missing
                }
                Err(error) if error.is_retryable() => {
                    let error = Some(&error);
                    (self.watch)(&Poll {
                        number,
                        tasks: seen,
                        missing: &[],
                        error,
                    });
                    Vec::new()
                }
                Err(error) => return Err(Stop::Call(error)),
            };
            if self.all(goal, seen) {
                return Ok(());
            }
            // A task that was seen and is unknown now is gone for good.
            let is_gone = missing.iter().any(|task| seen.contains_key(task));
            if is_gone || !missing.is_empty() && waited >= self.policy.missing_grace {
                return Err(Stop::Missing(missing));
            }
            let delay = self.policy.delay(number);
            TokioSleep::new().sleep(delay).await;
            waited = waited.saturating_add(delay);
        }
        Ok(())
    }

    fn all(&self, goal: Goal, seen: &BTreeMap<String, Task>) -> bool {
        self.tasks
            .iter()
            .all(|task| seen.get(task).is_some_and(|task| goal.is_met_by(task)))
    }

    /// Asks for all tasks; returns those that the service does not know.
    async fn poll(&self, seen: &mut BTreeMap<String, Task>) -> Result<Vec<String>, Error> {
        let mut missing = Vec::new();
        for asked in self.tasks.chunks(TASKS_PER_CALL) {
            let input = DescribeTasksInput {
                cluster: self.cluster.clone(),
                tasks: Some(asked.to_vec()),
                ..Default::default()
            };
            let answer = self.client.describe_tasks(input).await?.into_output();
            let mut found = BTreeMap::new();
            for task in answer.tasks.into_iter().flatten() {
                let name = asked.iter().find(|asked| is_task(&task, asked));
                if let Some(name) = name {
                    found.insert(name.clone(), task);
                }
            }
            missing.extend(
                asked
                    .iter()
                    .filter(|task| !found.contains_key(*task))
                    .cloned(),
            );
            seen.extend(found);
        }
        Ok(missing)
    }
}

/// Whether a task is the one meant by an ARN or an id.
fn is_task(task: &Task, asked: &str) -> bool {
    let arn = task.task_arn.as_deref().unwrap_or_default();
    arn == asked || arn.rsplit('/').next() == Some(asked)
}

enum Stop {
    Call(Error),
    Missing(Vec<String>),
    TimedOut(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_ceiling() {
        let policy = WaitPolicy::run_to_completion();
        let seconds: Vec<_> = (1..=6).map(|n| policy.delay(n).as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 15, 15, 15]);
        assert_eq!(WaitPolicy::local().delay(1), Duration::from_millis(50));
        assert_eq!(policy.delay(u32::MAX), Duration::from_secs(15));
    }
}

//! Starting tasks: any number, and until there is room.

use std::fmt;
use std::time::Duration;

use model::operations::{Operation, RunTask};
use model::shapes::{RunTaskInput, Task};

use super::failure::{RetryHint, RunTaskFailure};
use super::outcome::{RunTaskOutcome, asked, retry_hint};
use super::token::derive;
use crate::backoff::{Backoff, Jitter};
use crate::client::Client;
use crate::error::Error;
use crate::options::CallOptions;

/// Most tasks that one RunTask starts.
const TASKS_PER_CALL: u32 = 10;

/// How often and how long tasks that found no room are asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacementPolicy {
    /// The waits between two rounds.
    pub backoff: Backoff,
    /// No round begins later than so long after the first; `None` sets no limit.
    pub max_wait: Option<Duration>,
}

impl Default for PlacementPolicy {
    /// Every 5 s to 60 s, for 10 minutes.
    fn default() -> Self {
        Self {
            backoff: Backoff {
                first: Duration::from_secs(5),
                max: Duration::from_secs(60),
                jitter: Jitter::Uniform,
            },
            max_wait: Some(Duration::from_secs(600)),
        }
    }
}

/// A call failed while tasks were being started. Those of the calls before it run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub struct StartError {
    /// The call that failed, with its [token](Error::token).
    pub error: Box<Error>,
    /// The tasks that were started before.
    pub tasks: Vec<Task>,
    /// What was not placed before.
    pub failures: Vec<RunTaskFailure>,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        match self.tasks.len() {
            0 => Ok(()),
            1 => f.write_str("; 1 task was started before and runs"),
            count => write!(f, "; {count} tasks were started before and run"),
        }
    }
}

impl Client {
    /// Calls RunTask and says whether the tasks were placed. A `count` above 10, which
    /// one call does not take, becomes calls of 10 one after the other; they end with the
    /// first that does not place all of its tasks, for the next would fare no better.
    ///
    /// The calls carry tokens derived from the input's, or from a fresh one: repeating
    /// the request with the same token starts nothing twice.
    pub async fn start_tasks(
        &self,
        input: &RunTaskInput,
        options: &CallOptions,
    ) -> Result<RunTaskOutcome, StartError> {
        let mut start = Start::new(self, input, options)?;
        start.round(1).await?;
        Ok(start.into_outcome())
    }

    /// As [`start_tasks`](Self::start_tasks), and asks for the tasks that are missing
    /// again while their failures can pass ([`RetryHint`]) and the policy allows. Each
    /// round has tokens of its own. The failures of the outcome are those of the last
    /// round.
    pub async fn run_task_until_placed(
        &self,
        input: &RunTaskInput,
        policy: PlacementPolicy,
        options: &CallOptions,
    ) -> Result<RunTaskOutcome, StartError> {
        let mut start = Start::new(self, input, options)?;
        let mut waited = Duration::ZERO;
        for round in 1.. {
            start.failures.clear();
            start.round(round).await?;
            let delay = policy.backoff.next_delay(round);
            waited = waited.saturating_add(delay);
            let is_late = policy.max_wait.is_some_and(|limit| waited > limit);
            let is_complete = start.missing() == 0;
            if is_complete || is_late || retry_hint(&start.failures) == RetryHint::Never {
                break;
            }
            self.sleep(delay).await;
        }
        Ok(start.into_outcome())
    }
}

/// A request for tasks, and what its calls so far came to.
struct Start<'a> {
    client: &'a Client,
    input: &'a RunTaskInput,
    options: &'a CallOptions,
    /// What the tokens of the calls are made from; `None` where the provider gives none.
    token: Option<String>,
    tasks: Vec<Task>,
    failures: Vec<RunTaskFailure>,
}

impl<'a> Start<'a> {
    fn new(
        client: &'a Client,
        input: &'a RunTaskInput,
        options: &'a CallOptions,
    ) -> Result<Self, StartError> {
        let mut start = Self {
            client,
            input,
            options,
            token: input.client_token.clone(),
            tasks: Vec::new(),
            failures: Vec::new(),
        };
        if start.token.is_none() {
            let token = client.fresh_token(RunTask::NAME, options);
            start.token = token.map_err(|error| start.failed(error))?;
        }
        Ok(start)
    }

    /// The calls for the tasks that are still missing, up to the first that does not
    /// place all of its own.
    async fn round(&mut self, round: u32) -> Result<(), StartError> {
        let mut missing = self.missing();
        for call in 1.. {
            let part = missing.min(TASKS_PER_CALL);
            let token = self.token.as_deref();
            let input = RunTaskInput {
                client_token: token.map(|token| derive(token, round, call)),
                count: self.input.count.map(|count| count.min(part.cast_signed())),
                ..self.input.clone()
            };
            let answer = self.client.call_with::<RunTask>(&input, self.options).await;
            let output = answer.map_err(|error| self.failed(error))?.into_output();
            let tasks = output.tasks.unwrap_or_default();
            let is_complete = tasks.len() >= part as usize;
            self.tasks.extend(tasks);
            let failures = output.failures.iter().flatten();
            self.failures.extend(failures.map(Into::into));
            missing -= part;
            if missing == 0 || !is_complete {
                break;
            }
        }
        Ok(())
    }

    fn missing(&self) -> u32 {
        let started = u32::try_from(self.tasks.len()).unwrap_or(u32::MAX);
        asked(self.input).saturating_sub(started)
    }

    fn into_outcome(self) -> RunTaskOutcome {
        RunTaskOutcome::new(asked(self.input), self.tasks, self.failures)
    }

    fn failed(&mut self, error: Error) -> StartError {
        StartError {
            error: Box::new(error),
            tasks: std::mem::take(&mut self.tasks),
            failures: std::mem::take(&mut self.failures),
        }
    }
}

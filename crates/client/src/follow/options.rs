//! How tasks are followed.

use std::time::Duration;

use model::shapes::TaskDefinition;

use super::exit::ExitPolicy;
use super::log_reader::LogPace;
use crate::cancel::CancelToken;
use crate::options::CallOptions;
use crate::wait::WaitPolicy;

/// How a run is followed; see [`Client::run_to_completion`](crate::Client::run_to_completion).
#[derive(Debug, Clone)]
#[must_use]
pub struct RunOptions {
    pub(crate) call: CallOptions,
    pub(crate) polls: Option<WaitPolicy>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) definition: Option<TaskDefinition>,
    pub(crate) logs: Option<LogPace>,
    pub(crate) follows_logs: bool,
    pub(crate) exit_policy: ExitPolicy,
    pub(crate) cancel: CancelToken,
    pub(crate) stop_on_cancel: bool,
    pub(crate) stop_reason: String,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            call: CallOptions::default(),
            polls: None,
            timeout: None,
            definition: None,
            logs: None,
            follows_logs: false,
            exit_policy: ExitPolicy::default(),
            cancel: CancelToken::new(),
            stop_on_cancel: true,
            stop_reason: "Canceled by the caller".to_owned(),
        }
    }
}

impl RunOptions {
    /// No logs, no time limit, stop on cancel, exit code of the first essential
    /// container that ends.
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings of every call that is made.
    pub fn call(mut self, call: CallOptions) -> Self {
        self.call = call;
        self
    }

    /// How often tasks are looked at. Default as for
    /// [`Client::wait_for`](crate::Client::wait_for). The limit of the policy counts from
    /// the first look, and ends the following without stopping anything.
    pub fn polls(mut self, policy: WaitPolicy) -> Self {
        self.polls = Some(policy);
        self
    }

    /// Stops the tasks after so long; the run then ends with exit code 124.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The tasks' definition. If it is not given it is asked for.
    pub fn definition(mut self, definition: TaskDefinition) -> Self {
        self.definition = Some(definition);
        self
    }

    /// Whether what containers write to CloudWatch Logs is followed. Default no.
    pub fn logs(mut self, follow: bool) -> Self {
        self.follows_logs = follow;
        self
    }

    /// How often logs are read, and how long after the end of a task. Default
    /// [`LogPace::local`] on this machine, else [`LogPace::remote`].
    pub fn log_pace(mut self, pace: LogPace) -> Self {
        self.logs = Some(pace);
        self
    }

    /// Which container's exit code is that of the task.
    pub fn exit_policy(mut self, policy: ExitPolicy) -> Self {
        self.exit_policy = policy;
        self
    }

    /// Ends the run when the token is canceled; the exit code is then 130.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Whether tasks are stopped when the run is canceled or dropped. Default yes.
    /// Dropping stops them from a task of the Tokio runtime; without a runtime, and while
    /// RunTask is still being called, dropping stops nothing.
    pub fn stop_on_cancel(mut self, stop: bool) -> Self {
        self.stop_on_cancel = stop;
        self
    }

    /// The reason that StopTask gives when the run is canceled.
    pub fn stop_reason(mut self, reason: impl Into<String>) -> Self {
        self.stop_reason = reason.into();
        self
    }
}

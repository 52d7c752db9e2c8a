//! Watching tasks, reading their output, and stopping them, side by side.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, join, select};
use model::operations::StopTask;
use model::shapes::{StopTaskInput, Task, TaskDefinition};

use super::completion::{Completion, Ending, TaskResult};
use super::event::RunEvent;
use super::exit::{essential, of_task};
use super::log_reader::{LogPace, LogReader, LogRound};
use super::options::RunOptions;
use super::state::{Shared, has_stopped};
use crate::cancel::CancelToken;
use crate::client::Client;
use crate::error::Error;
use crate::options::CallOptions;
use crate::wait::{Look, Rounds, within};

/// What a container may take to stop unless the definition says otherwise.
const STOP_TIMEOUT_SECONDS: i32 = 30;
/// What stopping may take besides.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// Tasks that run, and how they are followed.
pub(super) struct Following<'a> {
    pub(super) client: &'a Client,
    pub(super) cluster: Option<String>,
    pub(super) options: &'a RunOptions,
    pub(super) shared: &'a Shared,
    pub(super) missing: u32,
}

impl Following<'_> {
    /// Until all tasks have stopped; when the time is up or the caller cancels they are
    /// stopped first.
    pub(super) async fn to_the_end(&self, definition: Option<&TaskDefinition>) -> Completion {
        let over = CancelToken::new();
        let mut end = pin!(async {
            let watching = async {
                let problem = self.watch().await;
                over.cancel();
                problem
            };
            join(watching, self.read_logs(definition, &over)).await.0
        });
        let cut = {
            let canceled = pin!(self.options.cancel.canceled());
            let expired = pin!(self.expiry());
            match select(end.as_mut(), select(canceled, expired)).await {
                Either::Left((problem, _)) => {
                    return self
                        .completion(definition, problem.map_or(Ending::Finished, Ending::Lost));
                }
                Either::Right((Either::Left(_), _)) => Cut::Canceled,
                Either::Right((Either::Right(_), _)) => Cut::TimedOut,
            }
        };
        let problem = match cut {
            Cut::Canceled if !self.options.stop_on_cancel => None,
            _ => self.stop_all(definition, self.reason(&cut), end).await,
        };
        let ending = match cut {
            Cut::Canceled => Ending::Canceled { problem },
            Cut::TimedOut => Ending::TimedOut { problem },
        };
        self.completion(definition, ending)
    }

    async fn expiry(&self) {
        match self.options.timeout {
            Some(timeout) => self.client.sleep(timeout).await,
            None => std::future::pending().await,
        }
    }

    fn reason(&self, cut: &Cut) -> String {
        match (cut, self.options.timeout) {
            (Cut::TimedOut, Some(limit)) => format!("Timed out after {} s", limit.as_secs_f64()),
            _ => self.options.stop_reason.clone(),
        }
    }

    /// Until all have stopped; otherwise says why that is not known.
    async fn watch(&self) -> Option<String> {
        let tasks = self.shared.lock().tasks.clone();
        let arns = tasks.into_iter().filter_map(|task| task.task_arn).collect();
        let mut look = Look::new(self.cluster.clone(), arns);
        let policy = self
            .options
            .polls
            .unwrap_or_else(|| self.client.wait_policy());
        let mut rounds = Rounds::new(self.client, &policy);
        let late = |limit: Duration| format!("not over after {} s", limit.as_secs_f64());
        let lost = |why: String| Some(format!("tasks cannot be followed any more: {why}"));
        loop {
            let polling = look.poll(self.client, &self.options.call);
            match polling.await {
                Err(error) if !error.is_retryable() => return lost(error.to_string()),
                Err(error) => self.poll_failed(&error),
                Ok(()) => self.shared.take(rounds.number, &look.seen),
            }
            if self.shared.lock().tasks.iter().all(has_stopped) {
                return None;
            }
            let is_late = rounds.waited >= policy.missing_grace;
            if look.has_lost_any() || is_late && !look.missing.is_empty() {
                return lost(format!(
                    "not known to the service: {}",
                    look.missing.join(", ")
                ));
            }
            if !rounds.pause().await {
                return lost(late(policy.max_wait.unwrap_or_default()));
            }
        }
    }

    fn poll_failed(&self, error: &Error) {
        let error = error.to_string();
        self.shared.events.push(RunEvent::PollFailed { error });
    }

    fn tell(&self, text: String) {
        self.shared.events.push(RunEvent::Problem { text });
    }

    /// Tells output until the tasks are over and no more comes.
    async fn read_logs(&self, definition: Option<&TaskDefinition>, over: &CancelToken) {
        let Some(definition) = definition.filter(|_| self.options.follows_logs) else {
            return;
        };
        let is_local = self.client.config().ecs_endpoint.is_local();
        let default = if is_local {
            LogPace::local()
        } else {
            LogPace::remote()
        };
        let pace = self.options.logs.unwrap_or(default);
        let count = self.shared.lock().tasks.len();
        let reader = LogReader::new(self.client, definition, count, |_| true);
        let mut reader = reader.call(self.options.call.clone());
        let (mut quiet, mut rounds) = (0, 0);
        loop {
            let is_over = over.is_canceled();
            let tasks = self.shared.lock().tasks.clone();
            let round = reader.round(&tasks).await;
            let is_quiet = round.is_quiet();
            let unfinished = round.unfinished;
            let at_once = unfinished || is_over && pace.quiet_rounds == 1;
            self.show(round);
            if is_over {
                rounds += u32::from(!unfinished);
                quiet = if is_quiet { quiet + 1 } else { 0 };
                if quiet >= pace.quiet_rounds || rounds >= pace.rounds_max {
                    return;
                }
            }
            if !at_once {
                let until = (!is_over).then_some(over);
                // Ended by the end of the tasks too: the last lines are read at once.
                let _ = CancelToken::guard(until, self.client.sleep(pace.pause)).await;
            }
        }
    }

    fn show(&self, round: LogRound) {
        if !round.lines.is_empty() {
            let lines = round.lines;
            self.shared.events.push(RunEvent::Lines { lines });
        }
        round.problems.into_iter().for_each(|text| self.tell(text));
    }

    /// Stops the tasks and goes on following until they have, or says why not.
    async fn stop_all(
        &self,
        definition: Option<&TaskDefinition>,
        reason: String,
        end: Pin<&mut impl Future<Output = Option<String>>>,
    ) -> Option<String> {
        let tasks = self.shared.lock().tasks.clone();
        let told = reason.clone();
        self.shared.events.push(RunEvent::Stopping { reason: told });
        let call = &self.options.call;
        let stopping = stop(self.client, call, self.cluster.clone(), tasks, reason);
        // Following goes on meanwhile, or output would wait for the answers.
        let both = async {
            let (problem, end) = join(stopping, end).await;
            problem.or(end)
        };
        let limit = stop_limit(definition);
        let late = || Some(format!("tasks had not stopped after {} s", limit.as_secs()));
        within(self.client, Some(limit), both)
            .await
            .unwrap_or_else(late)
    }

    fn completion(&self, definition: Option<&TaskDefinition>, ending: Ending) -> Completion {
        let mut state = self.shared.lock();
        state.is_settled = true;
        let essential = definition.map(essential);
        let policy = &self.options.exit_policy;
        let code = |task: &Task, seen| of_task(task, essential.as_ref(), seen, policy);
        let tasks = state.tasks.iter().zip(&state.seen);
        let tasks = tasks.map(|(task, seen)| TaskResult::new(task.clone(), code(task, seen)));
        Completion {
            ending,
            tasks: tasks.collect(),
            missing: self.missing,
        }
    }
}

/// What cut a run short.
enum Cut {
    Canceled,
    TimedOut,
}

/// Calls StopTask for all that have not stopped; says if one may go on running.
pub(super) async fn stop(
    client: &Client,
    call: &CallOptions,
    cluster: Option<String>,
    tasks: Vec<Task>,
    reason: String,
) -> Option<String> {
    let mut problem = None;
    for task in tasks.into_iter().filter(|task| !has_stopped(task)) {
        let input = StopTaskInput {
            cluster: cluster.clone(),
            reason: Some(reason.clone()),
            task: task.task_arn,
        };
        if let Err(error) = client.call_with::<StopTask>(input, call).await {
            problem = Some(format!(
                "a task was not stopped and may go on running: {error}"
            ));
        }
    }
    problem
}

fn stop_limit(definition: Option<&TaskDefinition>) -> Duration {
    let containers = definition
        .iter()
        .flat_map(|one| one.container_definitions.iter().flatten());
    let seconds: i32 = containers
        .map(|container| container.stop_timeout.unwrap_or(STOP_TIMEOUT_SECONDS))
        .fold(0, i32::saturating_add);
    // Containers that depend on each other stop one after the other.
    let seconds = u64::try_from(seconds.max(STOP_TIMEOUT_SECONDS)).unwrap_or(0);
    Duration::from_secs(seconds) + STOP_GRACE
}

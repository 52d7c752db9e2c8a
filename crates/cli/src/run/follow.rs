//! From the answer of RunTask to the end of its tasks: states, output, and what the user
//! or the clock make of it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::{Backoff, Jitter, Poll, WaitError, WaitPolicy};
use model::shapes::{StopTaskInput, Task, TaskDefinition};
use tokio::sync::watch;
use tokio::time::sleep;

use super::exit_code::{FirstStopped, observe};
use crate::Connection;
use crate::log_reader::{LogReader, Pace, Round};
use crate::logs::has_stopped;
use crate::screen::{self, Screen};

/// How often a server on this machine is asked: it is cheap there, and a short task is
/// not to wait for us.
const LOCAL_POLL: WaitPolicy = WaitPolicy {
    backoff: Backoff {
        first: Duration::from_millis(20),
        max: Duration::from_millis(250),
        jitter: Jitter::None,
    },
    missing_grace: Duration::from_secs(60),
    max_wait: None,
};

/// What a container may take to stop unless the definition says otherwise.
const STOP_TIMEOUT_SECONDS: i32 = 30;
/// What stopping may take besides.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// What is followed, and how.
pub(super) struct Following<'a> {
    pub(super) connection: &'a Connection,
    pub(super) cluster: Option<String>,
    pub(super) definition: Option<&'a TaskDefinition>,
    /// As RunTask answered, in its order.
    pub(super) tasks: Vec<Task>,
    pub(super) show_logs: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) detach_on_interrupt: bool,
}

/// Why following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The tasks ended, or cannot be followed.
    Itself,
    TimedOut,
    Interrupted,
}

/// The end.
pub(super) struct Followed {
    pub(super) cause: Cause,
    /// The last that was seen, in RunTask's order.
    pub(super) tasks: Vec<Task>,
    pub(super) seen: Vec<FirstStopped>,
    /// Why the true end is not known.
    pub(super) problem: Option<String>,
    pub(super) screen: Screen,
}

/// What watching and reading share. Never held while something is awaited.
struct State {
    screen: Screen,
    tasks: Vec<Task>,
    seen: Vec<FirstStopped>,
}

struct Shared(Mutex<State>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints what the logs brought.
    fn show(&self, round: &Round) {
        let screen = &mut self.lock().screen;
        screen.lines(&round.lines);
        for problem in &round.problems {
            screen.with_terminal(|terminal| terminal.warning(problem));
        }
    }

    /// Takes what a poll saw.
    fn take(&self, poll: &Poll<'_>) {
        let mut state = self.lock();
        let State {
            screen,
            tasks,
            seen,
        } = &mut *state;
        for (index, task) in tasks.iter_mut().enumerate() {
            let arn = task.task_arn.as_deref().unwrap_or_default();
            if let Some(newer) = poll.tasks.get(arn) {
                task.clone_from(newer);
                observe(&mut seen[index], poll.number, task);
                screen.state(index, screen::state(task));
            }
        }
    }
}

/// Follows until all tasks have stopped. When the time is up or the user interrupts
/// (`interrupt` is `None` if that has happened before), they are stopped first.
pub(super) async fn follow(
    following: Following<'_>,
    screen: Screen,
    interrupt: Option<Pin<&mut impl Future<Output = ()>>>,
) -> Followed {
    let shared = Shared(Mutex::new(State {
        screen,
        seen: vec![FirstStopped::new(); following.tasks.len()],
        tasks: following.tasks.clone(),
    }));
    let (cause, problem) = to_the_end(&following, &shared, interrupt).await;
    let state = shared.0.into_inner();
    let state = state.unwrap_or_else(PoisonError::into_inner);
    Followed {
        cause,
        tasks: state.tasks,
        seen: state.seen,
        problem,
        screen: state.screen,
    }
}

/// The cause of the end, and why the true end is not known.
async fn to_the_end(
    following: &Following<'_>,
    shared: &Shared,
    interrupt: Option<Pin<&mut impl Future<Output = ()>>>,
) -> (Cause, Option<String>) {
    let (over, is_over) = watch::channel(false);
    let mut end = pin!(async {
        let watching = async {
            let end = watch_tasks(following, shared).await;
            over.send_replace(true);
            end
        };
        tokio::join!(watching, read_logs(following, shared, is_over)).0
    });
    let cause = tokio::select! {
        biased;
        problem = &mut end => return (Cause::Itself, problem),
        () = interruption(interrupt) => Cause::Interrupted,
        () = expiry(following.timeout) => Cause::TimedOut,
    };
    if cause == Cause::Interrupted && following.detach_on_interrupt {
        return (cause, None);
    }
    (cause, stop(following, shared, cause, end).await)
}

async fn interruption(interrupt: Option<Pin<&mut impl Future<Output = ()>>>) {
    // Without one it has happened before.
    if let Some(interrupt) = interrupt {
        interrupt.await;
    }
}

async fn expiry(timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => sleep(timeout).await,
        None => std::future::pending().await,
    }
}

fn arns(tasks: &[Task]) -> Vec<String> {
    tasks
        .iter()
        .filter_map(|task| task.task_arn.clone())
        .collect()
}

/// Until all have stopped; otherwise says why that is not known.
async fn watch_tasks(following: &Following<'_>, shared: &Shared) -> Option<String> {
    let client = &following.connection.client;
    let mut wait = client
        .wait_for(following.cluster.as_deref(), arns(&following.tasks))
        .watch(|poll| shared.take(poll));
    if following.connection.local {
        wait = wait.policy(LOCAL_POLL);
    }
    match wait.tasks_stopped().await {
        Ok(_) => None,
        Err(error @ WaitError::Missing { .. }) => {
            Some(format!("tasks cannot be followed any more, {error}"))
        }
        Err(error) => Some(format!("tasks cannot be followed any more: {error}")),
    }
}

/// Shows output until the tasks are over and no more comes.
async fn read_logs(following: &Following<'_>, shared: &Shared, mut is_over: watch::Receiver<bool>) {
    let Some(definition) = following.definition.filter(|_| following.show_logs) else {
        return;
    };
    let client = &following.connection.client;
    let pace = Pace::of(following.connection);
    let mut reader = LogReader::new(client, definition, following.tasks.len(), |_| true);
    let (mut quiet, mut rounds) = (0, 0);
    loop {
        let over = *is_over.borrow_and_update();
        let tasks = shared.lock().tasks.clone();
        let round = reader.round(&tasks).await;
        shared.show(&round);
        if over {
            rounds += 1;
            quiet = if round.is_quiet() { quiet + 1 } else { 0 };
            if quiet >= pace.quiet_rounds || rounds >= pace.rounds_max {
                return;
            }
        }
        let at_once = round.unfinished || over && pace.quiet_rounds == 1;
        if !at_once {
            tokio::select! {
                () = sleep(pace.pause) => {}
                Ok(()) = is_over.changed(), if !over => {}
            }
        }
    }
}

/// Stops the tasks and goes on following until they have.
async fn stop(
    following: &Following<'_>,
    shared: &Shared,
    cause: Cause,
    end: Pin<&mut impl Future<Output = Option<String>>>,
) -> Option<String> {
    let reason = match (cause, following.timeout) {
        (Cause::TimedOut, Some(timeout)) => {
            let millis = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
            format!("Timed out after {}", crate::span::exact(millis))
        }
        _ => "Interrupted by the user".to_owned(),
    };
    let tasks = shared.lock().tasks.clone();
    shared.lock().screen.with_terminal(|terminal| {
        terminal.say(format_args!("{reason}: stopping the tasks"));
    });
    let stopping = async {
        let mut problem = None;
        for task in tasks.iter().filter(|task| !has_stopped(task)) {
            let input = StopTaskInput {
                cluster: following.cluster.clone(),
                reason: Some(reason.clone()),
                task: task.task_arn.clone(),
            };
            if let Err(error) = following.connection.client.stop_task(input).await {
                problem = Some(format!(
                    "a task was not stopped and may go on running: {error}"
                ));
            }
        }
        problem
    };
    // Following goes on meanwhile, or output would wait for the answers.
    let both = async {
        let (problem, end) = tokio::join!(stopping, end);
        problem.or(end)
    };
    let limit = stop_limit(following.definition);
    tokio::select! {
        problem = both => problem,
        () = sleep(limit) => Some(format!("tasks had not stopped after {} s", limit.as_secs())),
    }
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

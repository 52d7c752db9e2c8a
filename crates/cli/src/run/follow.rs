//! From the answer of RunTask to the end of its tasks: what a run tells, shown.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use client::{
    Backoff, CancelToken, Completion, Jitter, RunError, RunEvent, RunOptions, WaitPolicy,
};
use model::shapes::{Task, TaskDefinition};

use super::RunArgs;
use super::events::Events;
use crate::Connection;
use crate::screen::{self, Screen};

/// How often a server on this machine is asked: it is cheap there, and a short task is
/// not to wait for us.
const LOCAL_POLLS: WaitPolicy = WaitPolicy {
    backoff: Backoff {
        first: Duration::from_millis(20),
        max: Duration::from_millis(250),
        jitter: Jitter::None,
    },
    missing_grace: Duration::from_secs(60),
    max_wait: None,
};

/// What the flags say of following.
pub(super) fn options(
    args: &RunArgs,
    connection: &Connection,
    definition: Option<&TaskDefinition>,
) -> RunOptions {
    let comfort = &args.comfort;
    let mut options = RunOptions::new()
        .logs(!comfort.no_logs)
        .log_pace(connection.log_pace())
        .stop_on_cancel(!comfort.detach_on_interrupt)
        .stop_reason("Interrupted by the user");
    if connection.local {
        options = options.polls(LOCAL_POLLS);
    }
    if let Some(limit) = comfort.timeout {
        options = options.timeout(limit);
    }
    if let Some(definition) = definition {
        options = options.definition(definition.clone());
    }
    options
}

/// Follows until all tasks have stopped. When the time is up or the user interrupts
/// (`interrupt` is `None` if that has happened before), they are stopped first. With `events` it is
/// told as JSON.
pub(super) async fn follow(
    connection: &Connection,
    (cluster, tasks, missing): (Option<String>, Vec<Task>, u32),
    options: RunOptions,
    (screen, events): (&mut Screen, Option<Events>),
    interrupt: Option<Pin<&mut impl Future<Output = ()>>>,
) -> Result<Completion, RunError> {
    let cancel = CancelToken::new();
    let options = options.cancel(cancel.clone());
    let mut run = connection.client.follow(cluster, tasks, missing, options);
    let showing = async {
        while let Some(event) = run.next().await {
            match &events {
                Some(events) => screen.with_terminal(|terminal| events.tell(terminal, event)),
                None => show(screen, event),
            }
        }
        run.completion().await
    };
    let interruption = async {
        if let Some(interrupt) = interrupt {
            interrupt.await;
        }
        cancel.cancel();
        std::future::pending().await
    };
    tokio::select! {
        biased;
        completion = showing => completion,
        never = interruption => never,
    }
}

fn show(screen: &mut Screen, event: RunEvent) {
    match event {
        RunEvent::Task { index, task } => screen.state(index, screen::state(&task)),
        RunEvent::Lines { lines } => screen.lines(&lines),
        RunEvent::Problem { text } => screen.with_terminal(|terminal| terminal.warning(text)),
        RunEvent::Stopping { reason } => screen.with_terminal(|terminal| {
            terminal.say(format_args!("{reason}: stopping the tasks"));
        }),
        RunEvent::PollFailed { error } => screen.with_terminal(|terminal| {
            terminal.warning(format_args!("cannot look, and goes on trying: {error}"));
        }),
        // A change of a task is shown whole.
        _ => {}
    }
}

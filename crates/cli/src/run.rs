//! `run`: one command from a task definition to an exit code.

mod arguments;
mod definition;
mod demand;
mod dry_run;
mod exit_code;
mod file;
mod fill_in;
mod follow;
mod one_off;
mod refusal;
mod request;
mod reuse;
pub(crate) mod summary;

use std::future::Future;
use std::pin::{Pin, pin};

use model::shapes::{
    Failure, RegisterTaskDefinitionInput, RunTaskInput, RunTaskOutput, Task, TaskDefinition,
};

pub use arguments::{ComfortArgs, RunArgs, TaskArgs};

use crate::Connection;
use crate::failed::Failed;
use crate::log_stream;
use crate::logs::{INTERRUPTED, container_names};
use crate::ps::print_json;
use crate::screen::Screen;
use crate::terminal::Terminal;
use definition::Chosen;
use exit_code::{NOT_RUN, TIMED_OUT};
use follow::{Cause, Followed, Following};
use one_off::{Changes, OneOff};

/// What was sent, and what it is about.
struct Prepared {
    input: RunTaskInput,
    definition: Option<TaskDefinition>,
    /// To be registered for this call only.
    derived: Option<RegisterTaskDefinitionInput>,
}

pub(crate) async fn execute(
    args: RunArgs,
    connection: &Connection,
    mut terminal: Terminal,
    interrupt: impl Future<Output = ()>,
) -> u8 {
    let mut interrupt = pin!(interrupt);
    if args.comfort.dry_run {
        return tokio::select! {
            biased;
            done = dry_run::execute(&args, connection, &mut terminal) => match done {
                Ok(code) => code,
                Err(failed) => not_run(&mut terminal, &failed),
            },
            () = &mut interrupt => INTERRUPTED,
        };
    }
    let prepared = tokio::select! {
        biased;
        prepared = prepare(&args, connection, &mut terminal) => prepared,
        () = &mut interrupt => return INTERRUPTED,
    };
    let mut prepared = match prepared {
        Ok(prepared) => prepared,
        Err(failed) => return not_run(&mut terminal, &failed),
    };
    let registering = one_off(&mut prepared, connection, &mut terminal, interrupt.as_mut());
    let one_off = match registering.await {
        Ok(one_off) => one_off,
        Err(code) => return code,
    };
    let (answer, interrupted) = start(connection, &prepared.input, interrupt.as_mut()).await;
    if let Some(one_off) = one_off {
        one_off.clean_up(connection, &mut terminal).await;
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return not_run(&mut terminal, &error.into()),
    };
    let placed = !answer.tasks.as_deref().unwrap_or_default().is_empty();
    let failures = answer.failures.clone().unwrap_or_default();
    if !placed || !failures.is_empty() {
        tell_failures(connection, &prepared, placed, &failures, &mut terminal).await;
    }
    if !placed || args.comfort.no_wait {
        return answered(&args, &answer, &mut terminal);
    }
    let interrupt = (!interrupted).then_some(interrupt);
    run_on(&args, connection, &prepared, answer, terminal, interrupt).await
}

fn not_run(terminal: &mut Terminal, failed: &Failed) -> u8 {
    terminal.error(failed);
    NOT_RUN
}

/// Checks the flags, registers the definition, fills in what may be left open.
async fn prepare(
    args: &RunArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<Prepared, Failed> {
    let mut input = request::input(args)?;
    if let Some(long) = request::check_length(input.overrides.as_ref())? {
        terminal.warning(long);
    }
    let changes = Changes::of(&args.comfort)?;
    let (definition, derived) = if changes.is_empty() {
        let Chosen { name, definition } =
            definition::choose(&args.what, connection, terminal).await?;
        input.task_definition = Some(name);
        (definition, None)
    } else {
        let derived = one_off::derive(&args.what, changes, &mut input, connection, terminal);
        let derived = derived.await?;
        (Some(one_off::converted(&derived)?), Some(derived))
    };
    if let Some(definition) = definition.as_ref().filter(|_| connection.local) {
        for said in fill_in::fill_in(&mut input, definition) {
            terminal.say(said);
        }
        let members = fill_in::not_honoured(definition);
        if !members.is_empty() {
            terminal.note(format_args!("without effect here: {}", members.join(", ")));
        }
    }
    Ok(Prepared {
        input,
        definition,
        derived,
    })
}

/// Registers the revision of this call, if it needs one; otherwise gives the exit code.
async fn one_off(
    prepared: &mut Prepared,
    connection: &Connection,
    terminal: &mut Terminal,
    interrupt: Pin<&mut impl Future<Output = ()>>,
) -> Result<Option<OneOff>, u8> {
    let Some(derived) = prepared.derived.take() else {
        return Ok(None);
    };
    match OneOff::register(&derived, connection, terminal, interrupt).await {
        (Ok(one_off), false) => {
            prepared.input.task_definition = Some(one_off.name());
            prepared.definition = Some(one_off.definition.clone());
            Ok(Some(one_off))
        }
        (Ok(one_off), true) => {
            one_off.clean_up(connection, terminal).await;
            Err(INTERRUPTED)
        }
        (Err(failed), _) => Err(not_run(terminal, &failed)),
    }
}

/// Calls RunTask. An interruption meanwhile does not cancel the call: its tasks could run
/// on unseen. It is told to the caller instead.
async fn start(
    connection: &Connection,
    input: &RunTaskInput,
    interrupt: Pin<&mut impl Future<Output = ()>>,
) -> (Result<RunTaskOutput, client::Error>, bool) {
    let mut call = connection.client.run_task(input);
    let (answer, interrupted) = tokio::select! {
        biased;
        answer = &mut call => (answer, false),
        () = interrupt => (call.await, true),
    };
    (answer.map(client::Response::into_output), interrupted)
}

async fn tell_failures(
    connection: &Connection,
    prepared: &Prepared,
    placed: bool,
    failures: &[Failure],
    terminal: &mut Terminal,
) {
    let definition = prepared.definition.as_ref();
    let sentences = refusal::explain(connection, &prepared.input, definition, failures).await;
    match (placed, failures) {
        (true, _) => terminal.warning("not all tasks were placed"),
        (false, []) => terminal.error("the server answered with neither tasks nor failures"),
        (false, _) => terminal.error("the task was not placed"),
    }
    for sentence in sentences {
        terminal.say(format_args!("  {sentence}"));
    }
}

/// What is printed when nothing is followed.
fn answered(args: &RunArgs, answer: &RunTaskOutput, terminal: &mut Terminal) -> u8 {
    let tasks = answer.tasks.as_deref().unwrap_or_default();
    if args.comfort.json {
        if let Err(failed) = print_json(terminal, answer) {
            return not_run(terminal, &failed);
        }
    } else {
        for arn in tasks.iter().filter_map(|task| task.task_arn.as_deref()) {
            terminal.line(arn);
        }
        terminal.flush();
    }
    if is_complete(args, tasks) { 0 } else { NOT_RUN }
}

fn is_complete(args: &RunArgs, tasks: &[Task]) -> bool {
    let asked = usize::try_from(args.task.count.unwrap_or(1)).unwrap_or(1);
    tasks.len() >= asked
}

/// Follows the tasks to their end and tells it.
async fn run_on(
    args: &RunArgs,
    connection: &Connection,
    prepared: &Prepared,
    answer: RunTaskOutput,
    mut terminal: Terminal,
    interrupt: Option<Pin<&mut impl Future<Output = ()>>>,
) -> u8 {
    let definition = prepared.definition.as_ref();
    let tasks = answer.tasks.unwrap_or_default();
    let show_logs = !args.comfort.no_logs && !args.comfort.json;
    if show_logs && let Some(definition) = definition {
        warn_of_other_logs(definition, connection, &mut terminal);
    }
    let names = definition.map(container_names).unwrap_or_default();
    let screen = Screen::new(terminal, &tasks, &names);
    let following = Following {
        connection,
        cluster: args.task.cluster.clone(),
        definition,
        tasks,
        show_logs,
        timeout: args.comfort.timeout,
        detach_on_interrupt: args.comfort.detach_on_interrupt,
    };
    let followed = follow::follow(following, screen, interrupt).await;
    conclude(args, definition, answer.failures, followed)
}

/// Says which logs are not where we look.
fn warn_of_other_logs(
    definition: &TaskDefinition,
    connection: &Connection,
    terminal: &mut Terminal,
) {
    let here = connection.client.config().region();
    for container in definition.container_definitions.iter().flatten() {
        let name = container.name.as_deref().unwrap_or_default();
        if log_stream::of(definition, container, &Task::default()).is_none() {
            terminal.warning(format_args!("{name}: its log driver's output is not shown"));
        } else if let Some(region) = log_stream::region(container)
            && region != here
            && !connection.local
        {
            terminal.warning(format_args!(
                "{name}: logs go to region {region} and are not looked for there"
            ));
        }
    }
}

/// The summary, the JSON, the exit code.
fn conclude(
    args: &RunArgs,
    definition: Option<&TaskDefinition>,
    failures: Option<Vec<Failure>>,
    followed: Followed,
) -> u8 {
    let Followed {
        cause,
        tasks,
        seen,
        problem,
        screen,
    } = followed;
    let mut terminal = screen.into_terminal();
    for line in tasks.iter().flat_map(|task| summary::of(task, definition)) {
        terminal.say(line);
    }
    if let Some(problem) = &problem {
        terminal.error(problem);
    }
    let essential = definition.map(exit_code::essential);
    let codes = tasks.iter().zip(&seen);
    let codes = codes.map(|(task, seen)| exit_code::of_task(task, essential.as_ref(), seen));
    let code = match cause {
        Cause::Interrupted => INTERRUPTED,
        Cause::TimedOut => TIMED_OUT,
        Cause::Itself if problem.is_some() => NOT_RUN,
        Cause::Itself => exit_code::of_all(codes, is_complete(args, &tasks)),
    };
    if args.comfort.json {
        let tasks = Some(tasks);
        if let Err(failed) = print_json(&mut terminal, &RunTaskOutput { failures, tasks }) {
            terminal.error(failed);
        }
    }
    code
}

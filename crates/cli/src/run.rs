//! `run`: one command from a task definition to an exit code.

mod arguments;
mod definition;
mod demand;
mod dry_run;
mod events;
mod file;
mod fill_in;
mod follow;
mod one_off;
mod refusal;
mod request;
mod reuse;
pub(crate) mod summary;
mod template;

use std::future::Future;
use std::pin::{Pin, pin};

use client::{
    CallOptions, Completion, INTERRUPTED, LogStream, NOT_RUN, RunTaskOutcome, StartError,
};
use model::shapes::{Failure, RegisterTaskDefinitionInput, RunTaskInput, Task, TaskDefinition};

pub use arguments::{ComfortArgs, RunArgs, TaskArgs};

use crate::Connection;
use crate::failed::{Failed, with_advice};
use crate::logs::container_names;
use crate::screen::Screen;
use crate::terminal::Terminal;
use definition::Chosen;
use events::Events;
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
    if args.comfort.secrets_template {
        let done = template::execute(&args, connection, &mut terminal).await;
        return done.unwrap_or_else(|failed| not_run(&mut terminal, &failed));
    }
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
    let outcome = match answer {
        Ok(outcome) => outcome,
        Err(error) => return not_started(&mut terminal, &error),
    };
    if !outcome.is_complete() {
        tell_failures(connection, &prepared, &outcome, &mut terminal).await;
    }
    if outcome.tasks().is_empty() || args.comfort.no_wait {
        return answered(&args, &outcome, &mut terminal);
    }
    let interrupt = (!interrupted).then_some(interrupt);
    run_on(&args, connection, &prepared, outcome, terminal, interrupt).await
}

/// A call failed; those before it may have started tasks.
fn not_started(terminal: &mut Terminal, error: &StartError) -> u8 {
    terminal.error(with_advice(error, &error.error));
    for arn in error
        .tasks
        .iter()
        .filter_map(|task| task.task_arn.as_deref())
    {
        terminal.say(format_args!("  {arn}"));
    }
    NOT_RUN
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

/// Starts the tasks. An interruption meanwhile does not cancel that: they could run on
/// unseen. It is told to the caller instead.
async fn start(
    connection: &Connection,
    input: &RunTaskInput,
    interrupt: Pin<&mut impl Future<Output = ()>>,
) -> (Result<RunTaskOutcome, StartError>, bool) {
    let options = CallOptions::new();
    let mut call = pin!(connection.client.start_tasks(input, &options));
    tokio::select! {
        biased;
        outcome = &mut call => (outcome, false),
        () = interrupt => (call.await, true),
    }
}

/// The failures as RunTask answers them.
fn failures(outcome: &RunTaskOutcome) -> Vec<Failure> {
    outcome.failures().iter().cloned().map(Into::into).collect()
}

async fn tell_failures(
    connection: &Connection,
    prepared: &Prepared,
    outcome: &RunTaskOutcome,
    terminal: &mut Terminal,
) {
    let definition = prepared.definition.as_ref();
    let failures = failures(outcome);
    let sentences = refusal::explain(connection, &prepared.input, definition, &failures).await;
    match (outcome.tasks(), failures.as_slice()) {
        ([], []) => terminal.error("the server answered with neither tasks nor failures"),
        ([], _) => terminal.error("the task was not placed"),
        _ => terminal.warning("not all tasks were placed"),
    }
    for sentence in sentences {
        terminal.say(format_args!("  {sentence}"));
    }
}

/// What is printed when nothing is followed.
fn answered(args: &RunArgs, outcome: &RunTaskOutcome, terminal: &mut Terminal) -> u8 {
    let tasks = outcome.tasks();
    let code = if outcome.is_complete() { 0 } else { NOT_RUN };
    if args.comfort.json {
        let ended = events::ended(terminal, code, tasks.to_vec(), failures(outcome));
        if let Err(failed) = ended {
            return not_run(terminal, &failed);
        }
    } else {
        for arn in tasks.iter().filter_map(|task| task.task_arn.as_deref()) {
            terminal.line(arn);
        }
        terminal.flush();
    }
    code
}

/// Follows the tasks to their end and tells it.
async fn run_on(
    args: &RunArgs,
    connection: &Connection,
    prepared: &Prepared,
    outcome: RunTaskOutcome,
    mut terminal: Terminal,
    interrupt: Option<Pin<&mut impl Future<Output = ()>>>,
) -> u8 {
    let definition = prepared.definition.clone();
    let definition = match connection.local {
        true => definition.map(fill_in::with_our_logs),
        false => definition,
    };
    let definition = definition.as_ref();
    if !args.comfort.no_logs
        && let Some(definition) = definition
    {
        warn_of_other_logs(definition, &mut terminal);
    }
    let names = definition.map(container_names).unwrap_or_default();
    let mut screen = match args.comfort.json {
        true => Screen::without_states(terminal, outcome.tasks(), &names),
        false => Screen::new(terminal, outcome.tasks(), &names),
    };
    let events = Events::new(outcome.tasks(), &names);
    let events = args.comfort.json.then_some(events);
    let options = follow::options(args, connection, definition);
    let cluster = args.task.cluster.clone();
    let run = (cluster, outcome.tasks().to_vec(), outcome.missing());
    let followed = follow::follow(connection, run, options, (&mut screen, events), interrupt).await;
    let mut terminal = screen.into_terminal();
    match followed {
        Ok(completion) => conclude(args, definition, &completion, &outcome, &mut terminal),
        Err(error) => not_run(&mut terminal, &Failed::new(error.to_string())),
    }
}

/// Says which logs are not where we look.
fn warn_of_other_logs(definition: &TaskDefinition, terminal: &mut Terminal) {
    for container in definition.container_definitions.iter().flatten() {
        let name = container.name.as_deref().unwrap_or_default();
        if LogStream::of(definition, container, &Task::default()).is_none() {
            terminal.warning(format_args!("{name}: its log driver's output is not shown"));
        }
    }
}

/// The summary, the JSON, the exit code.
fn conclude(
    args: &RunArgs,
    definition: Option<&TaskDefinition>,
    completion: &Completion,
    outcome: &RunTaskOutcome,
    terminal: &mut Terminal,
) -> u8 {
    let tasks: Vec<Task> = completion
        .tasks
        .iter()
        .map(|one| one.task.clone())
        .collect();
    for line in tasks.iter().flat_map(|task| summary::of(task, definition)) {
        terminal.say(line);
    }
    if let Some(problem) = completion.problem() {
        terminal.error(problem);
    }
    let mut templates = tasks
        .iter()
        .map(|task| template::for_stopped(task, definition));
    if let Some(template) = templates.find_map(|template| template) {
        terminal.say(format_args!(
            "a file for --secrets, ready to be filled:\n\n{template}"
        ));
    }
    let code = completion.exit_code();
    if args.comfort.json
        && let Err(failed) = events::ended(terminal, code, tasks, failures(outcome))
    {
        terminal.error(failed);
    }
    code
}

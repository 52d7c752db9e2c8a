//! `logs`: what a task's containers wrote.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use client::{INTERRUPTED, LogReader};
use model::shapes::{DescribeTaskDefinitionInput, Task, TaskDefinition};
use tokio::time::sleep;

use crate::failed::Failed;
use crate::screen::Screen;
use crate::task_name::Named;
use crate::terminal::Terminal;
use crate::{Common, Connection, listing, span, task_name};

/// Whose logs to show, and which.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LogsArgs {
    /// Id, unique beginning of an id, or ARN
    pub task: String,
    /// The cluster; `default` if not given
    #[arg(long)]
    pub cluster: Option<String>,
    /// Go on until the task has stopped
    #[arg(long, short)]
    pub follow: bool,
    /// Only this container
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
    /// Only what was written in the last so long: 90s, 10m, 1h30m
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    pub since: Option<Duration>,
    #[command(flatten)]
    pub common: Common,
}

pub(crate) async fn execute(
    args: LogsArgs,
    connection: &Connection,
    mut terminal: Terminal,
    interrupt: impl Future<Output = ()>,
) -> u8 {
    let found = find(&args, connection).await;
    let (named, definition) = match found {
        Ok(found) => found,
        Err(failed) => {
            terminal.error(failed);
            return Failed::EXIT_CODE;
        }
    };
    let showing = pin!(show(&args, connection, terminal, named, &definition));
    tokio::select! {
        code = showing => code,
        () = interrupt => INTERRUPTED,
    }
}

async fn find(args: &LogsArgs, connection: &Connection) -> Result<(Named, TaskDefinition), Failed> {
    let client = &connection.client;
    let named = task_name::find(client, args.cluster.as_deref(), &args.task).await?;
    let input = DescribeTaskDefinitionInput {
        task_definition: named.task.task_definition_arn.clone(),
        include: None,
    };
    let answer = client.describe_task_definition(input).await?.into_output();
    let definition = answer.task_definition.unwrap_or_default();
    if let Some(wanted) = &args.container {
        check_container(&definition, wanted)?;
    }
    Ok((named, definition))
}

fn check_container(definition: &TaskDefinition, wanted: &str) -> Result<(), Failed> {
    let names = container_names(definition);
    if names.contains(&wanted) {
        return Ok(());
    }
    Err(Failed::new(format!(
        "no container `{wanted}` in the task, only {}",
        names.join(", ")
    )))
}

/// The names of a definition's containers, in its order.
pub(crate) fn container_names(definition: &TaskDefinition) -> Vec<&str> {
    let containers = definition.container_definitions.iter().flatten();
    containers
        .map(|one| one.name.as_deref().unwrap_or_default())
        .collect()
}

async fn show(
    args: &LogsArgs,
    connection: &Connection,
    terminal: Terminal,
    named: Named,
    definition: &TaskDefinition,
) -> u8 {
    let wanted = |name: &str| {
        args.container
            .as_deref()
            .is_none_or(|wanted| wanted == name)
    };
    let since = args.since.map(|span| {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        connection.now.millis().saturating_sub(span)
    });
    let names = match &args.container {
        Some(_) => Vec::new(),
        None => container_names(definition),
    };
    let mut reader = LogReader::new(&connection.client, definition, 1, wanted).since(since);
    let mut tasks = [named.task];
    let mut screen = Screen::without_states(terminal, &tasks, &names);
    let pace = connection.log_pace();
    let mut quiet = 0;
    loop {
        let round = reader.round(&tasks).await;
        screen.lines(&round.lines);
        if let Some(problem) = round.problems.first() {
            screen.with_terminal(|terminal| terminal.error(problem));
            return Failed::EXIT_CODE;
        }
        quiet = if round.is_quiet() { quiet + 1 } else { 0 };
        let enough = if args.follow { pace.quiet_rounds } else { 1 };
        let goes_on = args.follow && !has_stopped(&tasks[0]);
        if quiet >= enough && !goes_on {
            return 0;
        }
        if args.follow && round.is_quiet() {
            sleep(pace.pause).await;
            let cluster = named.cluster.as_deref();
            if !has_stopped(&tasks[0]) {
                refresh(connection, cluster, &mut tasks[0]).await;
                // What was quiet before the end may have last words.
                quiet = 0;
            }
        }
    }
}

pub(crate) fn has_stopped(task: &Task) -> bool {
    task.last_status.as_deref() == Some("STOPPED")
}

/// Looks at a task again. A failure passes, or shows when logs are read; a task that is
/// gone has stopped long ago.
async fn refresh(connection: &Connection, cluster: Option<&str>, task: &mut Task) {
    let arn = [task.task_arn.clone().unwrap_or_default()];
    if let Ok(found) = listing::describe_tasks(&connection.client, cluster, &arn).await {
        match found.into_iter().next() {
            Some(newer) => *task = newer,
            None => task.last_status = Some("STOPPED".to_owned()),
        }
    }
}

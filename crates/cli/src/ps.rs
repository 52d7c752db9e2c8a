//! `ps`: the tasks of a cluster.

use model::Timestamp;
use model::shapes::{Container, DescribeTasksOutput, NetworkBinding, Task};

use crate::failed::Failed;
use crate::terminal::Terminal;
use crate::{Common, Connection, listing, span, table, task_name};

/// Which tasks to list.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PsArgs {
    /// The cluster; `default` if not given
    #[arg(long)]
    pub cluster: Option<String>,
    /// Also tasks that are stopping or have stopped
    #[arg(long, short)]
    pub all: bool,
    /// The answer of the API instead of a table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub common: Common,
}

const HEADINGS: [&str; 9] = [
    "TASK",
    "DEFINITION",
    "STATUS",
    "DESIRED",
    "HEALTH",
    "CONTAINERS",
    "PORTS",
    "AGE",
    "STARTED BY",
];

pub(crate) async fn execute(
    args: &PsArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    let (client, cluster) = (&connection.client, args.cluster.as_deref());
    let arns = listing::tasks(client, cluster, args.all).await?;
    let mut tasks = listing::describe_tasks(client, cluster, &arns).await?;
    tasks.sort_by_key(|task| std::cmp::Reverse(task.created_at));
    if args.json {
        let failures = Some(Vec::new());
        let tasks = Some(tasks);
        return print_json(terminal, &DescribeTasksOutput { failures, tasks });
    }
    let mut table = table::new(terminal, &HEADINGS);
    for task in &tasks {
        table.add_row(row(task, connection.now));
    }
    table::print(terminal, table);
    Ok(())
}

/// Prints an answer in its wire form.
pub(crate) fn print_json(
    terminal: &mut Terminal,
    answer: &impl serde::Serialize,
) -> Result<(), Failed> {
    let json = serde_json::to_string_pretty(answer);
    terminal.line(json.map_err(|error| Failed::new(format!("not to be had as JSON: {error}")))?);
    terminal.flush();
    Ok(())
}

fn row(task: &Task, now: Timestamp) -> [String; 9] {
    let text = |text: &Option<String>| table::or_dash(text.clone().unwrap_or_default());
    let containers = task.containers.as_deref().unwrap_or_default();
    let joined = |part: fn(&Container) -> String| {
        let parts: Vec<_> = containers
            .iter()
            .map(part)
            .filter(|part| !part.is_empty())
            .collect();
        table::or_dash(parts.join(", "))
    };
    let health = task.health_status.as_ref().map(|health| health.to_string());
    [
        task_name::short(task_name::id(task)).to_owned(),
        task_name::definition(task).to_owned(),
        text(&task.last_status),
        text(&task.desired_status),
        table::or_dash(health.unwrap_or_default()),
        joined(container),
        joined(ports),
        age(task, now),
        text(&task.started_by),
    ]
}

fn container(container: &Container) -> String {
    let name = container.name.as_deref().unwrap_or_default();
    match (container.exit_code, container.last_status.as_deref()) {
        (Some(code), _) => format!("{name} ({code})"),
        (None, Some("STOPPED")) => format!("{name} (never started)"),
        _ => name.to_owned(),
    }
}

fn ports(container: &Container) -> String {
    let bindings = container.network_bindings.as_deref().unwrap_or_default();
    let texts: Vec<_> = bindings.iter().map(port).collect();
    texts.join(", ")
}

fn port(binding: &NetworkBinding) -> String {
    let number = |port: Option<i32>, range: &Option<String>| match (port, range) {
        (Some(port), _) => port.to_string(),
        (None, range) => range.clone().unwrap_or_default(),
    };
    let outside = number(binding.host_port, &binding.host_port_range);
    let inside = number(binding.container_port, &binding.container_port_range);
    match &binding.protocol {
        Some(protocol) => format!("{outside}->{inside}/{protocol}"),
        None => format!("{outside}->{inside}"),
    }
}

/// Since it runs; before that, since it was created.
fn age(task: &Task, now: Timestamp) -> String {
    match task.started_at.or(task.created_at) {
        Some(since) => span::rough(now.millis_since(since)),
        None => "-".to_owned(),
    }
}

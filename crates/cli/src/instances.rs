//! `instances`: hosts, with what they have and what is free.

use model::shapes::{ContainerInstance, DescribeContainerInstancesOutput, Resource};

use crate::failed::Failed;
use crate::ps::print_json;
use crate::terminal::Terminal;
use crate::{Common, Connection, listing, table, task_name};

/// Which instances to list.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct InstancesArgs {
    /// The cluster; `default` if not given
    #[arg(long)]
    pub cluster: Option<String>,
    /// The answer of the API instead of a table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub common: Common,
}

const HEADINGS: [&str; 8] = [
    "INSTANCE",
    "STATUS",
    "AGENT",
    "CPU FREE",
    "MEMORY FREE",
    "PORTS TAKEN",
    "RUNNING",
    "PENDING",
];

pub(crate) async fn execute(
    args: &InstancesArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    let instances = listing::instances(&connection.client, args.cluster.as_deref()).await?;
    if args.json {
        let container_instances = Some(instances);
        let failures = Some(Vec::new());
        let answer = DescribeContainerInstancesOutput {
            container_instances,
            failures,
        };
        return print_json(terminal, &answer);
    }
    let mut table = table::new(terminal, &HEADINGS);
    for instance in &instances {
        table.add_row(row(instance));
    }
    table::print(terminal, table);
    Ok(())
}

fn row(instance: &ContainerInstance) -> [String; 8] {
    let count = |count: Option<i32>| count.unwrap_or(0).to_string();
    let agent = match instance.agent_connected {
        Some(true) => "connected",
        _ => "not connected",
    };
    let arn = instance.container_instance_arn.as_deref();
    [
        task_name::short(arn.unwrap_or_default()).to_owned(),
        table::or_dash(instance.status.clone().unwrap_or_default()),
        agent.to_owned(),
        of(instance, "CPU", ""),
        of(instance, "MEMORY", " MiB"),
        ports_taken(instance),
        count(instance.running_tasks_count),
        count(instance.pending_tasks_count),
    ]
}

/// `free of registered`.
fn of(instance: &ContainerInstance, name: &str, unit: &str) -> String {
    let amount = |list| amount(list, name).map_or("-".to_owned(), |amount| amount.to_string());
    let free = amount(&instance.remaining_resources);
    let all = amount(&instance.registered_resources);
    format!("{free} of {all}{unit}")
}

/// The instance's own ports (of its remote shell, its agent) are no news.
fn ports_taken(instance: &ContainerInstance) -> String {
    let own = ports(&instance.registered_resources);
    let mut taken = ports(&instance.remaining_resources);
    taken.retain(|port| !own.contains(port));
    table::or_dash(taken.join(", "))
}

fn find<'a>(list: &'a Option<Vec<Resource>>, name: &str) -> Option<&'a Resource> {
    let mut all = list.iter().flatten();
    all.find(|resource| resource.name.as_deref() == Some(name))
}

/// The amount of a countable resource, in ECS's units: CPU units, MiB.
pub(crate) fn amount(list: &Option<Vec<Resource>>, name: &str) -> Option<i32> {
    find(list, name)?.integer_value
}

/// Host ports in a list of resources, as `80/tcp`. In the remaining resources these are
/// the ports in use.
pub(crate) fn ports(list: &Option<Vec<Resource>>) -> Vec<String> {
    let mut ports = Vec::new();
    for (name, protocol) in [("PORTS", "tcp"), ("PORTS_UDP", "udp")] {
        let numbers = find(list, name).and_then(|resource| resource.string_set_value.as_ref());
        ports.extend(
            numbers
                .into_iter()
                .flatten()
                .map(|port| format!("{port}/{protocol}")),
        );
    }
    ports
}

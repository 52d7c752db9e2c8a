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

const HEADINGS: [&str; 11] = [
    "INSTANCE",
    "NAME",
    "ZONE",
    "PROVIDER",
    "STATUS",
    "AGENT",
    "RUNNING",
    "PENDING",
    "CPU FREE",
    "MEMORY FREE",
    "PORTS TAKEN",
];

/// Tag with the name that an instance has in the configuration of its server.
const NAME: &str = "longshore:name";
const ZONE: &str = "ecs.availability-zone";

pub(crate) async fn execute(
    args: &InstancesArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    let mut instances = listing::instances(&connection.client, args.cluster.as_deref()).await?;
    // The API lists by id, which says nothing to people.
    instances.sort_by_cached_key(|instance| natural(&name(instance)));
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

/// The name in the configuration, or the id of the virtual machine.
fn name(instance: &ContainerInstance) -> String {
    let mut tags = instance.tags.iter().flatten();
    let tag = tags.find(|tag| tag.key.as_deref() == Some(NAME));
    let id = instance.ec2_instance_id.clone();
    let name = tag.and_then(|tag| tag.value.clone());
    name.or(id).unwrap_or_default()
}

fn attribute(instance: &ContainerInstance, name: &str) -> Option<String> {
    let mut all = instance.attributes.iter().flatten();
    let found = all.find(|attribute| attribute.name.as_deref() == Some(name));
    found?.value.clone()
}

/// Sorts `node-2` before `node-10`.
fn natural(name: &str) -> (String, u64, String) {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name[letters.len()..].parse().unwrap_or(0);
    (letters.to_owned(), number, name.to_owned())
}

fn row(instance: &ContainerInstance) -> [String; 11] {
    let count = |count: Option<i32>| count.unwrap_or(0).to_string();
    let agent = match instance.agent_connected {
        Some(true) => "connected",
        _ => "not connected",
    };
    let arn = instance.container_instance_arn.as_deref();
    [
        task_name::short(arn.unwrap_or_default()).to_owned(),
        table::or_dash(name(instance)),
        table::or_dash(attribute(instance, ZONE).unwrap_or_default()),
        table::or_dash(instance.capacity_provider_name.clone().unwrap_or_default()),
        table::or_dash(instance.status.clone().unwrap_or_default()),
        agent.to_owned(),
        count(instance.running_tasks_count),
        count(instance.pending_tasks_count),
        of(instance, "CPU", ""),
        of(instance, "MEMORY", " MiB"),
        ports_taken(instance),
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

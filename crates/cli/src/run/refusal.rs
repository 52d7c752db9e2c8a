//! Why tasks were not placed, in words, with amounts and with what could help.

use std::collections::{BTreeMap, BTreeSet};

use client::{FailureKind, Resource};
use model::shapes::{ContainerInstance, Failure, RunTaskInput, TaskDefinition};

use super::demand::Demand;
use crate::instances::{amount, ports};
use crate::{Connection, listing, remedy, task_name};

/// How an instance is told that can never run the task, whatever else ends.
const LACKS: &str = "it lacks what the definition requires";

/// A sentence per failure, then the hints.
pub(super) async fn explain(
    connection: &Connection,
    input: &RunTaskInput,
    definition: Option<&TaskDefinition>,
    failures: &[Failure],
) -> Vec<String> {
    let instances = instances(connection, input, failures).await;
    let demand = definition.map(|definition| Demand::of(definition, input.overrides.as_ref()));
    let mut sentences: Vec<String> = failures
        .iter()
        .flat_map(|failure| sentences(failure, demand.as_ref(), &instances))
        .collect();
    // They end with the reason, and may name what the remedy depends on.
    let hints = remedy::hints(telling(&sentences));
    sentences.extend(hints);
    sentences
}

/// The sentences that say what to change: no room is none of the reasons where no instance could
/// ever run the task.
fn telling(sentences: &[String]) -> Vec<&str> {
    let all = sentences.iter().map(String::as_str);
    let blamed: Vec<_> = all
        .clone()
        .filter(|one| one.starts_with("instance "))
        .collect();
    let is_hopeless = !blamed.is_empty() && blamed.iter().all(|one| one.contains(LACKS));
    if is_hopeless { blamed } else { all.collect() }
}

/// The instances that the failures blame. Fargate blames none; a local server takes
/// Fargate tasks from the instances of the default cluster.
async fn instances(
    connection: &Connection,
    input: &RunTaskInput,
    failures: &[Failure],
) -> Vec<ContainerInstance> {
    let client = &connection.client;
    let blamed: BTreeSet<String> = failures
        .iter()
        .filter_map(|failure| failure.arn.clone())
        .filter(|arn| arn.contains(":container-instance/"))
        .collect();
    let found = if !blamed.is_empty() {
        let arns: Vec<_> = blamed.into_iter().collect();
        listing::describe_instances(client, input.cluster.as_deref(), &arns).await
    } else if connection.local && failures.iter().any(is_fargate_full) {
        listing::instances(client, None).await
    } else {
        return Vec::new();
    };
    // The failure is told without amounts if they cannot be had.
    found.unwrap_or_default()
}

/// A provider that has no room is blamed by its ARN.
fn is_fargate_full(failure: &Failure) -> bool {
    let reason = failure.reason.as_deref().unwrap_or_default();
    failure.arn.is_none() && FailureKind::of(reason) == FailureKind::CapacityUnavailable
}

fn sentences(
    failure: &Failure,
    demand: Option<&Demand>,
    instances: &[ContainerInstance],
) -> Vec<String> {
    let reason = failure.reason.as_deref().unwrap_or("no reason given");
    let arn = failure.arn.as_deref().unwrap_or_default();
    let instance = instances
        .iter()
        .find(|one| one.container_instance_arn.as_deref() == Some(arn));
    let place = match task_name::short(arn) {
        "" => String::new(),
        name => format!("instance {name}: "),
    };
    let words = match (FailureKind::of(reason), demand, instance) {
        (FailureKind::Resource(Resource::Cpu), Some(demand), Some(instance)) => lacking(
            "CPU",
            i64::from(demand.cpu_units),
            "CPU units",
            amounts(instance, "CPU"),
        ),
        (FailureKind::Resource(Resource::Memory), Some(demand), Some(instance)) => lacking(
            "memory",
            i64::from(demand.memory_mib),
            "MiB",
            amounts(instance, "MEMORY"),
        ),
        (FailureKind::Resource(Resource::Ports), Some(demand), Some(instance)) => {
            taken(demand, instance)
        }
        (FailureKind::AgentDisconnected, ..) => "its agent is not connected".to_owned(),
        (FailureKind::Attribute, Some(demand), Some(instance)) => missing(demand, instance),
        (FailureKind::Location, ..) => "it is in another zone than the given subnets".to_owned(),
        (FailureKind::Missing, ..) => "there is no such instance in the cluster".to_owned(),
        (FailureKind::Inactive, ..) => "it is not in service".to_owned(),
        (_, Some(demand), _) if is_fargate_full(failure) && !instances.is_empty() => {
            return no_room(reason, demand, instances);
        }
        _ => String::new(),
    };
    let detail = failure
        .detail
        .as_deref()
        .map(|detail| format!(": {detail}"));
    let detail = detail.unwrap_or_default();
    vec![match words.as_str() {
        "" => format!("{place}{reason}{detail}"),
        words => format!("{place}{words} ({reason}{detail})"),
    }]
}

/// Free and registered.
fn amounts(instance: &ContainerInstance, name: &str) -> (i32, i32) {
    let amount = |list| amount(list, name).unwrap_or(0);
    (
        amount(&instance.remaining_resources),
        amount(&instance.registered_resources),
    )
}

fn lacking(what: &str, asked: i64, unit: &str, (free, all): (i32, i32)) -> String {
    format!("not enough {what}: {asked} {unit} asked, {free} free of {all}")
}

fn no_room(reason: &str, demand: &Demand, instances: &[ContainerInstance]) -> Vec<String> {
    let Demand {
        cpu_units,
        memory_mib,
        ..
    } = demand;
    let asked = format!("{reason} ({cpu_units} CPU units and {memory_mib} MiB asked)");
    let free = instances.iter().map(|instance| {
        let name = task_name::short(
            instance
                .container_instance_arn
                .as_deref()
                .unwrap_or_default(),
        );
        if let Some(lacks) = lacks(demand, instance) {
            return format!("instance {name}: {lacks}");
        }
        let (cpu, cpu_all) = amounts(instance, "CPU");
        let (memory, memory_all) = amounts(instance, "MEMORY");
        format!(
            "instance {name}: {cpu} of {cpu_all} CPU units and {memory} of {memory_all} MiB free"
        )
    });
    std::iter::once(asked).chain(free).collect()
}

fn taken(demand: &Demand, instance: &ContainerInstance) -> String {
    let in_use = ports(&instance.remaining_resources);
    let asked = demand.ports.iter();
    let taken: Vec<_> = asked
        .filter(|port| in_use.contains(port))
        .cloned()
        .collect();
    match taken.as_slice() {
        // Given back since then, or too many ports.
        [] => format!("no room for the host ports {}", demand.ports.join(", ")),
        [port] => format!("host port {port} is taken"),
        ports => format!("host ports {} are taken", ports.join(", ")),
    }
}

fn missing(demand: &Demand, instance: &ContainerInstance) -> String {
    lacks(demand, instance)
        .unwrap_or_else(|| "it lacks an attribute that the definition requires".to_owned())
}

/// What `requiresAttributes` asks for and the instance has not, or has otherwise.
fn lacks(demand: &Demand, instance: &ContainerInstance) -> Option<String> {
    let has: BTreeMap<_, _> = instance
        .attributes
        .iter()
        .flatten()
        .filter_map(|one| Some((one.name.as_deref()?, one.value.as_deref())))
        .collect();
    let lacking = |(name, value): &(String, Option<String>)| {
        let asked = value.as_deref();
        match (has.get(name.as_str()), asked) {
            (None, None) => Some(name.clone()),
            (None, Some(asked)) => Some(format!("{name} {asked}")),
            (Some(Some(own)), Some(asked)) if *own != asked => {
                Some(format!("{name} {asked} (it has {own})"))
            }
            _ => None,
        }
    };
    let missing: Vec<_> = demand.attributes.iter().filter_map(lacking).collect();
    (!missing.is_empty()).then(|| format!("{LACKS}: {}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use client::Constraint;
    use serde_json::json;

    use super::*;

    fn instance() -> ContainerInstance {
        let resources = |cpu: i32, memory: i32, ports: &[&str]| {
            json!([{"name": "CPU", "integerValue": cpu}, {"name": "MEMORY", "integerValue": memory},
                {"name": "PORTS", "stringSetValue": ports}])
        };
        let instance = json!({
            "containerInstanceArn": "arn:aws:ecs:r:0:container-instance/default/0c9f3a64b1c8",
            "registeredResources": resources(4096, 8000, &["22"]),
            "remainingResources": resources(1024, 1873, &["22", "8080"]),
            "attributes": [{"name": "ecs.os-type"}]
        });
        serde_json::from_value(instance).unwrap()
    }

    #[track_caller]
    fn check(reason: &str, expected: &[&str]) {
        let lacking = (reason == "ATTRIBUTE").then_some("ecs.capability.task-eni");
        let required = ["ecs.os-type"].into_iter().chain(lacking);
        let required: Vec<_> = required.map(|name| json!({"name": name})).collect();
        let definition = json!({
            "requiresAttributes": required,
            "containerDefinitions": [{"cpu": 2048, "memory": 4096,
                "portMappings": [{"containerPort": 80, "hostPort": 8080}]}]
        });
        let demand = Demand::of(&serde_json::from_value(definition).unwrap(), None);
        let failure = Failure {
            arn: (!reason.starts_with("Capacity"))
                .then(|| instance().container_instance_arn.unwrap()),
            reason: Some(reason.to_owned()),
            detail: None,
        };
        assert_eq!(sentences(&failure, Some(&demand), &[instance()]), expected);
    }

    #[test]
    fn amounts_and_names_are_told() {
        check(
            "RESOURCE:CPU",
            &[
                "instance 0c9f3a64: not enough CPU: 2048 CPU units asked, 1024 free of 4096 \
               (RESOURCE:CPU)",
            ],
        );
        check(
            "RESOURCE:MEMORY",
            &[
                "instance 0c9f3a64: not enough memory: 4096 MiB asked, 1873 free of 8000 \
               (RESOURCE:MEMORY)",
            ],
        );
        check(
            "RESOURCE:PORTS",
            &["instance 0c9f3a64: host port 8080/tcp is taken (RESOURCE:PORTS)"],
        );
        check(
            "AGENT",
            &["instance 0c9f3a64: its agent is not connected (AGENT)"],
        );
        check(
            "ATTRIBUTE",
            &["instance 0c9f3a64: it lacks what the definition requires: \
               ecs.capability.task-eni (ATTRIBUTE)"],
        );
        check(
            "Capacity is unavailable at this time.",
            &[
                "Capacity is unavailable at this time. (2048 CPU units and 4096 MiB asked)",
                "instance 0c9f3a64: 1024 of 4096 CPU units and 1873 of 8000 MiB free",
            ],
        );
        check("RESOURCE:GPU", &["instance 0c9f3a64: RESOURCE:GPU"]);
    }

    #[test]
    fn another_architecture_is_told_also_for_fargate() {
        let definition = json!({"cpu": "256", "memory": "512",
            "requiresAttributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}]});
        let demand = Demand::of(&serde_json::from_value(definition).unwrap(), None);
        let mut instance = instance();
        let attribute = json!([{"name": "ecs.cpu-architecture", "value": "arm64"}]);
        instance.attributes = serde_json::from_value(attribute).unwrap();
        let failure = Failure {
            reason: Some("Capacity is unavailable at this time.".to_owned()),
            ..Failure::default()
        };
        let said = sentences(&failure, Some(&demand), std::slice::from_ref(&instance));
        let lacks = "instance 0c9f3a64: it lacks what the definition requires: \
                     ecs.cpu-architecture x86_64 (it has arm64)";
        assert_eq!(said.last().map(String::as_str), Some(lacks));
        assert_eq!(telling(&said), [lacks]);
        let other = [
            "no room".to_owned(),
            lacks.to_owned(),
            "instance b: no CPU".to_owned(),
        ];
        assert_eq!(telling(&other).len(), 3, "one instance could run it");
    }

    #[test]
    fn both_apostrophes_are_a_limit() {
        for reason in [
            "You've reached the limit on the number of vCPUs you can run concurrently",
            "You’ve reached the limit on the number of tasks you can run concurrently",
        ] {
            assert_eq!(FailureKind::of(reason), FailureKind::ConcurrencyLimit);
        }
        let text = "MemberOf placement constraint unsatisfied.";
        let constraint = FailureKind::Constraint(Constraint::MemberOf);
        assert_eq!(FailureKind::of(text), constraint);
    }
}

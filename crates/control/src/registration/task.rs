//! Checks of the task level, and of the containers against each other.

use std::collections::BTreeSet;

use model::shapes::{NetworkMode, TaskDefinition, TaskDefinitionPlacementConstraintType};

use super::{kernel, secrets, volumes, word};
use crate::error::OpError;
use crate::identifier::{self, is_name};
use crate::launch::placement;
use crate::limits::{CONSTRAINTS_MAX, CONTAINERS_MAX, TASK_CPU_UNITS};
use crate::sizes;

pub(super) fn check(shape: &mut TaskDefinition) -> Result<(), OpError> {
    let family = shape.family.as_deref().unwrap_or_default();
    if family.is_empty() {
        return Err(OpError::client("Family should not be null or empty."));
    }
    if !is_name(family) {
        return Err(OpError::client("Family contains invalid characters."));
    }
    let containers = shape.container_definitions.as_deref().unwrap_or_default();
    if containers.is_empty() {
        return Err(OpError::client("Container list cannot be empty."));
    }
    if containers.len() > CONTAINERS_MAX {
        return Err(OpError::client("Too many containers."));
    }
    check_network_mode(shape)?;
    normalise(&mut shape.cpu, "cpu", sizes::cpu_units)?;
    normalise(&mut shape.memory, "memory", sizes::memory_mib)?;
    identifier::check_role(shape.task_role_arn.as_deref())?;
    identifier::check_role(shape.execution_role_arn.as_deref())?;
    check_constraints(shape)?;
    check_storage(shape)?;
    kernel::check_task(shape)?;
    volumes::check(shape)
}

/// The size must be right, also where no launch type of the definition takes it.
fn check_storage(shape: &TaskDefinition) -> Result<(), OpError> {
    let Some(storage) = &shape.ephemeral_storage else {
        return Ok(());
    };
    let Some(size) = storage.size_in_gib else {
        return Err(OpError::client("ephemeralStorage needs a sizeInGiB."));
    };
    sizes::ephemeral_storage_problem(size).map_or(Ok(()), |problem| Err(OpError::client(problem)))
}

fn check_network_mode(shape: &TaskDefinition) -> Result<(), OpError> {
    let mode = shape.network_mode.as_ref().map(NetworkMode::as_str);
    word("networkMode", mode, NetworkMode::VALUES)
}

/// Stores the plain number for `"1 vCPU"` and `"2GB"`.
fn normalise(
    value: &mut Option<String>,
    member: &str,
    parse: fn(&str) -> Option<u32>,
) -> Result<(), OpError> {
    let Some(text) = value else { return Ok(()) };
    let bad = || OpError::client(format!("Invalid '{member}' setting for task."));
    let amount = parse(text).ok_or_else(bad)?;
    if member == "cpu" && !TASK_CPU_UNITS.contains(&amount) {
        return Err(bad());
    }
    *text = amount.to_string();
    Ok(())
}

fn check_constraints(shape: &TaskDefinition) -> Result<(), OpError> {
    let constraints = shape.placement_constraints.as_deref().unwrap_or_default();
    if constraints.len() > CONSTRAINTS_MAX {
        let text = format!("Maximum number of constraints is {CONSTRAINTS_MAX}");
        return Err(OpError::client(text));
    }
    for constraint in constraints {
        match &constraint.r#type {
            Some(TaskDefinitionPlacementConstraintType::MemberOf) => {}
            Some(other) => {
                let text = format!("constraint.type '{other}' is not supported.");
                return Err(OpError::client(text));
            }
            None => return Err(OpError::client("constraint.type should not be null.")),
        }
        let text = constraint.expression.as_deref().unwrap_or_default();
        if text.is_empty() {
            return Err(OpError::client(
                "memberOf expression should not be null or empty.",
            ));
        }
        // Whether an instance can ever satisfy it is not asked here.
        placement::expression(text)?;
    }
    Ok(())
}

/// Names, sums and references across containers.
pub(super) fn check_containers_together(shape: &TaskDefinition) -> Result<(), OpError> {
    let containers = shape.container_definitions.as_deref().unwrap_or_default();
    let mut names = BTreeSet::new();
    for name in containers
        .iter()
        .filter_map(|container| container.name.as_deref())
    {
        if !names.insert(name) {
            return Err(OpError::client(format!(
                "Container name '{name}' is used twice."
            )));
        }
    }
    if !containers
        .iter()
        .any(|container| container.essential.unwrap_or(true))
    {
        let text = "Task definition doesn't have any essential container.";
        return Err(OpError::client(text));
    }
    check_cpu_sum(shape)?;
    for container in containers {
        let name = container.name.as_deref().unwrap_or_default();
        check_memory(shape, name, container.memory, container.memory_reservation)?;
        volumes::check_uses(shape, container, &names)?;
        secrets::check(shape, container)?;
    }
    Ok(())
}

fn check_cpu_sum(shape: &TaskDefinition) -> Result<(), OpError> {
    let task_cpu = shape.cpu.as_deref().and_then(sizes::cpu_units);
    let containers = shape.container_definitions.iter().flatten();
    sizes::check_cpu_sum(task_cpu, containers.map(|container| container.cpu))
}

fn check_memory(
    shape: &TaskDefinition,
    name: &str,
    memory: Option<i32>,
    reservation: Option<i32>,
) -> Result<(), OpError> {
    let task_memory = shape.memory.as_deref().and_then(sizes::memory_mib);
    let own = memory.or(reservation);
    if task_memory.is_none() && own.is_none() {
        return Err(OpError::client(format!(
            "Invalid setting for container '{name}'. At least one of 'memory' or \
             'memoryReservation' must be specified."
        )));
    }
    sizes::check_memory_within(task_memory, name, own)
}

//! Checks of the task level, and of the containers against each other.

use std::collections::BTreeSet;

use model::shapes::{NetworkMode, TaskDefinition, TaskDefinitionPlacementConstraintType};

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
    check_volumes(shape)
}

fn check_network_mode(shape: &TaskDefinition) -> Result<(), OpError> {
    match &shape.network_mode {
        Some(mode) if !NetworkMode::VALUES.contains(&mode.as_str()) => {
            let known = NetworkMode::VALUES.join(",");
            let text = format!("networkMode should be one of [{known}], but was {mode}.");
            Err(OpError::client(text))
        }
        _ => Ok(()),
    }
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

fn check_volumes(shape: &TaskDefinition) -> Result<(), OpError> {
    let mut names = BTreeSet::new();
    for volume in shape.volumes.as_deref().unwrap_or_default() {
        let name = volume.name.as_deref().unwrap_or_default();
        if !is_name(name) {
            return Err(OpError::client(format!(
                "Volume name '{name}' is not valid."
            )));
        }
        if !names.insert(name) {
            return Err(OpError::client(format!(
                "Volume name '{name}' is used twice."
            )));
        }
        let kinds = [
            volume
                .host
                .as_ref()
                .is_some_and(|host| host.source_path.is_some()),
            volume.docker_volume_configuration.is_some(),
            volume.efs_volume_configuration.is_some(),
            volume.s3files_volume_configuration.is_some(),
            volume
                .fsx_windows_file_server_volume_configuration
                .is_some(),
            volume.configured_at_launch == Some(true),
        ];
        if kinds.iter().filter(|is_set| **is_set).count() > 1 {
            let text = format!("Volume '{name}' has more than one kind of configuration.");
            return Err(OpError::client(text));
        }
    }
    let at_launch = shape
        .volumes
        .iter()
        .flatten()
        .filter(|v| v.configured_at_launch == Some(true));
    if at_launch.count() > 1 {
        return Err(OpError::client(
            "At most one volume can be configured at launch.",
        ));
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
        check_references(shape, container, &names)?;
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

fn check_references(
    shape: &TaskDefinition,
    container: &model::shapes::ContainerDefinition,
    names: &BTreeSet<&str>,
) -> Result<(), OpError> {
    let volumes = shape.volumes.as_deref().unwrap_or_default();
    for mount in container.mount_points.iter().flatten() {
        let source = mount.source_volume.as_deref().unwrap_or_default();
        if !volumes
            .iter()
            .any(|volume| volume.name.as_deref() == Some(source))
        {
            return Err(OpError::client(format!("Unknown volume '{source}'.")));
        }
    }
    for from in container.volumes_from.iter().flatten() {
        let source = from.source_container.as_deref().unwrap_or_default();
        if !names.contains(source) {
            return Err(OpError::client(format!(
                "Unknown container '{source}' in volumesFrom."
            )));
        }
    }
    if container
        .secrets
        .as_ref()
        .is_some_and(|secrets| !secrets.is_empty())
        && shape.execution_role_arn.is_none()
    {
        return Err(OpError::client(
            "When you are specifying container secrets, you must also specify a value for \
             'executionRoleArn'.",
        ));
    }
    Ok(())
}

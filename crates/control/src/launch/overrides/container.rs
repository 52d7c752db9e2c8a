//! Checks of `overrides.containerOverrides`: each entry by itself, then all containers as they
//! become (`run-task.md` §5.2).

use std::collections::BTreeSet;

use model::shapes::{ContainerDefinition, ContainerOverride, TaskOverride};

use crate::assignment::{Size, chosen_size};
use crate::error::OpError;
use crate::limits::CONTAINER_MEMORY_MIB_MIN;
use crate::record::Definition;
use crate::record::task::LaunchType;
use crate::{environment, gpus, sizes};

pub(super) fn check_all(
    overrides: &[ContainerOverride],
    definition: &Definition,
    launch_type: LaunchType,
) -> Result<(), OpError> {
    let mut names = BTreeSet::new();
    for over in overrides {
        check(over, definition, launch_type)?;
        if over.name.is_some() && !names.insert(over.name.as_deref()) {
            return Err(OpError::invalid_parameter(format!(
                "There are several overrides for container named {}. Put them into one.",
                over.name.as_deref().unwrap_or_default()
            )));
        }
    }
    Ok(())
}

fn check(
    over: &ContainerOverride,
    definition: &Definition,
    launch_type: LaunchType,
) -> Result<(), OpError> {
    if *over == ContainerOverride::default() {
        return Ok(());
    }
    let name = over.name.as_deref().unwrap_or_default();
    let Some(container) = definition.container(name) else {
        return Err(OpError::invalid_parameter(format!(
            "Override for container named {name} is not a container in the TaskDefinition."
        )));
    };
    let environment = over.environment.as_deref().unwrap_or_default();
    let files = over.environment_files.as_deref().unwrap_or_default();
    let requirements = over.resource_requirements.as_deref().unwrap_or_default();
    let problem = environment::problem(environment)
        .or_else(|| environment::files_problem(files))
        .or_else(|| command_problem(over))
        .or_else(|| gpus::problem(requirements))
        .or_else(|| fargate_problem(over, launch_type));
    if let Some(problem) = problem {
        return Err(OpError::invalid_parameter(format!(
            "Override for container named {name} {problem}."
        )));
    }
    check_amounts(over, container, name)
}

/// No operating system can pass such a word to a process.
fn command_problem(over: &ContainerOverride) -> Option<String> {
    let mut words = over.command.iter().flatten();
    words
        .any(|word| word.contains('\0'))
        .then(|| "has a NUL character in its command".to_owned())
}

fn fargate_problem(over: &ContainerOverride, launch_type: LaunchType) -> Option<String> {
    let requirements = over.resource_requirements.as_deref().unwrap_or_default();
    let refused = launch_type == LaunchType::Fargate && !requirements.is_empty();
    refused
        .then(|| "has resourceRequirements, which launch type FARGATE does not support".to_owned())
}

/// The same rules as at registration, on the merged values.
fn check_amounts(
    over: &ContainerOverride,
    container: &ContainerDefinition,
    name: &str,
) -> Result<(), OpError> {
    let least = [
        ("cpu", over.cpu, 0),
        ("memory", over.memory, CONTAINER_MEMORY_MIB_MIN),
        (
            "memoryReservation",
            over.memory_reservation,
            CONTAINER_MEMORY_MIB_MIN,
        ),
    ];
    for (member, amount, min) in least {
        if amount.is_some_and(|amount| amount < min) {
            return Err(OpError::invalid_parameter(format!(
                "Override {member} for container named {name} must be at least {min}."
            )));
        }
    }
    let memory = over.memory.or(container.memory);
    let reservation = over.memory_reservation.or(container.memory_reservation);
    match (memory, reservation) {
        (Some(memory), Some(reservation)) if memory <= reservation => {
            Err(OpError::invalid_parameter(format!(
                "Override for container named {name} makes memory {memory}, which must be greater \
                 than memoryReservation {reservation}."
            )))
        }
        _ => Ok(()),
    }
}

/// Each container, and their sum, within the task.
pub(super) fn check_together(
    overrides: &TaskOverride,
    definition: &Definition,
) -> Result<(), OpError> {
    if *overrides == TaskOverride::default() {
        return Ok(());
    }
    let over = |container: &ContainerDefinition| {
        let given = overrides.container_overrides.as_ref()?;
        given.iter().find(|one| one.name == container.name)
    };
    let cpu = |container: &ContainerDefinition| {
        let given = over(container).and_then(|over| over.cpu);
        given.or(container.cpu)
    };
    let task_cpu = chosen_size(Some(overrides), definition, Size::Cpu);
    sizes::check_cpu_sum(task_cpu, definition.containers().iter().map(cpu))?;
    let task_memory = chosen_size(Some(overrides), definition, Size::Memory);
    for container in definition.containers() {
        let (memory, reservation) = over(container)
            .map(|over| (over.memory, over.memory_reservation))
            .unwrap_or_default();
        let memory = memory.or(container.memory);
        let own = memory.or(reservation).or(container.memory_reservation);
        let name = container.name.as_deref().unwrap_or_default();
        sizes::check_memory_within(task_memory, name, own)?;
    }
    Ok(())
}

/// Refuses what no host of ours can do.
pub(super) fn check_supported(overrides: &TaskOverride) -> Result<(), OpError> {
    let mut overs = overrides.container_overrides.iter().flatten();
    let is_other = overs.any(|over| {
        let requirements = over.resource_requirements.as_deref();
        gpus::is_other(requirements.unwrap_or_default())
    });
    match is_other {
        true => Err(OpError::unsupported(
            "overrides.containerOverrides.resourceRequirements",
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;

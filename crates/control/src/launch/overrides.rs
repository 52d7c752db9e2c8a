//! Checks of `overrides` (`run-task.md` §5.1, §5.2).

use model::shapes::{ContainerOverride, TaskOverride};

use crate::assignment::{Size, chosen_size};
use crate::error::OpError;
use crate::limits::OVERRIDES_CHARS_MAX;
use crate::record::Definition;
use crate::record::task::LaunchType;
use crate::sizes;

/// Returns what to keep: as given, task-level sizes as plain integers.
pub(crate) fn checked(
    given: Option<TaskOverride>,
    definition: &Definition,
    launch_type: LaunchType,
) -> Result<TaskOverride, OpError> {
    let mut overrides = given.unwrap_or_default();
    check_length(&overrides)?;
    for container in overrides.container_overrides.iter().flatten() {
        check_container(container, definition)?;
    }
    if overrides.ephemeral_storage.is_some() {
        return Err(OpError::unsupported("overrides.ephemeralStorage"));
    }
    overrides.inference_accelerator_overrides = None;
    normalise(&mut overrides.cpu, "cpu", sizes::cpu_units)?;
    normalise(&mut overrides.memory, "memory", sizes::memory_mib)?;
    if launch_type == LaunchType::Fargate {
        check_fargate_size(&overrides, definition)?;
    }
    Ok(overrides)
}

/// The limit counts the compact JSON form, syntax included.
fn check_length(overrides: &TaskOverride) -> Result<(), OpError> {
    let text = serde_json::to_string(overrides)
        .map_err(|cause| OpError::internal(format!("overrides as JSON: {cause}")))?;
    if text.chars().count() > OVERRIDES_CHARS_MAX {
        let text = format!("Container Overrides length must be at most {OVERRIDES_CHARS_MAX}");
        return Err(OpError::invalid_parameter(text));
    }
    Ok(())
}

fn check_container(over: &ContainerOverride, definition: &Definition) -> Result<(), OpError> {
    if *over == ContainerOverride::default() {
        return Ok(());
    }
    let name = over.name.as_deref().unwrap_or_default();
    if definition.container(name).is_none() {
        return Err(OpError::invalid_parameter(format!(
            "Override for container named {name} is not a container in the TaskDefinition."
        )));
    }
    let filled = [
        (
            "environmentFiles",
            over.environment_files
                .as_ref()
                .is_some_and(|l| !l.is_empty()),
        ),
        (
            "resourceRequirements",
            over.resource_requirements
                .as_ref()
                .is_some_and(|l| !l.is_empty()),
        ),
    ];
    if let Some((member, _)) = filled.iter().find(|(_, filled)| *filled) {
        return Err(OpError::unsupported(format!(
            "overrides.containerOverrides.{member}"
        )));
    }
    let amounts = [
        ("cpu", over.cpu),
        ("memory", over.memory),
        ("memoryReservation", over.memory_reservation),
    ];
    match amounts
        .iter()
        .find(|(_, amount)| amount.is_some_and(|amount| amount < 0))
    {
        Some((member, _)) => Err(OpError::invalid_parameter(format!(
            "Override {member} for container {name} must not be negative."
        ))),
        None => Ok(()),
    }
}

fn normalise(
    value: &mut Option<String>,
    member: &str,
    parse: fn(&str) -> Option<u32>,
) -> Result<(), OpError> {
    let Some(text) = value else { return Ok(()) };
    let amount = parse(text).ok_or_else(|| {
        OpError::invalid_parameter(format!("Invalid '{member}' setting for task."))
    })?;
    *text = amount.to_string();
    Ok(())
}

fn check_fargate_size(overrides: &TaskOverride, definition: &Definition) -> Result<(), OpError> {
    let cpu = chosen_size(overrides, definition, Size::Cpu).unwrap_or_default();
    let memory = chosen_size(overrides, definition, Size::Memory).unwrap_or_default();
    if sizes::is_fargate_size(cpu, memory) {
        Ok(())
    } else {
        Err(sizes::no_fargate_configuration(
            &cpu.to_string(),
            &memory.to_string(),
        ))
    }
}

//! Checks of `overrides` (`run-task.md` §5.1, §5.2). What registration asks of a definition is
//! asked again of what it becomes with the overrides.

mod container;

use std::sync::Arc;

use model::shapes::TaskOverride;

use crate::assignment::{Size, chosen_size};
use crate::error::OpError;
use crate::limits::{OVERRIDES_UTF16_MAX, TASK_CPU_UNITS};
use crate::record::Definition;
use crate::record::task::LaunchType;
use crate::{identifier, sizes};

/// Returns what to keep: as given, task-level sizes as plain integers; nothing if that is empty.
pub(crate) fn checked(
    given: Option<TaskOverride>,
    definition: &Definition,
    launch_type: LaunchType,
) -> Result<Option<Arc<TaskOverride>>, OpError> {
    let mut overrides = given.unwrap_or_default();
    check_length(&overrides)?;
    let containers = overrides.container_overrides.as_deref().unwrap_or_default();
    container::check_all(containers, definition, launch_type)?;
    identifier::check_role(overrides.task_role_arn.as_deref())?;
    identifier::check_role(overrides.execution_role_arn.as_deref())?;
    check_ephemeral_storage(&overrides, launch_type)?;
    overrides.inference_accelerator_overrides = None;
    normalise(&mut overrides.cpu, "cpu", sizes::cpu_units)?;
    normalise(&mut overrides.memory, "memory", sizes::memory_mib)?;
    check_task_sizes(&overrides, definition, launch_type)?;
    container::check_together(&overrides, definition)?;
    container::check_supported(&overrides)?;
    Ok((overrides != TaskOverride::default()).then(|| Arc::new(overrides)))
}

/// The limit counts the compact JSON form, syntax included.
fn check_length(overrides: &TaskOverride) -> Result<(), OpError> {
    let text = serde_json::to_string(overrides)
        .map_err(|cause| OpError::internal(format!("overrides as JSON: {cause}")))?;
    if text.encode_utf16().count() > OVERRIDES_UTF16_MAX {
        let text = format!("Container Overrides length must be at most {OVERRIDES_UTF16_MAX}");
        return Err(OpError::invalid_parameter(text));
    }
    Ok(())
}

fn check_ephemeral_storage(
    overrides: &TaskOverride,
    launch_type: LaunchType,
) -> Result<(), OpError> {
    let Some(storage) = &overrides.ephemeral_storage else {
        return Ok(());
    };
    if launch_type != LaunchType::Fargate {
        return Err(OpError::invalid_parameter(format!(
            "ephemeralStorage can be overridden with launch type FARGATE only, not with {}.",
            launch_type.as_str()
        )));
    }
    let problem = match storage.size_in_gib {
        Some(size) => sizes::ephemeral_storage_problem(size),
        None => Some("ephemeralStorage needs a sizeInGiB.".to_owned()),
    };
    problem.map_or(Ok(()), |problem| Err(OpError::invalid_parameter(problem)))
}

fn normalise(
    value: &mut Option<String>,
    member: &str,
    parse: fn(&str) -> Option<u32>,
) -> Result<(), OpError> {
    let Some(text) = value else { return Ok(()) };
    let amount = parse(text).ok_or_else(|| invalid_size(member))?;
    *text = amount.to_string();
    Ok(())
}

fn invalid_size(member: &str) -> OpError {
    OpError::invalid_parameter(format!("Invalid '{member}' setting for task."))
}

/// Fargate knows certain pairs, the others bounds of what is overridden.
fn check_task_sizes(
    overrides: &TaskOverride,
    definition: &Definition,
    launch_type: LaunchType,
) -> Result<(), OpError> {
    if launch_type != LaunchType::Fargate {
        let cpu = overrides.cpu.as_deref().and_then(sizes::cpu_units);
        let is_valid = cpu.is_none_or(|cpu| TASK_CPU_UNITS.contains(&cpu));
        return is_valid.then_some(()).ok_or_else(|| invalid_size("cpu"));
    }
    let cpu = chosen_size(Some(overrides), definition, Size::Cpu).unwrap_or_default();
    let memory = chosen_size(Some(overrides), definition, Size::Memory).unwrap_or_default();
    if sizes::is_fargate_size(cpu, memory) {
        Ok(())
    } else {
        Err(sizes::no_fargate_configuration(
            &cpu.to_string(),
            &memory.to_string(),
        ))
    }
}

#[cfg(test)]
mod tests;

//! Checks of a RunTask request that need nothing but the request and its definition.
//! Limits: `run-task.md` §2. Texts: §7.

use model::shapes::{self, Compatibility, PropagateTags, RunTaskInput};

use super::strategy;
use crate::cx::Settings;
use crate::error::{OpError, not_one_of};
use crate::limits::{COUNT_MAX, GROUP_CHARS_MAX};
use crate::record::Definition;
use crate::record::cluster::StrategyItem;
use crate::record::definition::DefinitionStatus;
use crate::record::task::LaunchType;

/// Refuses members whose capability this server does not have yet, rather than ignoring them.
/// Scripted hosts have no process for a session to enter or a volume to be mounted for, so there
/// the task shows the agent and the attachment that a caller waits for.
pub(crate) fn check_supported(settings: &Settings, input: &RunTaskInput) -> Result<(), OpError> {
    let given = [
        (
            "volumeConfigurations",
            filled(&input.volume_configurations) && !settings.scripted,
        ),
        (
            "enableExecuteCommand",
            input.enable_execute_command == Some(true) && !settings.scripted,
        ),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((member, _)) => Err(OpError::unsupported(member)),
        None => Ok(()),
    }
}

fn filled<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}

/// An ACTIVE revision.
pub(crate) fn check_definition(definition: &Definition) -> Result<(), OpError> {
    match definition.status {
        DefinitionStatus::Active => Ok(()),
        DefinitionStatus::Inactive | DefinitionStatus::DeleteInProgress => {
            Err(OpError::invalid_parameter("TaskDefinition is inactive"))
        }
    }
}

pub(crate) fn count(input: &RunTaskInput) -> Result<usize, OpError> {
    let count = input.count.unwrap_or(1);
    if (1..=COUNT_MAX).contains(&count) {
        Ok(count as usize)
    } else {
        Err(OpError::invalid_parameter(format!(
            "Tasks count must be between 1 and {COUNT_MAX}."
        )))
    }
}

/// The launch type: the one given, else that of the strategy's providers, else EC2 (`run-task.md` §3).
pub(crate) fn launch_type(
    input: &RunTaskInput,
    definition: &Definition,
    strategy: &[StrategyItem],
) -> Result<LaunchType, OpError> {
    let launch_type = match &input.launch_type {
        None => strategy::launch_type(strategy).unwrap_or(LaunchType::Ec2),
        Some(shapes::LaunchType::Ec2) => LaunchType::Ec2,
        Some(shapes::LaunchType::Fargate) => LaunchType::Fargate,
        Some(shapes::LaunchType::External) => LaunchType::External,
        Some(shapes::LaunchType::ManagedInstances) => {
            return Err(OpError::invalid_parameter(
                "MANAGED_INSTANCES is chosen through a capacity provider, not as a launch type.",
            ));
        }
        Some(other) => {
            let known = shapes::LaunchType::VALUES;
            let text = not_one_of("launchType", known, Some(other.as_str()));
            return Err(OpError::invalid_parameter(text));
        }
    };
    check_compatible(launch_type, definition)?;
    Ok(launch_type)
}

fn check_compatible(launch_type: LaunchType, definition: &Definition) -> Result<(), OpError> {
    let wanted = Compatibility::from(launch_type.as_str());
    let compatible = definition
        .shape
        .compatibilities
        .as_deref()
        .unwrap_or_default();
    if compatible.contains(&wanted) {
        Ok(())
    } else {
        let text = format!("Task definition does not support launch_type {wanted}.");
        Err(OpError::invalid_parameter(text))
    }
}

pub(crate) fn group(given: Option<String>, family: &str) -> Result<String, OpError> {
    let Some(group) = given.filter(|group| !group.is_empty()) else {
        return Ok(format!("family:{family}"));
    };
    if group.chars().count() > GROUP_CHARS_MAX {
        return Err(OpError::invalid_parameter(format!(
            "group longer than {GROUP_CHARS_MAX}."
        )));
    }
    if group.chars().any(char::is_control) {
        return Err(OpError::invalid_parameter(
            "group must not contain control characters.",
        ));
    }
    if group.starts_with("service:") {
        return Err(OpError::invalid_parameter(
            "A group that begins with service: belongs to a service. Choose another group.",
        ));
    }
    Ok(group)
}

/// `max` is that of the operation.
pub(crate) fn started_by(given: Option<String>, max: usize) -> Result<Option<String>, OpError> {
    let Some(started_by) = given else {
        return Ok(None);
    };
    if started_by.chars().count() > max {
        let text = format!("startedBy longer than {max}.");
        return Err(OpError::invalid_parameter(text));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-/_".contains(c);
    if !started_by.chars().all(allowed) {
        return Err(OpError::invalid_parameter(
            "startedBy may hold letters, digits, hyphens, slashes and underscores.",
        ));
    }
    Ok(Some(started_by))
}

/// Exec needs a task role; an override that is empty takes the definition's away.
pub(crate) fn check_execute_command(
    input: &RunTaskInput,
    definition: &Definition,
) -> Result<(), OpError> {
    let overriding = input
        .overrides
        .as_ref()
        .and_then(|one| one.task_role_arn.as_deref());
    let role = overriding.or(definition.shape.task_role_arn.as_deref());
    if input.enable_execute_command != Some(true) || role.is_some_and(|role| !role.is_empty()) {
        return Ok(());
    }
    Err(OpError::invalid_parameter(
        "The execute command failed because a valid task role is not being used. Specify a valid \
         task role in your task definition or as a task override and try again.",
    ))
}

/// Where a task's tags come from beside the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Nothing,
    FromDefinition,
}

pub(crate) fn propagation(given: Option<&PropagateTags>) -> Result<Propagation, OpError> {
    match given {
        None | Some(PropagateTags::None) => Ok(Propagation::Nothing),
        Some(PropagateTags::TaskDefinition) => Ok(Propagation::FromDefinition),
        Some(PropagateTags::Service) => Err(OpError::invalid_parameter(
            "propagateTags SERVICE is for services. Use TASK_DEFINITION or NONE.",
        )),
        Some(other) => {
            let known = PropagateTags::VALUES;
            let text = not_one_of("propagateTags", known, Some(other.as_str()));
            Err(OpError::invalid_parameter(text))
        }
    }
}

#[cfg(test)]
mod tests;

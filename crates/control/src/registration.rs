//! RegisterTaskDefinition's checks and defaults. Only the first problem is
//! reported, as a ClientException; texts are those of `task-lifecycle.md` §4.
//! A valid definition is stored whole, also where RunTask refuses it later.

mod attributes;
mod container;
mod dependencies;
mod fargate;
mod kernel;
mod logs;
mod ports;
mod secrets;
mod task;
mod volumes;

use model::shapes::{Compatibility, RegisterTaskDefinitionInput, TaskDefinition};

use crate::error::{OpError, not_one_of};
use crate::limits::TASK_DEFINITION_BYTES_MAX;

/// The definition as it will be described, without ARN, revision and times.
pub(crate) fn checked(input: RegisterTaskDefinitionInput) -> Result<TaskDefinition, OpError> {
    let mut shape = shape(input);
    task::check(&mut shape)?;
    let mode = shape.network_mode.clone();
    for container in shape.container_definitions.iter_mut().flatten() {
        container::check(container)?;
        ports::check(container, mode.as_ref())?;
        container::fill_defaults(container);
    }
    task::check_containers_together(&shape)?;
    ports::check_together(&shape)?;
    logs::check_together(&shape)?;
    dependencies::check(&shape)?;
    shape.compatibilities = Some(compatibilities(&shape)?);
    kernel::check_modes(&shape)?;
    shape.requires_attributes = Some(attributes::required(&shape));
    check_size(&shape)?;
    Ok(shape)
}

fn shape(input: RegisterTaskDefinitionInput) -> TaskDefinition {
    TaskDefinition {
        family: input.family,
        container_definitions: input.container_definitions,
        cpu: input.cpu,
        memory: input.memory,
        enable_fault_injection: input.enable_fault_injection,
        ephemeral_storage: input.ephemeral_storage,
        execution_role_arn: input.execution_role_arn,
        inference_accelerators: input.inference_accelerators,
        ipc_mode: input.ipc_mode,
        network_mode: input.network_mode,
        pid_mode: input.pid_mode,
        placement_constraints: Some(input.placement_constraints.unwrap_or_default()),
        proxy_configuration: input.proxy_configuration,
        requires_compatibilities: input.requires_compatibilities,
        runtime_platform: input.runtime_platform,
        task_role_arn: input.task_role_arn,
        trusted_execution_configuration: input.trusted_execution_configuration,
        volumes: Some(input.volumes.unwrap_or_default()),
        ..TaskDefinition::default()
    }
}

/// The launch types the definition is valid for; each one it demands must be among them.
fn compatibilities(shape: &TaskDefinition) -> Result<Vec<Compatibility>, OpError> {
    let demanded = shape
        .requires_compatibilities
        .as_deref()
        .unwrap_or_default();
    for one in demanded {
        let known = Compatibility::VALUES;
        word("requiresCompatibilities", Some(one.as_str()), known)?;
    }
    let mut valid = vec![Compatibility::Ec2];
    match (
        fargate::problem(shape),
        demanded.contains(&Compatibility::Fargate),
    ) {
        (None, _) => valid.push(Compatibility::Fargate),
        (Some(problem), true) => return Err(OpError::client(problem)),
        (Some(_), false) => {}
    }
    match (
        external_problem(shape),
        demanded.contains(&Compatibility::External),
    ) {
        (None, _) => valid.push(Compatibility::External),
        (Some(problem), true) => return Err(OpError::client(problem)),
        (Some(_), false) => {}
    }
    if demanded.contains(&Compatibility::ManagedInstances) {
        valid.push(Compatibility::ManagedInstances);
    }
    Ok(valid)
}

fn external_problem(shape: &TaskDefinition) -> Option<String> {
    let awsvpc = shape.network_mode == Some(model::shapes::NetworkMode::Awsvpc);
    awsvpc.then(|| "EXTERNAL does not support network mode 'awsvpc'.".to_owned())
}

/// A member that takes one of a few words.
fn word(member: &str, given: Option<&str>, known: &[&str]) -> Result<(), OpError> {
    let Some(other) = given.filter(|given| !known.contains(given)) else {
        return Ok(());
    };
    Err(OpError::client(not_one_of(member, known, Some(other))))
}

/// Absent or empty, which says the same.
fn is_blank(text: Option<&str>) -> bool {
    text.unwrap_or_default().is_empty()
}

fn check_size(shape: &TaskDefinition) -> Result<(), OpError> {
    let json = serde_json::to_vec(shape)
        .map_err(|cause| OpError::internal(format!("definition as JSON: {cause}")))?;
    if json.len() <= TASK_DEFINITION_BYTES_MAX {
        return Ok(());
    }
    Err(OpError::client(format!(
        "Task definition is {} bytes, at most {TASK_DEFINITION_BYTES_MAX} are allowed.",
        json.len()
    )))
}

#[cfg(test)]
mod tests;

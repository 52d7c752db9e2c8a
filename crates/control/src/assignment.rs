//! The payload that a host gets for a task: definition and overrides merged.

pub(crate) mod mounts;
mod references;
pub(crate) mod surroundings;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::container::{
    ContainerKey, ContainerSpec, EnvironmentVariable, Identity, LogTarget, TaskLimits, Ulimit,
};
use model::payload::{
    ContainerPlan, Dependency, DependencyCondition, HealthCheck, NetworkMode, NetworkSpec,
    PortMapping, Protocol, RestartPolicy, STOP_TIMEOUT_SECONDS, TaskPayload, merge_environment,
};
use model::shapes::{self, ContainerDefinition, KeyValuePair};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::record::task::{Desired, LaunchType};
use crate::record::{Definition, Task};
use crate::sizes;

/// Seconds a container must have run to be started again (`task-lifecycle.md` §2.5).
const RESTART_PERIOD_SECONDS: u32 = 300;

/// Is the host to stop this task?
pub fn stop_wanted(task: &Task) -> bool {
    task.desired == Desired::Stopped
}

/// Everything a host needs to run the task.
pub fn payload(cx: &ReadCx<'_>, task: &Arc<Task>) -> Result<TaskPayload, OpError> {
    let definition = cx
        .state
        .definitions()
        .get(&task.definition)
        .ok_or_else(|| {
            OpError::internal(format!(
                "task {} has no definition {}",
                task.id, task.definition
            ))
        })?;
    let plan = |container| plan(cx, task, definition, container);
    Ok(TaskPayload {
        id: task.id,
        arn: cx.settings.task_arn(&task.cluster, task.id),
        family: task.definition.family.clone(),
        revision: task.definition.revision,
        network: network(task, definition),
        containers: definition.containers().iter().map(plan).collect(),
    })
}

fn network(task: &Task, definition: &Definition) -> NetworkSpec {
    let published = matches!(task.network_mode, NetworkMode::Bridge | NetworkMode::Host);
    let containers = definition.containers();
    NetworkSpec {
        ports: containers
            .iter()
            .filter(|container| published && !surroundings::is_isolated(container))
            .flat_map(|container| ports(container, task.network_mode))
            .collect(),
        identities: containers
            .iter()
            .map(|container| (name(container), surroundings::identity(container)))
            .filter(|(_, identity)| *identity != Identity::default())
            .collect(),
        system_controls: containers
            .iter()
            .map(|container| (name(container), network_controls(container)))
            .filter(|(_, controls)| !controls.is_empty())
            .collect(),
        links: containers
            .iter()
            .map(|container| (name(container), surroundings::links(container)))
            .filter(|(_, links)| !links.is_empty())
            .collect(),
        isolated: containers
            .iter()
            .filter(|container| surroundings::is_isolated(container))
            .map(name)
            .collect(),
        ..NetworkSpec::new(
            task.id,
            task.network_mode,
            containers.iter().map(name).collect(),
        )
    }
}

fn network_controls(container: &ContainerDefinition) -> BTreeMap<String, String> {
    let mut controls = surroundings::system_controls(container);
    controls.retain(|name, _| surroundings::is_of_network(name));
    controls
}

fn name(container: &ContainerDefinition) -> String {
    container.name.clone().unwrap_or_default()
}

/// The port mappings of a container; registration has checked their numbers.
pub(crate) fn ports(container: &ContainerDefinition, mode: NetworkMode) -> Vec<PortMapping> {
    let mapping = |mapping: &shapes::PortMapping| {
        let container_port = u16::try_from(mapping.container_port?).ok()?;
        let given = mapping
            .host_port
            .and_then(|port| u16::try_from(port).ok())
            .filter(|p| *p > 0);
        let udp = mapping
            .protocol
            .as_ref()
            .is_some_and(|protocol| protocol.as_str() == "udp");
        Some(PortMapping {
            container: name(container),
            container_port,
            host_port: if mode == NetworkMode::Host {
                Some(container_port)
            } else {
                given
            },
            protocol: if udp { Protocol::Udp } else { Protocol::Tcp },
        })
    };
    container
        .port_mappings
        .iter()
        .flatten()
        .filter_map(mapping)
        .collect()
}

fn plan(
    cx: &ReadCx<'_>,
    task: &Task,
    definition: &Definition,
    container: &ContainerDefinition,
) -> ContainerPlan {
    let seconds = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
    ContainerPlan {
        spec: spec(cx, task, definition, container),
        essential: container.essential.unwrap_or(true),
        depends_on: container
            .depends_on
            .iter()
            .flatten()
            .filter_map(dependency)
            .collect(),
        starts_after: surroundings::starts_after(container),
        health_check: container.health_check.as_ref().and_then(health_check),
        start_timeout_seconds: seconds(container.start_timeout),
        stop_timeout_seconds: seconds(container.stop_timeout).unwrap_or(STOP_TIMEOUT_SECONDS),
        restart_policy: container.restart_policy.as_ref().and_then(restart_policy),
    }
}

/// `None` if it is switched off.
fn restart_policy(policy: &shapes::ContainerRestartPolicy) -> Option<RestartPolicy> {
    let period = policy.restart_attempt_period;
    (policy.enabled == Some(true)).then(|| RestartPolicy {
        ignored_exit_codes: policy.ignored_exit_codes.clone().unwrap_or_default(),
        attempt_period_seconds: period
            .and_then(|period| u32::try_from(period).ok())
            .unwrap_or(RESTART_PERIOD_SECONDS),
    })
}

fn dependency(dependency: &shapes::ContainerDependency) -> Option<Dependency> {
    let condition = match dependency.condition.as_ref()?.as_str() {
        "START" => DependencyCondition::Start,
        "COMPLETE" => DependencyCondition::Complete,
        "SUCCESS" => DependencyCondition::Success,
        "HEALTHY" => DependencyCondition::Healthy,
        _ => return None,
    };
    Some(Dependency {
        container: dependency.container_name.clone()?,
        condition,
    })
}

/// `None` for the command `NONE`, which switches the check off.
fn health_check(check: &shapes::HealthCheck) -> Option<HealthCheck> {
    let command = check
        .command
        .clone()
        .filter(|command| !command.is_empty())?;
    if command == ["NONE"] {
        return None;
    }
    let or = |value: Option<i32>, default| {
        value
            .and_then(|value| u32::try_from(value).ok())
            .unwrap_or(default)
    };
    Some(HealthCheck {
        command,
        interval_seconds: or(check.interval, 30),
        timeout_seconds: or(check.timeout, 5),
        retries: or(check.retries, 3),
        start_period_seconds: or(check.start_period, 0),
    })
}

fn spec(
    cx: &ReadCx<'_>,
    task: &Task,
    definition: &Definition,
    container: &ContainerDefinition,
) -> ContainerSpec {
    let container_name = name(container);
    let over = task.container_override(&container_name);
    let amount = |given: Option<i32>| given.and_then(|amount| u32::try_from(amount).ok());
    let linux = container.linux_parameters.as_ref();
    let capabilities = linux.and_then(|linux| linux.capabilities.as_ref());
    let filled = |list: &Option<Vec<String>>| list.clone().filter(|list| !list.is_empty());
    ContainerSpec {
        entry_point: filled(&container.entry_point),
        command: over
            .and_then(|over| filled(&over.command))
            .or_else(|| filled(&container.command)),
        platform_environment: platform_environment(cx, task),
        environment: environment(task, container),
        working_directory: container.working_directory.clone(),
        user: container.user.clone(),
        readonly_root_filesystem: container.readonly_root_filesystem.unwrap_or(false),
        privileged: container.privileged.unwrap_or(false),
        cpu_units: amount(over.and_then(|over| over.cpu).or(container.cpu)).unwrap_or(0),
        memory_mib: amount(over.and_then(|over| over.memory).or(container.memory)),
        memory_reservation_mib: amount(
            over.and_then(|over| over.memory_reservation)
                .or(container.memory_reservation),
        ),
        ulimits: container
            .ulimits
            .iter()
            .flatten()
            .filter_map(ulimit)
            .collect(),
        capabilities_add: capabilities
            .and_then(|one| one.add.clone())
            .unwrap_or_default(),
        capabilities_drop: capabilities
            .and_then(|one| one.drop.clone())
            .unwrap_or_default(),
        init_process: linux.and_then(|linux| linux.init_process_enabled) == Some(true),
        shared_memory_mib: amount(linux.and_then(|linux| linux.shared_memory_size)),
        identity: surroundings::identity(container),
        system_controls: surroundings::system_controls(container),
        mounts: mounts::mounts(cx.settings, definition, container),
        volumes_from: mounts::volumes_from(definition, container),
        pid: surroundings::pid(&definition.shape),
        ipc: surroundings::ipc(&definition.shape),
        terminal: container.pseudo_terminal == Some(true),
        interactive: container.interactive == Some(true),
        no_new_privileges: surroundings::gains_no_privileges(container),
        references: references::references(container, over),
        labels: labels(cx, task, container),
        task_limits: TaskLimits {
            cpu_units: task_size(task, definition, Size::Cpu),
            memory_mib: task_size(task, definition, Size::Memory),
        },
        ..ContainerSpec::new(
            ContainerKey {
                task: task.id,
                container: container_name,
            },
            container.image.clone().unwrap_or_default(),
            log_target(task, definition, container),
        )
    }
}

fn ulimit(ulimit: &shapes::Ulimit) -> Option<Ulimit> {
    // A negative number means unlimited, as the container runtimes have it.
    let value = |limit: i32| u64::try_from(limit).unwrap_or(u64::MAX);
    Some(Ulimit {
        name: ulimit.name.as_ref()?.as_str().to_owned(),
        soft: value(ulimit.soft_limit?),
        hard: value(ulimit.hard_limit?),
    })
}

/// What a container may rely on unless its image or its definition says otherwise.
fn platform_environment(cx: &ReadCx<'_>, task: &Task) -> Vec<EnvironmentVariable> {
    let variable = |name: &str, value: &str| EnvironmentVariable {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let execution = match task.launch_type {
        LaunchType::Fargate => "AWS_ECS_FARGATE",
        LaunchType::Ec2 | LaunchType::External => "AWS_ECS_EC2",
    };
    let region = &cx.settings.region;
    vec![
        variable("AWS_EXECUTION_ENV", execution),
        variable("AWS_REGION", region),
        variable("AWS_DEFAULT_REGION", region),
    ]
}

fn environment(task: &Task, container: &ContainerDefinition) -> Vec<EnvironmentVariable> {
    let own = pairs(container.environment.as_deref());
    let over = task.container_override(container.name.as_deref().unwrap_or_default());
    let over = pairs(over.and_then(|over| over.environment.as_deref()));
    merge_environment(own, over)
}

fn pairs(list: Option<&[KeyValuePair]>) -> Vec<EnvironmentVariable> {
    let variable = |pair: &KeyValuePair| {
        Some(EnvironmentVariable {
            name: pair.name.clone()?,
            value: pair.value.clone().unwrap_or_default(),
        })
    };
    list.unwrap_or_default()
        .iter()
        .filter_map(variable)
        .collect()
}

fn labels(
    cx: &ReadCx<'_>,
    task: &Task,
    container: &ContainerDefinition,
) -> BTreeMap<String, String> {
    let mut labels = container.docker_labels.clone().unwrap_or_default();
    let own = [
        ("cluster", task.cluster.clone()),
        ("container-name", name(container)),
        ("task-arn", cx.settings.task_arn(&task.cluster, task.id)),
        ("task-definition-family", task.definition.family.clone()),
        (
            "task-definition-version",
            task.definition.revision.to_string(),
        ),
    ];
    labels.extend(own.map(|(key, value)| (format!("com.amazonaws.ecs.{key}"), value)));
    labels
}

/// `PREFIX/CONTAINER/TASK` in the group that `awslogs` names. Without that driver, whose lines
/// come here too, the group is `/ecs/FAMILY` and the prefix `ecs`; with it but without a prefix
/// the stream is the container's runtime id.
pub fn log_target(
    task: &Task,
    definition: &Definition,
    container: &ContainerDefinition,
) -> LogTarget {
    let name = name(container);
    let log = container.log_configuration.as_ref();
    let log = log.filter(|log| log.log_driver == Some(shapes::LogDriver::Awslogs));
    let Some(options) = log.and_then(|log| log.options.as_ref()) else {
        return LogTarget {
            group: format!("/ecs/{}", definition.id.family),
            stream: format!("ecs/{name}/{}", task.id),
        };
    };
    let group = options.get("awslogs-group").cloned();
    LogTarget {
        group: group.unwrap_or_else(|| format!("/ecs/{}", definition.id.family)),
        stream: match options.get("awslogs-stream-prefix") {
            Some(prefix) => format!("{prefix}/{name}/{}", task.id),
            None => ContainerKey {
                task: task.id,
                container: name,
            }
            .runtime_id(),
        },
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Size {
    Cpu,
    Memory,
}

/// The task-level size, the caller's override first; `None` if neither sets one.
pub(crate) fn task_size(task: &Task, definition: &Definition, size: Size) -> Option<u32> {
    chosen_size(task.overrides.as_deref(), definition, size)
}

pub(crate) fn chosen_size(
    overrides: Option<&shapes::TaskOverride>,
    definition: &Definition,
    size: Size,
) -> Option<u32> {
    let shape = &definition.shape;
    match size {
        Size::Cpu => {
            let over = overrides.and_then(|over| over.cpu.as_deref());
            over.or(shape.cpu.as_deref()).and_then(sizes::cpu_units)
        }
        Size::Memory => {
            let over = overrides.and_then(|over| over.memory.as_deref());
            over.or(shape.memory.as_deref()).and_then(sizes::memory_mib)
        }
    }
}

#[cfg(test)]
mod tests;

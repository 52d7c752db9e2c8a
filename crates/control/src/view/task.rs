//! A task as callers see it (`run-task.md` §9).

mod attachments;

use std::sync::Arc;

use model::payload::{
    ContainerReport, ContainerStatus, Health, NetworkMode, PortBinding, Protocol,
};
use model::shapes::{
    self, Attribute, ContainerOverride, EphemeralStorage, ManagedAgent, ManagedAgentName,
    NetworkBinding, NetworkInterface, TaskEphemeralStorage, TaskOverride,
};

use crate::cx::ReadCx;
use crate::gpus;
use crate::limits::EPHEMERAL_STORAGE_GIB_DEFAULT;
use crate::record::task::{Container, LaunchType, Task};
use crate::record::{Definition, Instance};

/// Whether tags are shown: RunTask always shows them, DescribeTasks on request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tags {
    Shown,
    Hidden,
}

/// The tasks of a call that has started them.
pub(crate) fn started(cx: &ReadCx<'_>, tasks: &[Arc<Task>]) -> Vec<shapes::Task> {
    let shown = tasks.iter().map(|one| task(cx, one, Tags::Shown));
    shown.collect()
}

pub(crate) fn task(cx: &ReadCx<'_>, task: &Task, tags: Tags) -> shapes::Task {
    let definition = cx.state.definitions().get(&task.definition);
    let instance = task.instance.and_then(|id| cx.state.instances().get(&id));
    let fargate = task.launch_type == LaunchType::Fargate;
    let times = &task.times;
    shapes::Task {
        task_arn: Some(cx.settings.task_arn(&task.cluster, task.id)),
        cluster_arn: Some(cx.settings.cluster_arn(&task.cluster)),
        task_definition_arn: Some(cx.settings.definition_arn(&task.definition)),
        container_instance_arn: instance
            .filter(|_| !fargate)
            .map(|instance| cx.settings.instance_arn(&instance.cluster, instance.id)),
        availability_zone: instance.map(|instance| zone(cx, instance)),
        launch_type: Some(task.launch_type.as_str().into()),
        capacity_provider_name: task.provider.clone(),
        platform_version: task.platform_version.clone(),
        platform_family: fargate.then(|| "Linux".to_owned()),
        group: Some(task.group.clone()),
        started_by: task.started_by.clone(),
        last_status: Some(task.status.as_str().to_owned()),
        desired_status: Some(task.desired.as_str().to_owned()),
        health_status: Some(health(task_health(task, definition.map(|d| &**d))).into()),
        version: Some(task.version),
        cpu: Some(task.reserved.cpu_units.to_string()),
        memory: Some(task.reserved.memory_mib.to_string()),
        enable_execute_command: Some(task.execute_command),
        ephemeral_storage: fargate.then(|| ephemeral_storage(task, definition.map(|d| &**d))),
        fargate_ephemeral_storage: fargate.then(|| TaskEphemeralStorage {
            size_in_gib: ephemeral_storage(task, definition.map(|d| &**d)).size_in_gib,
            kms_key_id: None,
        }),
        attributes: Some(instance.map(|i| architecture(i)).unwrap_or_default()),
        attachments: Some(attachments::all(cx, task)),
        inference_accelerators: Some(Vec::new()),
        overrides: Some(overrides(task)),
        containers: Some(
            task.containers
                .iter()
                .map(|one| container(cx, task, one, definition.map(|d| &**d)))
                .collect(),
        ),
        tags: Some(if tags == Tags::Shown {
            task.tags.clone()
        } else {
            Vec::new()
        }),
        connectivity: times.connectivity_at.map(|_| "CONNECTED".into()),
        connectivity_at: times.connectivity_at,
        created_at: Some(times.created_at),
        pull_started_at: times.pull_started_at,
        pull_stopped_at: times.pull_stopped_at,
        started_at: times.started_at,
        stopping_at: times.stopping_at,
        execution_stopped_at: times.execution_stopped_at,
        stopped_at: times.stopped_at,
        stop_code: task.stop.as_ref().map(|stop| stop.code.as_str().into()),
        stopped_reason: task.stop.as_ref().map(|stop| stop.reason.clone()),
        ..shapes::Task::default()
    }
}

/// That of the instance; the server's own where the instance does not say.
fn zone(cx: &ReadCx<'_>, instance: &Instance) -> String {
    let zone = instance.zone();
    zone.unwrap_or(&cx.settings.availability_zone).to_owned()
}

fn architecture(instance: &Instance) -> Vec<Attribute> {
    let name = Some("ecs.cpu-architecture".to_owned());
    let found = instance
        .attributes
        .iter()
        .find(|attribute| attribute.name == name);
    found
        .map(|attribute| Attribute {
            name,
            value: attribute.value.clone(),
            ..Attribute::default()
        })
        .into_iter()
        .collect()
}

fn ephemeral_storage(task: &Task, definition: Option<&Definition>) -> EphemeralStorage {
    let defined = definition.and_then(|definition| definition.shape.ephemeral_storage.as_ref());
    let over = task
        .overrides
        .as_ref()
        .and_then(|over| over.ephemeral_storage.as_ref());
    over.or(defined).cloned().unwrap_or(EphemeralStorage {
        size_in_gib: Some(EPHEMERAL_STORAGE_GIB_DEFAULT),
    })
}

/// The echo always has one entry per container, with just the name where nothing is overridden.
fn overrides(task: &Task) -> TaskOverride {
    let echo = |container: &Container| {
        let name = &container.report.name;
        let found = task.container_override(name).cloned();
        found.unwrap_or_else(|| ContainerOverride {
            name: Some(name.clone()),
            ..ContainerOverride::default()
        })
    };
    let containers = task.containers.iter().map(echo).collect();
    let given = task.overrides.as_deref();
    let text = |member: fn(&TaskOverride) -> &Option<String>| given.and_then(|g| member(g).clone());
    TaskOverride {
        container_overrides: Some(containers),
        inference_accelerator_overrides: Some(Vec::new()),
        cpu: text(|given| &given.cpu),
        memory: text(|given| &given.memory),
        task_role_arn: text(|given| &given.task_role_arn),
        execution_role_arn: text(|given| &given.execution_role_arn),
        ephemeral_storage: given.and_then(|given| given.ephemeral_storage.clone()),
    }
}

fn container(
    cx: &ReadCx<'_>,
    task: &Task,
    container: &Container,
    definition: Option<&Definition>,
) -> shapes::Container {
    let report = &container.report;
    let defined = definition.and_then(|definition| definition.container(&report.name));
    let over = task.container_override(&report.name);
    let text = |number: i32| number.to_string();
    shapes::Container {
        container_arn: Some(cx.settings.container_arn(task, container.id)),
        task_arn: Some(cx.settings.task_arn(&task.cluster, task.id)),
        name: Some(report.name.clone()),
        image: defined.and_then(|defined| defined.image.clone()),
        image_digest: report.image_digest.clone(),
        gpu_ids: definition
            .filter(|_| task.is_on_host())
            .and_then(|definition| gpus::ids(task, definition, &report.name)),
        runtime_id: report.runtime_id.clone(),
        last_status: Some(container_status(report.status).to_owned()),
        exit_code: report.exit_code,
        reason: report.reason.clone(),
        managed_agents: task
            .execute_command
            .then(|| vec![exec_agent(task, report.status)]),
        health_status: task.is_on_host().then(|| health(report.health).into()),
        network_bindings: bindings(report),
        network_interfaces: Some(interfaces(task)),
        cpu: Some(text(
            over.and_then(|over| over.cpu)
                .or(defined.and_then(|d| d.cpu))
                .unwrap_or_default(),
        )),
        memory: over
            .and_then(|over| over.memory)
            .or(defined.and_then(|d| d.memory))
            .map(text),
        memory_reservation: over
            .and_then(|over| over.memory_reservation)
            .or(defined.and_then(|d| d.memory_reservation))
            .map(text),
        ..shapes::Container::default()
    }
}

fn container_status(status: ContainerStatus) -> &'static str {
    match status {
        ContainerStatus::Pending => "PENDING",
        ContainerStatus::Running => "RUNNING",
        ContainerStatus::Stopped => "STOPPED",
    }
}

/// The agent that ExecuteCommand talks to lives and ends with its container.
fn exec_agent(task: &Task, container: ContainerStatus) -> ManagedAgent {
    ManagedAgent {
        name: Some(ManagedAgentName::ExecuteCommandAgent),
        last_status: Some(container_status(container).to_owned()),
        last_started_at: task.times.started_at,
        ..ManagedAgent::default()
    }
}

fn health(health: Health) -> &'static str {
    match health {
        Health::Unknown => "UNKNOWN",
        Health::Healthy => "HEALTHY",
        Health::Unhealthy => "UNHEALTHY",
    }
}

/// HEALTHY only if every essential container with a check is; one UNHEALTHY decides first.
fn task_health(task: &Task, definition: Option<&Definition>) -> Health {
    let checked = |container: &&Container| {
        definition
            .and_then(|definition| definition.container(&container.report.name))
            .is_some_and(|defined| {
                defined.health_check.is_some() && defined.essential.unwrap_or(true)
            })
    };
    let states: Vec<Health> = task
        .containers
        .iter()
        .filter(checked)
        .map(|one| one.report.health)
        .collect();
    if states.contains(&Health::Unhealthy) {
        Health::Unhealthy
    } else if states.is_empty() || states.contains(&Health::Unknown) {
        Health::Unknown
    } else {
        Health::Healthy
    }
}

/// Those of a container that runs or ran; the others have no such member.
fn bindings(report: &ContainerReport) -> Option<Vec<NetworkBinding>> {
    let has_run = report.runtime_id.is_some();
    has_run.then(|| report.bindings.iter().map(binding).collect())
}

fn binding(binding: &PortBinding) -> NetworkBinding {
    let protocol = match binding.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    NetworkBinding {
        bind_ip: Some("0.0.0.0".to_owned()),
        container_port: Some(binding.container_port.into()),
        host_port: Some(binding.host_port.into()),
        protocol: Some(protocol.into()),
        ..NetworkBinding::default()
    }
}

fn interfaces(task: &Task) -> Vec<NetworkInterface> {
    let shown = task
        .attachment
        .as_ref()
        .filter(|_| task.network_mode == NetworkMode::Awsvpc);
    let interface = shown.and_then(|eni| eni.interface.as_ref().map(|made| (eni, made)));
    interface
        .map(|(eni, made)| NetworkInterface {
            attachment_id: Some(eni.id.to_string()),
            private_ipv4_address: Some(made.ipv4.clone()),
            ipv6_address: None,
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use model::payload::{Health, HostStatus};

    use crate::testing::{World, app};

    /// The task's health when its containers `a`, `b` (essential, checked), `c` (checked) and `d`
    /// are as told.
    #[track_caller]
    fn check(states: [Health; 4], expected: &str) {
        let mut world = World::new();
        let checked = r#""image":"i","memory":6,"healthCheck":{"command":["true"]}"#;
        let containers = format!(
            r#"{{"name":"a",{checked}}},{{"name":"b",{checked}}},
               {{"name":"c",{checked},"essential":false}},{{"name":"d","image":"i","memory":6}}"#
        );
        world.containers("app", &containers, "");
        let id = world.run(&app(""))[0];
        let mut report = world.reported(id, HostStatus::Running);
        for (container, state) in report.containers.iter_mut().zip(states) {
            container.health = state;
        }
        world.report(&report);
        let body = format!(r#"{{"tasks":["{id}"]}}"#);
        assert_eq!(
            world.at("DescribeTasks", &body, "/tasks/0/healthStatus"),
            expected
        );
    }

    #[test]
    fn a_task_is_healthy_when_all_essential_containers_with_a_check_are() {
        use Health::{Healthy, Unhealthy, Unknown};
        check([Unknown, Unknown, Unknown, Unknown], "UNKNOWN");
        check([Healthy, Unknown, Healthy, Healthy], "UNKNOWN");
        check([Healthy, Healthy, Unhealthy, Unknown], "HEALTHY");
        check([Unhealthy, Unknown, Unknown, Unknown], "UNHEALTHY");
        check([Healthy, Unhealthy, Healthy, Healthy], "UNHEALTHY");
    }
}

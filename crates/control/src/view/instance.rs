//! A container instance as callers see it, its resources exact at this moment.

use std::sync::Arc;

use model::shapes::{
    ContainerInstance, ContainerInstanceHealthStatus, InstanceHealthCheckResult,
    InstanceHealthCheckState, InstanceHealthCheckType, Resource, VersionInfo,
};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::container_instance_id;
use crate::record::Instance;
use crate::record::instance::InstanceStatus;
use crate::record::task::{Desired, TaskStatus};

/// Which parts an answer shows beyond the rest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Included {
    pub(crate) tags: bool,
    pub(crate) health: bool,
}

impl Included {
    /// What the operations that change an instance answer with.
    pub(crate) const TAGS: Self = Self {
        tags: true,
        health: false,
    };
}

pub(crate) fn instance(
    cx: &ReadCx<'_>,
    instance: &Instance,
    included: Included,
) -> ContainerInstance {
    let count = |running: bool| {
        let tasks = cx.state.live_tasks_of(instance.id);
        let wanted = tasks.filter(|task| {
            task.desired == Desired::Running && (task.status == TaskStatus::Running) == running
        });
        wanted.count() as i32
    };
    ContainerInstance {
        container_instance_arn: Some(cx.settings.instance_arn(&instance.cluster, instance.id)),
        ec2_instance_id: instance.ec2_instance_id.clone(),
        capacity_provider_name: instance.capacity_provider.clone(),
        status: Some(instance.status.as_str().to_owned()),
        agent_connected: Some(instance.agent_connected),
        running_tasks_count: Some(count(true)),
        pending_tasks_count: Some(count(false)),
        registered_at: Some(instance.registered_at),
        version: Some(instance.version),
        version_info: Some(versions(instance)),
        registered_resources: Some(registered(instance)),
        remaining_resources: Some(remaining(cx, instance)),
        attributes: Some(instance.attributes.clone()),
        attachments: Some(Vec::new()),
        tags: Some(if included.tags {
            instance.tags.clone()
        } else {
            Vec::new()
        }),
        health_status: included.health.then(|| health(instance)),
        ..ContainerInstance::default()
    }
}

/// The instance that a call names, in its cluster and not INACTIVE.
pub(crate) fn find(
    cx: &ReadCx<'_>,
    cluster: &str,
    text: Option<&str>,
) -> Result<Arc<Instance>, OpError> {
    let text = text.filter(|text| !text.is_empty());
    let text =
        text.ok_or_else(|| OpError::invalid_parameter("Container instance can not be blank."))?;
    let id = container_instance_id(cx.settings, cluster, text)?;
    let found = cx.state.instances().get(&id).filter(|instance| {
        instance.cluster == cluster && instance.status != InstanceStatus::Inactive
    });
    found.cloned().ok_or_else(not_found)
}

pub(crate) fn not_found() -> OpError {
    OpError::invalid_parameter("The referenced container instance was not found.")
}

fn versions(instance: &Instance) -> VersionInfo {
    let versions = &instance.versions;
    VersionInfo {
        agent_version: versions.agent.clone(),
        agent_hash: versions.agent_hash.clone(),
        docker_version: versions.docker.clone(),
    }
}

/// The one check that agents tell of: whether their container runtime answers.
fn health(instance: &Instance) -> ContainerInstanceHealthStatus {
    let Some(health) = &instance.health else {
        return ContainerInstanceHealthStatus {
            overall_status: Some(InstanceHealthCheckState::InsufficientData),
            details: Some(Vec::new()),
        };
    };
    let status = if health.ok {
        InstanceHealthCheckState::Ok
    } else {
        InstanceHealthCheckState::Impaired
    };
    let result = InstanceHealthCheckResult {
        r#type: Some(InstanceHealthCheckType::ContainerRuntime),
        status: Some(status.clone()),
        last_updated: Some(health.updated_at),
        last_status_change: Some(health.changed_at),
        ..InstanceHealthCheckResult::default()
    };
    ContainerInstanceHealthStatus {
        overall_status: Some(status),
        details: Some(vec![result]),
    }
}

fn registered(instance: &Instance) -> Vec<Resource> {
    let mut resources = vec![
        integer("CPU", instance.cpu_units),
        integer("MEMORY", instance.memory_mib),
        ports("PORTS", &mut instance.reserved_tcp_ports.iter()),
        ports("PORTS_UDP", &mut instance.reserved_udp_ports.iter()),
    ];
    resources.extend(gpus(instance, instance.gpus.clone()));
    resources
}

/// `PORTS` lists the ports in use, `GPU` the ids that are free (`placement.md` §6).
fn remaining(cx: &ReadCx<'_>, instance: &Instance) -> Vec<Resource> {
    let Some(free) = cx.state.fleet().free(&instance.id) else {
        return Vec::new();
    };
    let mut resources = vec![
        integer("CPU", free.cpu_units),
        integer("MEMORY", free.memory_mib),
        ports("PORTS", &mut free.tcp_ports_in_use.iter()),
        ports("PORTS_UDP", &mut free.udp_ports_in_use.iter()),
    ];
    resources.extend(gpus(instance, free.gpus));
    resources
}

fn resource(name: &str, kind: &str) -> Resource {
    Resource {
        name: Some(name.to_owned()),
        r#type: Some(kind.to_owned()),
        double_value: Some(0.0),
        long_value: Some(0),
        integer_value: Some(0),
        ..Resource::default()
    }
}

fn integer(name: &str, amount: u32) -> Resource {
    let integer_value = Some(i32::try_from(amount).unwrap_or(i32::MAX));
    Resource {
        integer_value,
        ..resource(name, "INTEGER")
    }
}

fn ports(name: &str, ports: &mut dyn Iterator<Item = &u16>) -> Resource {
    let string_set_value = Some(ports.map(u16::to_string).collect());
    Resource {
        string_set_value,
        ..resource(name, "STRINGSET")
    }
}

/// Only hosts that have any show GPUs.
fn gpus(instance: &Instance, ids: Vec<String>) -> Option<Resource> {
    (!instance.gpus.is_empty()).then(|| Resource {
        string_set_value: Some(ids),
        ..resource("GPU", "STRINGSET")
    })
}

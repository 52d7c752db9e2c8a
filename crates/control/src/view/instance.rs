//! A container instance as callers see it, its resources exact at this moment.

use model::shapes::{ContainerInstance, Resource, VersionInfo};

use crate::cx::ReadCx;
use crate::record::Instance;
use crate::record::task::{Desired, TaskStatus};
use crate::view::task::Tags;

pub(crate) fn instance(cx: &ReadCx<'_>, instance: &Instance, tags: Tags) -> ContainerInstance {
    let count = |running: bool| {
        let tasks = cx.state.live_tasks_of(instance.id);
        let wanted = tasks.filter(|task| {
            task.desired == Desired::Running && (task.status == TaskStatus::Running) == running
        });
        wanted.count() as i32
    };
    ContainerInstance {
        container_instance_arn: Some(cx.settings.instance_arn(&instance.cluster, instance.id)),
        status: Some(instance.status.as_str().to_owned()),
        agent_connected: Some(instance.agent_connected),
        running_tasks_count: Some(count(true)),
        pending_tasks_count: Some(count(false)),
        registered_at: Some(instance.registered_at),
        version: Some(instance.version),
        version_info: Some(VersionInfo::default()),
        registered_resources: Some(registered(instance)),
        remaining_resources: Some(remaining(cx, instance)),
        attributes: Some(instance.attributes.clone()),
        attachments: Some(Vec::new()),
        tags: Some(if tags == Tags::Shown {
            instance.tags.clone()
        } else {
            Vec::new()
        }),
        ..ContainerInstance::default()
    }
}

fn registered(instance: &Instance) -> Vec<Resource> {
    vec![
        integer("CPU", instance.cpu_units),
        integer("MEMORY", instance.memory_mib),
        ports("PORTS", &mut instance.reserved_tcp_ports.iter()),
        ports("PORTS_UDP", &mut instance.reserved_udp_ports.iter()),
    ]
}

/// `PORTS` lists the ports in use, not the free ones (`placement.md` §6).
fn remaining(cx: &ReadCx<'_>, instance: &Instance) -> Vec<Resource> {
    let Some(free) = cx.state.fleet().free(&instance.id) else {
        return Vec::new();
    };
    vec![
        integer("CPU", free.cpu_units),
        integer("MEMORY", free.memory_mib),
        ports("PORTS", &mut free.tcp_ports_in_use.iter()),
        ports("PORTS_UDP", &mut free.udp_ports_in_use.iter()),
    ]
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

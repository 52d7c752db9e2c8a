//! A container instance as the scheduler sees it, and the registration of the
//! machine that the server itself runs on.

use std::sync::Arc;

use model::shapes::Attribute;
use scheduler::{Demand, Host};

use crate::cx::Cx;
use crate::identifier::DEFAULT_CLUSTER;
use crate::record::cluster::{Cluster, ClusterStatus};
use crate::record::instance::{Instance, InstanceStatus};
use crate::record::task::Reserved;
use model::{ContainerInstanceId, Timestamp};

/// What the local machine has to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMachine {
    /// 1024 per core.
    pub cpu_units: u32,
    pub memory_mib: u32,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Host ports that tasks never get, the server's own among them.
    pub reserved_tcp_ports: Vec<u16>,
}

/// Marks the one instance that is this machine.
const LOCAL: &str = "longshore.local";
/// Marks instances that only launch type EXTERNAL uses (`placement.md` §1).
pub(crate) const EXTERNAL: &str = "ecs.capability.external";

/// What the local agent can do, as capabilities that definitions require (`placement.md` §3).
const CAPABILITIES: [&str; 9] = [
    // An image with a name of ECR may stand in the host's own store.
    "com.amazonaws.ecs.capability.ecr-auth",
    "com.amazonaws.ecs.capability.logging-driver.awslogs",
    "com.amazonaws.ecs.capability.privileged-container",
    "com.amazonaws.ecs.capability.task-iam-role",
    "com.amazonaws.ecs.capability.task-iam-role-network-host",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.task-cpu-mem-limit",
    "ecs.capability.task-eni",
];
const EXECUTION_ROLE_CAPABILITIES: [&str; 2] = [
    "ecs.capability.execution-role-awslogs",
    "ecs.capability.execution-role-ecr-pull",
];

/// Makes sure that cluster `default` exists and that this machine is its container instance.
/// The instance keeps its id and tags over restarts; sizes follow the machine.
pub fn register(cx: &mut Cx<'_>, machine: LocalMachine) -> ContainerInstanceId {
    ensure_default_cluster(cx);
    let known = cx
        .state
        .instances()
        .iter()
        .find(|instance| is_local(instance))
        .cloned();
    let id = match &known {
        Some(known) => known.id,
        None => cx.random.container_instance_id(),
    };
    let mut instance = instance(cx, machine, id);
    if let Some(known) = known {
        instance.registered_at = known.registered_at;
        instance.version = known.version + 1;
        instance.tags.clone_from(&known.tags);
    }
    cx.state.put_instance(instance);
    id
}

fn ensure_default_cluster(cx: &mut Cx<'_>) {
    let known = cx.state.clusters().get(&DEFAULT_CLUSTER.to_owned());
    if !known.is_some_and(|known| known.status == ClusterStatus::Active) {
        cx.state.put_cluster(Cluster::new(DEFAULT_CLUSTER, cx.now));
    }
}

fn instance(cx: &Cx<'_>, machine: LocalMachine, id: ContainerInstanceId) -> Instance {
    let zone = cx.settings.availability_zone.as_str();
    let valued = [
        ("ecs.availability-zone", zone),
        ("ecs.cpu-architecture", &machine.architecture),
        ("ecs.os-family", "LINUX"),
        ("ecs.os-type", "linux"),
    ];
    let named = CAPABILITIES
        .iter()
        .chain(&EXECUTION_ROLE_CAPABILITIES)
        .chain([&LOCAL]);
    let attributes = valued
        .iter()
        .map(|(name, value)| attribute(name, Some(value)))
        .chain(named.map(|name| attribute(name, None)))
        .collect();
    Instance {
        id,
        cluster: DEFAULT_CLUSTER.to_owned(),
        status: InstanceStatus::Active,
        agent_connected: true,
        registered_at: cx.now,
        version: 1,
        cpu_units: machine.cpu_units,
        memory_mib: machine.memory_mib,
        reserved_tcp_ports: machine.reserved_tcp_ports,
        reserved_udp_ports: Vec::new(),
        attributes,
        fargate: true,
        tags: Vec::new(),
    }
}

fn attribute(name: &str, value: Option<&str>) -> Attribute {
    Attribute {
        name: Some(name.to_owned()),
        value: value.map(str::to_owned),
        ..Attribute::default()
    }
}

fn is_local(instance: &Instance) -> bool {
    has(instance, LOCAL)
}

fn has(instance: &Instance, name: &str) -> bool {
    instance
        .attributes
        .iter()
        .any(|attribute| attribute.name.as_deref() == Some(name))
}

pub(crate) fn host_of(instance: &Instance) -> Host {
    let pair = |attribute: &Attribute| Some((attribute.name.clone()?, attribute.value.clone()));
    Host {
        id: instance.id,
        cluster: instance.cluster.clone(),
        active: instance.status == InstanceStatus::Active,
        agent_connected: instance.agent_connected,
        external: has(instance, EXTERNAL),
        fargate: instance.fargate,
        cpu_units: instance.cpu_units,
        memory_mib: instance.memory_mib,
        reserved_tcp_ports: instance.reserved_tcp_ports.iter().copied().collect(),
        reserved_udp_ports: instance.reserved_udp_ports.iter().copied().collect(),
        attributes: Arc::new(instance.attributes.iter().filter_map(pair).collect()),
        gpus: Vec::new(),
        network_interfaces: None,
        capacity_provider: None,
        ec2_instance_id: None,
        agent_version: String::new(),
        registered_at: instance.registered_at,
    }
}

pub(crate) fn demand_of(reserved: &Reserved) -> Demand {
    Demand {
        cpu_units: reserved.cpu_units,
        memory_mib: reserved.memory_mib,
        tcp_ports: reserved.tcp_ports.clone(),
        udp_ports: reserved.udp_ports.clone(),
        gpus: u32::try_from(reserved.gpus.len()).unwrap_or(u32::MAX),
        network_interfaces: reserved.network_interfaces,
    }
}

impl Cluster {
    /// A fresh ACTIVE cluster with the defaults of CreateCluster.
    pub fn new(name: &str, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            status: ClusterStatus::Active,
            created_at: now,
            settings: Vec::new(),
            configuration: None,
            service_connect_defaults: None,
            tags: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{World, app, machine};

    #[test]
    fn the_machine_keeps_its_id_and_tags_over_restarts_and_its_sizes_follow() {
        let mut world = World::with_app();
        let id = world.state.instances().iter().next().unwrap().id;
        let arn = world.settings.instance_arn("default", id);
        let tag = format!(r#"{{"resourceArn":"{arn}","tags":[{{"key":"a"}}]}}"#);
        world.ok("TagResource", &tag);
        let registered_at = world.now;
        world.pass_seconds(60);
        world.restart();
        let smaller = LocalMachine {
            memory_mib: 1000,
            ..machine()
        };
        assert_eq!(world.register(smaller), id);
        let instance = world.state.instances().get(&id).unwrap();
        assert_eq!(instance.memory_mib, 1000);
        assert_eq!(instance.registered_at, registered_at);
        assert_eq!(instance.version, 2);
        assert_eq!(instance.tags.len(), 1);
        assert_eq!(world.state.instances().len(), 1);
    }

    #[test]
    fn a_machine_that_became_too_small_for_its_tasks_shows_nothing_left() {
        let mut world = World::with_app();
        world.run(&app(r#","count":4"#));
        let id = world.register(LocalMachine {
            memory_mib: 1000,
            ..machine()
        });
        assert_eq!(world.state.fleet().free(&id).unwrap().memory_mib, 0);
        let failure = world.at("RunTask", &app(""), "/failures/0/reason");
        assert_eq!(failure, json!("RESOURCE:MEMORY"));
    }

    #[test]
    fn registering_brings_the_default_cluster_back() {
        let mut world = World::without_hosts();
        world.ok("CreateCluster", "{}");
        world.ok("DeleteCluster", r#"{"cluster":"default"}"#);
        world.register(machine());
        let status = world.at("DescribeClusters", "{}", "/clusters/0/status");
        assert_eq!(status, json!("ACTIVE"));
    }

    /// What definitions require of the capabilities that are built, the local machine has.
    #[test]
    fn the_machine_can_do_what_is_built() {
        let mut world = World::new();
        let main = r#"{"name":"main","image":"i","memory":6,"privileged":true,
            "healthCheck":{"command":["true"]},
            "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g",
                "awslogs-region":"r","awslogs-stream-prefix":"p"}}},
            {"name":"next","image":"1.dkr.ecr.us-east-1.amazonaws.com/app","memory":6,
             "dependsOn":[{"containerName":"main","condition":"START"}]}"#;
        let more = r#","taskRoleArn":"t","executionRoleArn":"e","cpu":"256","memory":"512",
            "runtimePlatform":{"operatingSystemFamily":"LINUX","cpuArchitecture":"X86_64"}"#;
        for mode in ["bridge", "host", "none"] {
            world.containers("app", main, &format!(r#"{more},"networkMode":"{mode}""#));
            assert_eq!(world.run(&app("")).len(), 1, "{mode}");
        }
    }
}

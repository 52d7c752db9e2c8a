//! The container instances that this server hosts: this machine as a whole, or the ones that
//! its configuration declares. They register at each start.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::ContainerInstanceId;
use model::shapes::Tag;

use crate::cx::Cx;
use crate::deregistration::deregister;
use crate::identifier::DEFAULT_CLUSTER;
use crate::instance_attributes::{
    ARCHITECTURE, CAPABILITIES, LOCAL, ZONE, attribute, name_of, set,
};
use crate::record::cluster::{Cluster, ClusterStatus};
use crate::record::instance::{Agent, Health, Instance, InstanceStatus, Versions};
use crate::tags;

/// Tag with the name that an instance has in the server's configuration.
const NAME_TAG: &str = "longshore:name";

/// What all instances of this machine have in common, and what it has to give as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMachine {
    /// 1024 per core.
    pub cpu_units: u32,
    pub memory_mib: u32,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Host ports that tasks never get, the server's own among them.
    pub reserved_tcp_ports: Vec<u16>,
    /// Version of this program, which is the agent of all of them.
    pub agent_version: String,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedInstance {
    /// Names it over restarts, within its cluster. `None` for the machine as a whole.
    pub name: Option<String>,
    pub cluster: String,
    /// Never [`Agent::Remote`].
    pub agent: Agent,
    /// 1024 per core.
    pub cpu_units: u32,
    pub memory_mib: u32,
    /// Ids of its GPUs.
    pub gpus: Vec<String>,
    /// Interfaces that awsvpc tasks may have; `None` for no limit.
    pub network_interfaces: Option<u32>,
    /// The Availability Zone; `None` for that of the server.
    pub zone: Option<String>,
    /// Attributes of its own: names and values.
    pub attributes: Vec<(String, Option<String>)>,
    pub capacity_provider: Option<String>,
    /// FARGATE tasks of every cluster may take from it.
    pub fargate: bool,
}

impl HostedInstance {
    /// The machine as a whole, in cluster `default`.
    pub fn whole(machine: &LocalMachine) -> Self {
        Self {
            name: None,
            cluster: DEFAULT_CLUSTER.to_owned(),
            agent: Agent::Local,
            cpu_units: machine.cpu_units,
            memory_mib: machine.memory_mib,
            gpus: Vec::new(),
            network_interfaces: None,
            zone: None,
            attributes: Vec::new(),
            capacity_provider: None,
            fargate: true,
        }
    }
}

/// Where an instance is found again: its cluster and name.
type Place = (String, Option<String>);

/// Registers the instances of this server, and makes sure that their clusters exist. An instance
/// keeps its id, its state and what callers have put on it over restarts; sizes follow the
/// argument. Instances that are no longer hosted are deregistered with their tasks.
pub fn register(cx: &mut Cx<'_>, machine: &LocalMachine, hosted: &[HostedInstance]) {
    ensure_cluster(cx, DEFAULT_CLUSTER);
    let mut known = known(cx);
    for one in hosted {
        ensure_cluster(cx, &one.cluster);
        let place = (one.cluster.clone(), one.name.clone());
        register_one(cx, machine, one, known.remove(&place));
    }
    for left in known.into_values() {
        deregister(cx, &left, &no_longer_hosted(&left));
    }
    adopt_registered(cx);
}

fn known(cx: &Cx<'_>) -> BTreeMap<Place, Arc<Instance>> {
    let all = cx.state.instances().iter().filter(|one| is_hosted(one));
    all.map(|one| ((one.cluster.clone(), one.name.clone()), Arc::clone(one)))
        .collect()
}

fn is_hosted(instance: &Instance) -> bool {
    instance.status != InstanceStatus::Inactive
        && (instance.name.is_some() || instance.attribute(LOCAL).is_some())
}

fn no_longer_hosted(instance: &Instance) -> String {
    match &instance.name {
        Some(name) => {
            format!("Container instance {name} was removed from the configuration of its server")
        }
        None => {
            "The container instance gave way to those in the configuration of its server".to_owned()
        }
    }
}

fn ensure_cluster(cx: &mut Cx<'_>, name: &str) {
    let known = cx.state.clusters().get(&name.to_owned());
    if !known.is_some_and(|known| known.status == ClusterStatus::Active) {
        cx.state.put_cluster(Cluster::new(name, cx.now));
    }
}

fn register_one(
    cx: &mut Cx<'_>,
    machine: &LocalMachine,
    hosted: &HostedInstance,
    known: Option<Arc<Instance>>,
) {
    let Some(known) = known else {
        let id = cx.random.container_instance_id();
        let instance = instance(cx, machine, hosted, id);
        cx.state.put_instance(instance);
        return;
    };
    let mut instance = instance(cx, machine, hosted, known.id);
    for name in &known.put_attributes {
        if let Some(put) = known.attribute(name) {
            set(&mut instance.attributes, put.clone());
        }
    }
    instance.put_attributes.clone_from(&known.put_attributes);
    instance.status = known.status;
    instance.registered_at = known.registered_at;
    instance.version = known.version;
    let tags = known
        .tags
        .iter()
        .filter(|tag| tags::key_of(tag) != NAME_TAG);
    instance.tags.extend(tags.cloned());
    instance.health = known.health.filter(|health| health.ok).or(instance.health);
    if instance != *known {
        instance.version += 1;
        cx.state.put_instance(instance);
    }
}

fn instance(
    cx: &Cx<'_>,
    machine: &LocalMachine,
    hosted: &HostedInstance,
    id: ContainerInstanceId,
) -> Instance {
    let zone = hosted.zone.as_deref();
    let mut attributes = vec![
        attribute(ZONE, zone.or(Some(&cx.settings.availability_zone))),
        attribute(ARCHITECTURE, Some(&machine.architecture)),
        attribute("ecs.os-family", Some("LINUX")),
        attribute("ecs.os-type", Some("linux")),
    ];
    if hosted.name.is_none() {
        attributes.push(attribute(LOCAL, None));
    }
    attributes.extend(CAPABILITIES.iter().map(|name| attribute(name, None)));
    for (name, value) in &hosted.attributes {
        set(&mut attributes, attribute(name, value.as_deref()));
    }
    Instance {
        id,
        cluster: hosted.cluster.clone(),
        status: InstanceStatus::Active,
        agent_connected: true,
        registered_at: cx.now,
        version: 1,
        cpu_units: hosted.cpu_units,
        memory_mib: hosted.memory_mib,
        reserved_tcp_ports: machine.reserved_tcp_ports.clone(),
        reserved_udp_ports: Vec::new(),
        attributes,
        fargate: hosted.fargate,
        tags: hosted.name.iter().map(|name| name_tag(name)).collect(),
        name: hosted.name.clone(),
        agent: hosted.agent,
        gpus: hosted.gpus.clone(),
        network_interfaces: hosted.network_interfaces,
        capacity_provider: hosted.capacity_provider.clone(),
        ec2_instance_id: None,
        versions: Versions {
            agent: Some(machine.agent_version.clone()),
            ..Versions::default()
        },
        health: Some(Health {
            ok: true,
            changed_at: cx.now,
            updated_at: cx.now,
        }),
        put_attributes: Vec::new(),
        deregistered_at: None,
    }
}

/// A tag and no attribute: an attribute of its own would make each instance a kind of its own
/// to the scheduler.
fn name_tag(name: &str) -> Tag {
    Tag {
        key: Some(NAME_TAG.to_owned()),
        value: Some(name.to_owned()),
    }
}

/// Hosts that registered through the API are scripted ones, or are not, as the server now is.
fn adopt_registered(cx: &mut Cx<'_>) {
    let agent = if cx.settings.scripted {
        Agent::Local
    } else {
        Agent::Remote
    };
    let registered = cx.state.instances().iter().filter(|one| {
        one.status != InstanceStatus::Inactive && !is_hosted(one) && one.agent != agent
    });
    let registered: Vec<Arc<Instance>> = registered.cloned().collect();
    for one in registered {
        cx.state.put_instance(Instance {
            agent,
            agent_connected: cx.settings.scripted,
            version: one.version + 1,
            ..Instance::clone(&one)
        });
    }
}

/// Is the name one that an instance may have in the configuration? Names are values of an
/// attribute, and short enough for a number behind them.
pub fn is_instance_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=100).contains(&name.len()) && name.chars().all(allowed)
}

/// Why these cannot be the own attributes of an instance.
pub fn attribute_problem(attributes: &[(String, Option<String>)]) -> Option<String> {
    use crate::instance_attributes::{check, check_custom, too_many};
    let all: Vec<_> = attributes
        .iter()
        .map(|(name, value)| attribute(name, value.as_deref()))
        .collect();
    let bad = all.iter().find_map(|one| {
        let checked = check(one).and_then(|()| check_custom(name_of(one)));
        checked.err()
    });
    let many = "an instance can have at most 10 attributes of its own";
    bad.map(|error| error.message)
        .or_else(|| too_many(&all).then(|| many.to_owned()))
}

#[cfg(test)]
mod tests;

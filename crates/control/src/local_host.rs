//! A container instance as the scheduler sees it.

use std::sync::Arc;

use model::Timestamp;
use model::shapes::Attribute;
use scheduler::{Demand, Host};

use crate::instance_attributes::EXTERNAL;
use crate::record::cluster::{Cluster, ClusterStatus};
use crate::record::instance::{Instance, InstanceStatus};
use crate::record::task::Reserved;

pub(crate) fn host_of(instance: &Instance) -> Host {
    let pair = |attribute: &Attribute| Some((attribute.name.clone()?, attribute.value.clone()));
    Host {
        id: instance.id,
        cluster: instance.cluster.clone(),
        active: instance.status == InstanceStatus::Active,
        agent_connected: instance.agent_connected,
        external: instance.attribute(EXTERNAL).is_some(),
        fargate: instance.fargate,
        cpu_units: instance.cpu_units,
        memory_mib: instance.memory_mib,
        reserved_tcp_ports: instance.reserved_tcp_ports.iter().copied().collect(),
        reserved_udp_ports: instance.reserved_udp_ports.iter().copied().collect(),
        attributes: Arc::new(instance.attributes.iter().filter_map(pair).collect()),
        gpus: instance.gpus.clone(),
        network_interfaces: instance.network_interfaces,
        capacity_provider: instance.capacity_provider.clone(),
        ec2_instance_id: instance.ec2_instance_id.clone(),
        agent_version: instance.versions.agent.clone().unwrap_or_default(),
        registered_at: instance.registered_at,
    }
}

pub(crate) fn demand_of(reserved: &Reserved) -> Demand {
    Demand {
        cpu_units: reserved.cpu_units,
        memory_mib: reserved.memory_mib,
        tcp_ports: reserved.tcp_ports.clone(),
        udp_ports: reserved.udp_ports.clone(),
        gpus: reserved.gpu_count,
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
            deleted_at: None,
            settings: Vec::new(),
            configuration: None,
            service_connect_defaults: None,
            tags: Vec::new(),
            capacity_providers: Vec::new(),
            default_strategy: Vec::new(),
        }
    }
}

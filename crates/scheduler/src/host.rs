//! A host as it registered. What tasks hold of it stands in its account.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdSet;
use model::{ContainerInstanceId, Timestamp};

/// The attribute that names a host's zone.
pub(crate) const ZONE: &str = "ecs.availability-zone";

/// A value may be absent: `None` is an attribute that is only there.
pub type Attributes = BTreeMap<String, Option<String>>;

/// What a host registered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub id: ContainerInstanceId,
    pub cluster: String,
    /// ACTIVE: may be given tasks.
    pub active: bool,
    pub agent_connected: bool,
    /// Registered with the attribute `ecs.capability.external`.
    pub external: bool,
    /// FARGATE tasks of every cluster may take from it.
    pub fargate: bool,
    pub cpu_units: u32,
    pub memory_mib: u32,
    /// Ids of its devices; tasks get them in this order.
    pub gpus: Vec<String>,
    /// How many `awsvpc` tasks it can hold; `None`: no limit.
    pub network_interfaces: Option<u32>,
    pub reserved_tcp_ports: OrdSet<u16>,
    pub reserved_udp_ports: OrdSet<u16>,
    /// Shared: hosts with the same attributes hold one copy, the fleet sees to it.
    pub attributes: Arc<Attributes>,
    pub capacity_provider: Option<String>,
    pub ec2_instance_id: Option<String>,
    /// `X.Y.Z`, empty when unknown.
    pub agent_version: String,
    pub registered_at: Timestamp,
}

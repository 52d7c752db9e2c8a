//! A container instance: a host with something to give. What is taken is not
//! stored: the ledger of [`crate::state::State`] follows from the tasks.

use model::shapes::{Attribute, Tag};
use model::{ContainerInstanceId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Record;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    pub id: ContainerInstanceId,
    pub cluster: String,
    pub status: InstanceStatus,
    pub agent_connected: bool,
    pub registered_at: Timestamp,
    pub version: i64,
    /// 1024 per core.
    pub cpu_units: u32,
    pub memory_mib: u32,
    /// Host ports that tasks never get.
    pub reserved_tcp_ports: Vec<u16>,
    pub reserved_udp_ports: Vec<u16>,
    /// Built-in, capability and custom attributes, by name.
    pub attributes: Vec<Attribute>,
    /// FARGATE tasks of every cluster may take from this machine.
    pub fargate: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InstanceStatus {
    Active,
    Draining,
    Inactive,
}

impl InstanceStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

impl Record for Instance {
    type Key = ContainerInstanceId;
    const TABLE: &'static str = "container_instance";

    fn key(&self) -> ContainerInstanceId {
        self.id
    }

    fn key_text(key: &ContainerInstanceId) -> String {
        key.to_string()
    }
}

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
    /// The name in the server's configuration; the id belongs to it. `None` for an instance
    /// that registered through the API, and for this machine when nothing is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default)]
    pub agent: Agent,
    /// Ids of its GPUs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<String>,
    /// Interfaces that awsvpc tasks may have here; `None` for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interfaces: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2_instance_id: Option<String>,
    #[serde(default)]
    pub versions: Versions,
    /// `None` as long as nobody has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Names of the attributes that PutAttributes has set: they survive a registration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub put_attributes: Vec<String>,
    /// When it became INACTIVE; it is forgotten some time later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deregistered_at: Option<Timestamp>,
}

/// Who runs the instance's tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Agent {
    /// This server, with its own driver.
    #[default]
    Local,
    /// This server, with the scripted driver beside its own.
    Scripted,
    /// A program on another machine.
    Remote,
}

/// What the agent says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_hash: Option<String>,
    /// Of the container runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker: Option<String>,
}

/// The state of the container runtime, as its agent has told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub ok: bool,
    pub changed_at: Timestamp,
    pub updated_at: Timestamp,
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

impl Instance {
    /// The attribute with this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        let mut all = self.attributes.iter();
        all.find(|attribute| attribute.name.as_deref() == Some(name))
    }

    /// The Availability Zone that the instance stands in.
    pub fn zone(&self) -> Option<&str> {
        self.attribute("ecs.availability-zone")?.value.as_deref()
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

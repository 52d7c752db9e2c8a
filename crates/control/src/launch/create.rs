//! New task records, one per placement.

use std::sync::Arc;

use model::payload::NetworkMode;
use model::shapes::{Tag, TaskOverride};
use scheduler::{Placed, Pool};
use uuid::{Builder, Uuid};

use super::placement::Rules;
use crate::cx::Cx;
use crate::record::task::{
    Attachment, Container, Desired, LaunchType, Reserved, TaskStatus, Times,
};
use crate::record::{Definition, Placement, Task};

/// What all tasks of one call have in common.
pub(crate) struct Template<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) definition: &'a Definition,
    pub(crate) launch_type: LaunchType,
    pub(crate) group: String,
    pub(crate) started_by: Option<String>,
    pub(crate) overrides: Option<Arc<TaskOverride>>,
    pub(crate) network_mode: NetworkMode,
    /// awsvpc only: where the tasks get their interfaces.
    pub(crate) subnets: Vec<String>,
    pub(crate) platform_version: Option<String>,
    pub(crate) reserved: Reserved,
    pub(crate) rules: Rules,
    pub(crate) tags: Vec<Tag>,
}

impl<'a> Template<'a> {
    /// Where the tasks may stand.
    pub(crate) fn pool(&self) -> Pool<'a> {
        let cluster = self.cluster;
        match self.launch_type {
            LaunchType::Ec2 => Pool::Ec2 { cluster },
            LaunchType::External => Pool::External { cluster },
            LaunchType::Fargate => Pool::Fargate,
        }
    }

    /// The `index`-th task of the call, where it was placed.
    pub(crate) fn create(
        &self,
        cx: &mut Cx<'_>,
        placed: &Placed,
        placement: Option<Placement>,
        index: usize,
    ) -> Arc<Task> {
        let attachment = self.attachment(cx, index);
        let containers = self.definition.containers().iter().map(|container| {
            let name = container.name.as_deref().unwrap_or_default();
            Container::new(uuid(cx.random.bits()), name)
        });
        let containers = containers.collect();
        let task = Task {
            id: cx.random.task_id(),
            cluster: self.cluster.to_owned(),
            definition: self.definition.id.clone(),
            instance: Some(placed.host),
            launch_type: self.launch_type,
            group: self.group.clone(),
            started_by: self.started_by.clone(),
            status: match &attachment {
                Some(_) => TaskStatus::Provisioning,
                None => TaskStatus::Pending,
            },
            desired: Desired::Running,
            version: 1,
            times: Times {
                created_at: cx.now,
                ..Times::default()
            },
            stop: None,
            reserved: Reserved {
                gpus: placed.gpu_ids.clone(),
                ..self.reserved.clone()
            },
            network_mode: self.network_mode,
            overrides: self.overrides.clone(),
            attachment,
            platform_version: self.platform_version.clone(),
            placement: placement.map(Box::new),
            tags: self.tags.clone(),
            containers,
        };
        cx.state.put_task(task)
    }

    /// An interface of its own for an awsvpc task; the subnets are used in turn.
    fn attachment(&self, cx: &mut Cx<'_>, index: usize) -> Option<Box<Attachment>> {
        let count = self.subnets.len();
        let subnet = self.subnets.get(index.checked_rem(count)?)?.clone();
        Some(Box::new(Attachment {
            id: uuid(cx.random.bits()),
            subnet,
            network_interface_id: format!("eni-{:017x}", cx.random.bits() >> 60),
            interface: None,
        }))
    }
}

fn uuid(bits: u128) -> Uuid {
    Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

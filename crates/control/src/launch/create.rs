//! New task records, one per placement.

use std::sync::Arc;

use model::ContainerInstanceId;
use model::payload::NetworkMode;
use model::shapes::{Tag, TaskOverride};
use scheduler::{Placed, Pool};
use uuid::{Builder, Uuid};

use super::network;
use super::placement::Rules;
use super::placing::Needs;
use super::strategy;
use super::volumes::VolumePlan;
use crate::cx::Cx;
use crate::record::cluster::StrategyItem;
use crate::record::task::{
    Attachment, Container, Desired, LaunchType, Reserved, TaskStatus, Times, Volume, Waiting,
};
use crate::record::{Definition, Placement, Task};

/// What all tasks of one call have in common.
pub(crate) struct Template<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) definition: &'a Definition,
    pub(crate) launch_type: LaunchType,
    /// Splits the tasks among capacity providers; empty when a launch type decides.
    pub(crate) strategy: Vec<StrategyItem>,
    pub(crate) group: String,
    pub(crate) started_by: Option<String>,
    pub(crate) overrides: Option<Arc<TaskOverride>>,
    /// An EBS volume for each task.
    pub(crate) volume: Option<VolumePlan>,
    /// Callers may enter the containers.
    pub(crate) execute_command: bool,
    pub(crate) network_mode: NetworkMode,
    /// awsvpc only: where the tasks get their interfaces.
    pub(crate) subnets: Vec<String>,
    /// Where those are; empty for any zone.
    pub(crate) zones: Vec<String>,
    pub(crate) platform_version: Option<String>,
    pub(crate) reserved: Reserved,
    pub(crate) rules: Rules,
    pub(crate) tags: Vec<Tag>,
}

/// The part of a call's tasks that goes to one pool of hosts.
pub(crate) struct Share<'a> {
    pub(crate) pool: Pool<'a>,
    /// `None` when a launch type decides.
    pub(crate) provider: Option<&'a str>,
    pub(crate) count: usize,
    /// All tasks of the call are in it.
    pub(crate) is_only: bool,
}

/// Where a new task begins.
pub(crate) enum Start<'a> {
    Placed(&'a Placed, Option<Placement>),
    /// In the queue of its capacity provider.
    Waiting(Waiting),
}

impl Template<'_> {
    /// What each task needs of its host.
    pub(crate) fn needs(&self) -> Needs<'_> {
        Needs {
            definition: self.definition,
            reserved: &self.reserved,
            group: &self.group,
            zones: &self.zones,
            rules: &self.rules,
        }
    }

    /// Where the tasks may stand, and how many of them. Providers that get none are left out.
    pub(crate) fn shares(&self, count: usize) -> Vec<Share<'_>> {
        if self.strategy.is_empty() {
            let pool = pool(self.launch_type, self.cluster, None);
            let provider = None;
            return vec![Share {
                pool,
                provider,
                count,
                is_only: true,
            }];
        }
        let total = count;
        let counts = strategy::split(&self.strategy, total);
        let shares = self.strategy.iter().zip(counts);
        let shares = shares.filter(|(_, count)| *count > 0);
        let providers = shares.map(|(item, count)| (Some(item.provider.as_str()), count));
        let share = |(provider, count)| Share {
            pool: pool(self.launch_type, self.cluster, provider),
            provider,
            count,
            is_only: count == total,
        };
        providers.map(share).collect()
    }

    /// The `index`-th task of the call.
    pub(crate) fn create(
        &self,
        cx: &mut Cx<'_>,
        provider: Option<&str>,
        start: Start<'_>,
        index: usize,
    ) -> Arc<Task> {
        let (instance, gpus, placement, waiting) = match start {
            Start::Placed(placed, why) => (Some(placed.host), placed.gpu_ids.clone(), why, None),
            Start::Waiting(waiting) => (None, Vec::new(), None, Some(waiting)),
        };
        let attachment = self.attachment(cx, instance, index);
        let volume = self.volume(cx);
        let has_attachments = attachment.is_some() || volume.is_some();
        let containers = self.definition.containers().iter().map(|container| {
            let name = container.name.as_deref().unwrap_or_default();
            Container::new(uuid(cx.random.bits()), name)
        });
        let containers = containers.collect();
        let task = Task {
            id: cx.random.task_id(),
            cluster: self.cluster.to_owned(),
            definition: self.definition.id.clone(),
            instance,
            launch_type: self.launch_type,
            provider: provider.map(str::to_owned),
            waiting: waiting.map(Box::new),
            group: self.group.clone(),
            started_by: self.started_by.clone(),
            status: if has_attachments || instance.is_none() {
                TaskStatus::Provisioning
            } else {
                TaskStatus::Pending
            },
            desired: Desired::Running,
            version: 1,
            times: Times {
                created_at: cx.now,
                ..Times::default()
            },
            stop: None,
            reserved: Reserved {
                gpus,
                ..self.reserved.clone()
            },
            network_mode: self.network_mode,
            overrides: self.overrides.clone(),
            execute_command: self.execute_command,
            attachment,
            volume,
            platform_version: self.platform_version.clone(),
            placement: placement.map(Box::new),
            tags: self.tags.clone(),
            containers,
        };
        cx.state.put_task(task)
    }

    /// An interface of its own for an awsvpc task; the subnets in the host's zone are used in turn.
    fn attachment(
        &self,
        cx: &mut Cx<'_>,
        host: Option<ContainerInstanceId>,
        index: usize,
    ) -> Option<Box<Attachment>> {
        let instance = host.and_then(|host| cx.state.instances().get(&host));
        let zone = instance.and_then(|instance| instance.zone());
        let subnet = network::subnet_in(cx.settings, &self.subnets, zone, index)?.clone();
        Some(Box::new(Attachment {
            id: uuid(cx.random.bits()),
            subnet,
            network_interface_id: format!("eni-{:017x}", cx.random.bits() >> 60),
            interface: None,
        }))
    }

    fn volume(&self, cx: &mut Cx<'_>) -> Option<Box<Volume>> {
        let plan = self.volume.as_ref()?;
        Some(Box::new(Volume {
            id: uuid(cx.random.bits()),
            name: plan.name.clone(),
            role_arn: plan.role_arn.clone(),
            volume_id: format!("vol-{:017x}", cx.random.bits() >> 60),
            delete_on_termination: plan.delete_on_termination,
        }))
    }
}

/// The hosts that tasks of this launch type, or of this provider, may stand on.
pub(crate) fn pool<'a>(
    launch_type: LaunchType,
    cluster: &'a str,
    provider: Option<&'a str>,
) -> Pool<'a> {
    match (launch_type, provider) {
        (LaunchType::Fargate, _) => Pool::Fargate,
        (LaunchType::External, _) => Pool::External { cluster },
        (LaunchType::Ec2, Some(provider)) => Pool::Provider { cluster, provider },
        (LaunchType::Ec2, None) => Pool::Ec2 { cluster },
    }
}

fn uuid(bits: u128) -> Uuid {
    Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

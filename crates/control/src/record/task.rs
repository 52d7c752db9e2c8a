//! A task: what was asked for, where it runs, how far it has come, how it ended.
//!
//! `status` only ever grows and has one owner per stretch: RunTask creates it,
//! from placement on only reports of the host move it.

use std::sync::Arc;

use model::payload::{ContainerReport, ContainerStatus, Health, NetworkMode, TaskInterface};
use model::shapes::{ContainerOverride, Tag, TaskOverride};
use model::{ContainerInstanceId, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Record;
use uuid::Uuid;

use super::placement::RulesText;
use super::{DefinitionKey, Placement};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub cluster: String,
    pub definition: DefinitionKey,
    /// The host. Shown as `containerInstanceArn` unless the launch type is FARGATE. `None` as
    /// long as the task waits for its capacity provider, and for one that ended so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<ContainerInstanceId>,
    pub launch_type: LaunchType,
    /// The capacity provider that the task was started on, if a strategy chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What its placement needs to know, as long as it has no host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Box<Waiting>>,
    pub group: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    pub status: TaskStatus,
    pub desired: Desired,
    /// Grows by one with every change that [`Task::has_moved`] tells of.
    pub version: i64,
    pub times: Times,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    pub reserved: Reserved,
    pub network_mode: NetworkMode,
    /// As given by the caller, environment values included; shared by the tasks of one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Arc<TaskOverride>>,
    /// `enableExecuteCommand` of the call.
    #[serde(default, skip_serializing_if = "is_false")]
    pub execute_command: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Box<Attachment>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Box<Volume>>,
    /// FARGATE only: the number that LATEST resolved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Why it stands where it does. `None` until it is placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Box<Placement>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// In the order of the definition.
    pub containers: Vec<Container>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LaunchType {
    Ec2,
    Fargate,
    External,
}

impl LaunchType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Fargate => "FARGATE",
            Self::External => "EXTERNAL",
        }
    }
}

/// `lastStatus`, in the order of a task's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    Provisioning,
    Pending,
    Running,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl TaskStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Desired {
    Running,
    Stopped,
}

impl Desired {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// Moments of a task's life; each is set once, when it has happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectivity_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_stopped_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_stopped_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
}

/// The first cause of a stop; later ones do not overwrite it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub code: StopCode,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopCode {
    EssentialContainerExited,
    SpotInterruption,
    TaskFailedToStart,
    TerminationNotice,
    UserInitiated,
}

impl StopCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::SpotInterruption => "SpotInterruption",
            Self::TaskFailedToStart => "TaskFailedToStart",
            Self::TerminationNotice => "TerminationNotice",
            Self::UserInitiated => "UserInitiated",
        }
    }
}

/// What the task takes from its host until it is STOPPED.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    pub cpu_units: u32,
    pub memory_mib: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tcp_ports: Vec<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub udp_ports: Vec<u16>,
    /// Devices it asks for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gpu_count: u32,
    /// Ids of the devices it holds; none before it is placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<String>,
    /// Slots of the host for `awsvpc` tasks: 0 or 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub network_interfaces: u32,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(amount: &u32) -> bool {
    *amount == 0
}

/// A task in the queue of its capacity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What binds and guides its placement; shared by the tasks of one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Arc<RulesText>>,
    /// All subnets that the call gave: its interface goes to one in the zone of the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// When a task behind it in the queue was first placed before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_over_at: Option<Timestamp>,
}

/// The elastic network interface of an awsvpc task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub id: Uuid,
    pub subnet: String,
    pub network_interface_id: String,
    /// Known once the host has made the interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<TaskInterface>,
}

/// The EBS volume of a task, made for it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Of the attachment.
    pub id: Uuid,
    /// In the definition.
    pub name: String,
    pub role_arn: String,
    pub volume_id: String,
    /// The volume ends with the task.
    pub delete_on_termination: bool,
}

/// One container of the task and the last the host told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The end of the container's ARN.
    pub id: Uuid,
    pub report: ContainerReport,
}

impl Container {
    pub fn new(id: Uuid, name: &str) -> Self {
        let report = ContainerReport {
            name: name.to_owned(),
            status: ContainerStatus::Pending,
            runtime_id: None,
            image_digest: None,
            exit_code: None,
            reason: None,
            bindings: Vec::new(),
            ipv4: None,
            health: Health::Unknown,
        };
        Self { id, report }
    }
}

impl Task {
    /// Moves the status forwards and stamps the moment; a step back is our bug.
    pub fn advance(&mut self, to: TaskStatus, now: Timestamp) {
        assert!(
            self.status < to,
            "task {}: {:?} -> {to:?}",
            self.id,
            self.status
        );
        self.status = to;
        match to {
            TaskStatus::Stopping => {
                self.times.stopping_at.get_or_insert(now);
            }
            TaskStatus::Stopped => {
                self.desired = Desired::Stopped;
                self.times.stopping_at.get_or_insert(now);
                // What never had a host has never executed anything.
                if self.instance.is_some() {
                    self.times.execution_stopped_at.get_or_insert(now);
                }
                self.times.stopped_at.get_or_insert(now);
            }
            TaskStatus::Provisioning
            | TaskStatus::Pending
            | TaskStatus::Running
            | TaskStatus::Deprovisioning => {}
        }
    }

    /// Wishes the task to stop. The first cause is kept.
    pub fn want_stopped(&mut self, cause: Stop, now: Timestamp) {
        self.desired = Desired::Stopped;
        self.stop.get_or_insert(cause);
        self.times.stopping_at.get_or_insert(now);
    }

    /// Stands on this host from now on; it waited for one.
    pub fn leave_queue(&mut self, host: ContainerInstanceId, gpus: Vec<String>, now: Timestamp) {
        self.instance = Some(host);
        self.reserved.gpus = gpus;
        self.waiting = None;
        if !self.has_attachments() {
            self.advance(TaskStatus::Pending, now);
        }
    }

    /// Its host has told of it.
    pub fn is_on_host(&self) -> bool {
        self.times.connectivity_at.is_some()
    }

    /// A status, wish or container's status is another than before: what ECS tells in an event,
    /// and so a step of `version` (`task-lifecycle.md` §1, §5). Health, moments and the
    /// interface's status are none, as has been seen on AWS.
    pub fn has_moved(&self, before: &Self) -> bool {
        let containers = self.containers.iter().zip(&before.containers);
        (self.status, self.desired) != (before.status, before.desired)
            || containers
                .into_iter()
                .any(|(now, before)| now.report.status != before.report.status)
    }

    /// Something is made before its containers start, and taken away after they ended.
    pub fn has_attachments(&self) -> bool {
        self.attachment.is_some() || self.volume.is_some()
    }

    /// Ends a task that no host knows of.
    pub fn end_unplaced(&mut self, cause: Stop, now: Timestamp) {
        self.want_stopped(cause, now);
        self.advance(TaskStatus::Stopped, now);
        self.waiting = None;
        for container in &mut self.containers {
            container.report.status = ContainerStatus::Stopped;
        }
    }

    /// What the caller overrides in one container.
    pub fn container_override(&self, name: &str) -> Option<&ContainerOverride> {
        let given = self.overrides.as_ref()?.container_overrides.as_ref()?;
        given.iter().find(|one| one.name.as_deref() == Some(name))
    }

    /// Waits in PROVISIONING until its capacity provider has room.
    pub fn is_waiting(&self) -> bool {
        self.instance.is_none() && !self.is_stopped()
    }

    pub fn is_stopped(&self) -> bool {
        self.status == TaskStatus::Stopped
    }

    /// Counts for the host's `runningTasksCount` (`placement.md` §6).
    pub fn is_running(&self) -> bool {
        self.status == TaskStatus::Running && self.desired == Desired::Running
    }
}

impl Record for Task {
    type Key = TaskId;
    const TABLE: &'static str = "task";

    fn key(&self) -> TaskId {
        self.id
    }

    fn key_text(key: &TaskId) -> String {
        key.to_string()
    }
}

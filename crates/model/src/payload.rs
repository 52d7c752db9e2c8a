//! What the control plane hands to a host, and what the host tells back.
//! The meaning is that of ECS's agent-facing operations; a report always
//! carries the whole known state of its task, so that sending it twice, late
//! or after a restart is harmless.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::container::{ContainerSpec, EnvironmentVariable, ExtraHost, Failure, Identity};
use crate::{TaskId, Timestamp};

/// One task for one host, complete: definition and overrides are already merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPayload {
    pub id: TaskId,
    pub arn: String,
    pub family: String,
    pub revision: u32,
    pub network: NetworkSpec,
    /// In the order of the definition.
    pub containers: Vec<ContainerPlan>,
}

/// One container of a task and its place in the task's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerPlan {
    pub spec: ContainerSpec,
    pub essential: bool,
    pub depends_on: Vec<Dependency>,
    /// Containers that must have started before, because of `links` and `volumesFrom`. Unlike
    /// `depends_on` they have no say in the order of stopping.
    #[serde(default)]
    pub starts_after: Vec<String>,
    pub health_check: Option<HealthCheck>,
    /// Seconds dependants wait for this container's condition; `None` waits for ever.
    pub start_timeout_seconds: Option<u32>,
    /// Seconds between the stop signal and SIGKILL.
    pub stop_timeout_seconds: u32,
    /// `None`: an exit is final.
    pub restart_policy: Option<RestartPolicy>,
}

/// Seconds between stop signal and SIGKILL (`task-lifecycle.md` §2.3).
pub const STOP_TIMEOUT_SECONDS: u32 = 30;

impl ContainerPlan {
    /// An essential container that waits for nothing.
    pub fn new(spec: ContainerSpec) -> Self {
        Self {
            spec,
            essential: true,
            depends_on: Vec::new(),
            starts_after: Vec::new(),
            health_check: None,
            start_timeout_seconds: None,
            stop_timeout_seconds: STOP_TIMEOUT_SECONDS,
            restart_policy: None,
        }
    }
}

/// When a container that ended is started again in its place (`task-lifecycle.md` §2.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    pub ignored_exit_codes: Vec<i32>,
    /// Seconds it must have run since its last start.
    pub attempt_period_seconds: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub container: String,
    pub condition: DependencyCondition,
}

/// When a dependency counts as satisfied (`task-lifecycle.md` §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencyCondition {
    Start,
    Complete,
    Success,
    Healthy,
}

/// A health check with its defaults filled in (`task-lifecycle.md` §2.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// As given: `["CMD", …]`, `["CMD-SHELL", "…"]` or a bare command.
    pub command: Vec<String>,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub retries: u32,
    pub start_period_seconds: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkMode {
    /// Loopback only, one namespace per container.
    None,
    /// The host's own namespace.
    Host,
    /// One namespace and address per container behind the host's bridge.
    Bridge,
    /// One namespace and address per task; containers share localhost.
    Awsvpc,
}

/// The network a task wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    pub task: TaskId,
    pub mode: NetworkMode,
    /// All containers of the task, in the order of the definition.
    pub containers: Vec<String>,
    /// Bridge: ports to publish. Host: ports that must be free on the host. Else empty.
    pub ports: Vec<PortMapping>,
    /// Of the containers that have one, for drivers whose networks carry these names.
    #[serde(default)]
    pub identities: BTreeMap<String, Identity>,
    /// `net.*` of `systemControls`, all containers of a network together.
    #[serde(default)]
    pub system_controls: BTreeMap<String, BTreeMap<String, String>>,
    /// `links` of the containers that have some; bridge mode only, without cycles.
    #[serde(default)]
    pub links: BTreeMap<String, Vec<Link>>,
    /// Containers with `disableNetworking`: loopback only, whatever the mode.
    #[serde(default)]
    pub isolated: BTreeSet<String>,
}

/// One entry of `links`: the address of another container of the task, under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub container: String,
    pub alias: String,
}

impl NetworkSpec {
    /// A network without ports and names.
    pub fn new(task: TaskId, mode: NetworkMode, containers: Vec<String>) -> Self {
        Self {
            task,
            mode,
            containers,
            ports: Vec::new(),
            identities: BTreeMap::new(),
            system_controls: BTreeMap::new(),
            links: BTreeMap::new(),
            isolated: BTreeSet::new(),
        }
    }

    /// Has the container loopback only?
    pub fn is_isolated(&self, container: &str) -> bool {
        self.mode == NetworkMode::None || self.isolated.contains(container)
    }

    /// The containers that a container is linked to.
    pub fn linked<'a>(&'a self, container: &str) -> impl Iterator<Item = &'a Link> + use<'a> {
        self.links.get(container).into_iter().flatten()
    }

    /// Tells each container the addresses of those it is linked to.
    pub fn name_linked(&self, state: &mut NetworkState) {
        let known = state.clone();
        for container in &mut state.containers {
            container.hosts = self.linked_hosts(&container.container, &known);
        }
    }

    /// What a container's links add to its `/etc/hosts`, as far as addresses are known.
    pub fn linked_hosts(&self, container: &str, state: &NetworkState) -> Vec<ExtraHost> {
        let host = |link: &Link| {
            let networks = &mut state.containers.iter();
            let network = networks.find(|network| network.container == link.container)?;
            Some(ExtraHost {
                hostname: link.alias.clone(),
                ip_address: network.ipv4.clone()?,
            })
        };
        self.linked(container).filter_map(host).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    pub container: String,
    pub container_port: u16,
    /// `None`: the host picks one from its ephemeral range.
    pub host_port: Option<u16>,
    pub protocol: Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    Tcp,
    Udp,
}

/// The network a task got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkState {
    pub containers: Vec<ContainerNetwork>,
    /// awsvpc only.
    pub interface: Option<TaskInterface>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerNetwork {
    pub container: String,
    /// The file that holds the network namespace; `None` for the host's own.
    pub namespace: Option<String>,
    pub ipv4: Option<String>,
    pub bindings: Vec<PortBinding>,
    /// Names and addresses of the containers that this one is linked to.
    #[serde(default)]
    pub hosts: Vec<ExtraHost>,
}

impl ContainerNetwork {
    /// Neither namespace, nor address, nor ports yet.
    pub fn new(container: &str) -> Self {
        Self {
            container: container.to_owned(),
            namespace: None,
            ipv4: None,
            bindings: Vec::new(),
            hosts: Vec::new(),
        }
    }
}

/// A host port that is held for a container from placement to STOPPED.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortBinding {
    pub container_port: u16,
    pub host_port: u16,
    pub protocol: Protocol,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskInterface {
    pub ipv4: String,
    pub mac: String,
}

/// Where a task stands on its host. Ordered: of two reports the greater is the newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HostStatus {
    /// Accepted; the network is being made.
    Provisioning,
    /// Pulling, creating, starting.
    Pending,
    Running,
    Stopping,
    /// Containers have ended; the network is being removed.
    Deprovisioning,
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ContainerStatus {
    Pending,
    Running,
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    Unknown,
    Healthy,
    Unhealthy,
}

/// All that the host knows of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    pub task: TaskId,
    pub status: HostStatus,
    /// In the order of the definition.
    pub containers: Vec<ContainerReport>,
    pub interface: Option<TaskInterface>,
    pub pull_started_at: Option<Timestamp>,
    pub pull_stopped_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    /// Containers have ended.
    pub execution_stopped_at: Option<Timestamp>,
    /// Why the host ended the task by itself; `None` when it was told to.
    pub stop: Option<HostStop>,
}

/// A stop that began on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostStop {
    /// An essential container ended, or all have.
    EssentialContainerExited,
    /// The task never reached RUNNING; the text is the stopped reason.
    FailedToStart(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerReport {
    pub name: String,
    pub status: ContainerStatus,
    pub runtime_id: Option<String>,
    pub image_digest: Option<String>,
    pub exit_code: Option<i32>,
    /// `ErrorName: detail`, at most 1024 characters.
    pub reason: Option<String>,
    pub bindings: Vec<PortBinding>,
    pub ipv4: Option<String>,
    pub health: Health,
}

/// Text form of a [`Failure`] within the 1024 characters that ECS gives a reason.
pub fn reason_text(failure: &Failure) -> String {
    failure.to_string().chars().take(REASON_CHARS_MAX).collect()
}

/// Longest `reason` of a container (`task-lifecycle.md` §2).
pub const REASON_CHARS_MAX: usize = 1024;

/// Merges environment lists; a later entry with a known name replaces its value in place.
pub fn merge_environment(
    base: Vec<EnvironmentVariable>,
    over: Vec<EnvironmentVariable>,
) -> Vec<EnvironmentVariable> {
    let mut merged = base;
    for variable in over {
        match merged.iter_mut().find(|known| known.name == variable.name) {
            Some(known) => known.value = variable.value,
            None => merged.push(variable),
        }
    }
    merged
}

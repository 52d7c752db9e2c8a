//! What a host asks of a container runtime, and what every driver promises.
//!
//! Promises:
//! 1. Every call may be repeated: names are derived from the task, so a second
//!    call finds what the first one made. Calls for unknown containers succeed
//!    when the wanted end state holds already (`remove`, `tear_down`, `signal`).
//! 2. A call that fails leaves nothing half-made behind.
//! 3. Containers outlive the server. `existing` finds them again, with the exit
//!    code and time of those that ended meanwhile.
//! 4. Every line a container wrote is in its log stream before `wait` answers.
//! 5. A host port of a task is held from `set_up_network` until `tear_down`.
//! 6. Errors use the vocabulary of ECS, with a sentence that says what to change.

use std::time::Duration;

use async_trait::async_trait;
use model::TaskId;
use model::container::{
    ContainerKey, ContainerSpec, Existing, Exit, Failure, FailureName, PulledImage, Started,
};
use model::payload::{ContainerNetwork, NetworkSpec, NetworkState};

#[async_trait]
pub trait Driver: Send + Sync + 'static {
    /// `native`, `docker` or `scripted`.
    fn name(&self) -> &'static str;

    /// What this host has to give, measured once at start.
    fn capacity(&self) -> Capacity;

    /// Makes the namespaces, addresses and ports of a task, or finds those it made before.
    async fn set_up_network(&self, spec: &NetworkSpec) -> Result<NetworkState, Failure>;

    /// Makes the image available; answers at once if it is there. `container` may steer a script.
    async fn pull(&self, spec: &ContainerSpec) -> Result<PulledImage, Failure>;

    /// Creates and starts the container. `CannotCreateContainerError` or `CannotStartContainerError`.
    async fn start(&self, spec: &ContainerSpec, network: &NetworkState)
    -> Result<Started, Failure>;

    /// Waits until the container has ended and its output is in the log store.
    async fn wait(&self, key: &ContainerKey) -> Exit;

    /// Sends a signal to the container's first process; SIGKILL goes to all of its processes.
    async fn signal(&self, key: &ContainerKey, signal: i32) -> Result<(), Failure>;

    /// Runs a command inside a running container, for health checks. A command that does not
    /// end in time is killed and reported as `Executed::TimedOut`.
    async fn execute(
        &self,
        key: &ContainerKey,
        command: &[String],
        timeout: Duration,
    ) -> Result<Executed, Failure>;

    /// Removes an ended container and its files; its log stays.
    async fn remove(&self, key: &ContainerKey) -> Result<(), Failure>;

    /// Removes what is left of a task: containers, namespaces, addresses, ports, cgroups. What
    /// no later call can notice may go after the answer; `close` waits for it.
    async fn tear_down(&self, task: TaskId) -> Result<(), Failure>;

    /// Every container this driver still knows, running or ended.
    async fn existing(&self) -> Result<Vec<Existing>, Failure>;

    /// Gives back what no task uses any more (bridges, tables), when the server ends. Tasks that
    /// still run keep all that is theirs.
    async fn close(&self) -> Result<(), Failure>;
}

/// What a host registers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// 1024 per core.
    pub cpu_units: u32,
    pub memory_mib: u32,
    /// `x86_64` or `arm64`.
    pub architecture: String,
}

/// The end of a command inside a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed {
    Exited { code: i32, output: String },
    TimedOut,
}

/// A container's part of its task's network, which every driver looks up before it starts one.
pub(crate) fn own_network<'a>(
    key: &ContainerKey,
    network: &'a NetworkState,
) -> Result<&'a ContainerNetwork, Failure> {
    let mut all = network.containers.iter();
    all.find(|network| network.container == key.container)
        .ok_or_else(|| {
            Failure::new(
                FailureName::ContainerNetworkingError,
                format!(
                    "the network of the task was set up without the container {}",
                    key.container
                ),
            )
        })
}

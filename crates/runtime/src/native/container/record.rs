//! What server and shim tell each other, as JSON.

use std::path::PathBuf;

use model::Timestamp;
use model::container::{ContainerSpec, Failure};
use model::payload::ContainerNetwork;
use serde::{Deserialize, Serialize};

use super::process::Process;
use crate::native::image::ImageConfig;

/// All that a shim needs to make a container. It holds the environment, secrets among it, and is
/// handed over in memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) spec: ContainerSpec,
    pub(crate) image: ImageConfig,
    /// Unpacked layers of the image, bottom first.
    pub(crate) layers: Vec<PathBuf>,
    pub(crate) network: ContainerNetwork,
    /// Content of `/etc/resolv.conf`.
    pub(crate) resolv_conf: String,
    /// Root of the log store.
    pub(crate) logs: PathBuf,
    /// Where compiled filters of system calls are kept for the next container.
    pub(crate) filters: PathBuf,
    /// The container's folder, absolute.
    pub(crate) folder: PathBuf,
    /// Where the volumes of the task, and those of the host, are.
    pub(crate) task_volumes: PathBuf,
    pub(crate) host_volumes: PathBuf,
    /// Who holds the namespaces that the containers of the task share.
    pub(crate) holder: Option<Process>,
    /// Name of the host, which containers in its network namespace share.
    pub(crate) host_name: String,
}

impl Request {
    /// The holder's namespace of a kind, as a path.
    pub(crate) fn shared_namespace(&self, kind: &str) -> Option<String> {
        let pid = self.holder?.pid;
        Some(format!("/proc/{pid}/ns/{kind}"))
    }

    /// As given; else the host's in its own network, else the start of the id, as engines do.
    pub(crate) fn hostname(&self) -> String {
        match &self.spec.identity.hostname {
            Some(name) if !name.is_empty() => name.clone(),
            _ if self.network.namespace.is_none() => self.host_name.clone(),
            _ => self.spec.key.runtime_id()[..12].to_owned(),
        }
    }
}

/// A container that was started, in `started.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StartedRecord {
    pub(crate) at: Timestamp,
    /// The container's first process, seen from the host.
    pub(crate) process: Process,
}

/// The one line a shim writes to the pipe it was started with.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    Started(StartedRecord),
    Failed(Failure),
}

/// What the helper for a command inside a container reads from its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExecuteRequest {
    pub(crate) command: Vec<String>,
    pub(crate) timeout_millis: u64,
}

/// And what it writes to its standard error.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ExecuteReport {
    Exited(i32),
    TimedOut,
    Failed(Failure),
}

//! What a host knows about a container: how to make one, what became of it.
//! Engine and driver share these words and nothing else.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{TaskId, Timestamp};

/// Names one container of one task on a host. Drivers derive every name they
/// need (folder, cgroup, socket) from it, so that doing a thing twice is harmless.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContainerKey {
    pub task: TaskId,
    /// The name in the task definition.
    pub container: String,
}

impl ContainerKey {
    /// What `runtimeId` shows for containers that we run ourselves: 64 hexadecimal digits, as
    /// container engines have them. Drawn from the key, so that a repeated start answers the
    /// same, and known before the container exists: log streams without a prefix are named so.
    pub fn runtime_id(&self) -> String {
        let (task, name) = (self.task.to_string(), self.container.as_bytes());
        let front = fnv1a(&[task.as_bytes(), name]);
        let back = fnv1a(&[name, task.as_bytes()]);
        format!("{front:032x}{back:032x}")
    }
}

/// FNV-1a with 128 bits. Task ids are random, so this spreads well enough to name things.
fn fnv1a(parts: &[&[u8]]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = parts.iter().flat_map(|part| part.iter());
    bytes.fold(BASIS, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

/// Everything a driver needs to create one container, overrides already applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    pub key: ContainerKey,
    /// Image reference as the definition has it (`busybox`, `repo/app:3`, `app@sha256:…`).
    pub image: String,
    /// Replaces the image's entry point; `None` keeps it.
    pub entry_point: Option<Vec<String>>,
    /// Replaces the image's command; `None` keeps it.
    pub command: Option<Vec<String>>,
    /// What the platform tells: gives way to the image's environment and to all below.
    pub platform_environment: Vec<EnvironmentVariable>,
    /// Added to the image's environment, later entries win.
    pub environment: Vec<EnvironmentVariable>,
    pub working_directory: Option<String>,
    /// `user`, `uid`, `user:group` or `uid:gid`.
    pub user: Option<String>,
    pub readonly_root_filesystem: bool,
    pub privileged: bool,
    /// A small init as PID 1 that forwards signals and reaps children.
    pub init_process: bool,
    /// CPU units (1024 per core) as a relative share; 0 means the runtime's minimum (2 shares).
    pub cpu_units: u32,
    /// Hard limit in MiB; the container is killed above it.
    pub memory_mib: Option<u32>,
    /// Soft limit in MiB.
    pub memory_reservation_mib: Option<u32>,
    pub ulimits: Vec<Ulimit>,
    /// Capabilities added to and dropped from the default set, without `CAP_`.
    pub capabilities_add: Vec<String>,
    pub capabilities_drop: Vec<String>,
    pub identity: Identity,
    /// `systemControls`: kernel parameters of the container's namespaces, by name. Those of its
    /// network (`net.*`) are in the task's `NetworkSpec` too.
    pub system_controls: BTreeMap<String, String>,
    /// Mounted in this order; those of `volumesFrom` are among them.
    pub mounts: Vec<Mount>,
    /// Whose image's own volumes are mounted, too: `volumesFrom`, with those that these containers
    /// take from themselves. Of two at one place the later counts; `mounts` go before both.
    #[serde(default)]
    pub volumes_from: Vec<VolumesFrom>,
    /// Size of `/dev/shm` in MiB; `None` is the engines' 64.
    pub shared_memory_mib: Option<u32>,
    /// `pidMode` and `ipcMode` of the task.
    pub pid: NamespaceMode,
    pub ipc: NamespaceMode,
    /// `pseudoTerminal`: standard output is a terminal.
    pub terminal: bool,
    /// `interactive`: standard input stays open, although nobody writes to it.
    pub interactive: bool,
    /// `dockerSecurityOptions` has `no-new-privileges`.
    pub no_new_privileges: bool,
    /// What the host must fetch before the container can be made.
    pub references: References,
    /// What `references` has brought: the login for the image's registry. Never written down.
    #[serde(skip)]
    pub registry_login: Option<RegistryLogin>,
    /// Labels for drivers that can keep them.
    pub labels: BTreeMap<String, String>,
    pub log: LogTarget,
    /// Limits shared by all containers of the task, if the definition has task-level sizes.
    pub task_limits: TaskLimits,
}

impl ContainerSpec {
    /// A container of an image as the image says, without limits of its own.
    pub fn new(key: ContainerKey, image: impl Into<String>, log: LogTarget) -> Self {
        Self {
            key,
            image: image.into(),
            entry_point: None,
            command: None,
            platform_environment: Vec::new(),
            environment: Vec::new(),
            working_directory: None,
            user: None,
            readonly_root_filesystem: false,
            privileged: false,
            init_process: false,
            cpu_units: 0,
            memory_mib: None,
            memory_reservation_mib: None,
            ulimits: Vec::new(),
            capabilities_add: Vec::new(),
            capabilities_drop: Vec::new(),
            identity: Identity::default(),
            system_controls: BTreeMap::new(),
            mounts: Vec::new(),
            volumes_from: Vec::new(),
            shared_memory_mib: None,
            pid: NamespaceMode::Own,
            ipc: NamespaceMode::Own,
            terminal: false,
            interactive: false,
            no_new_privileges: false,
            references: References::default(),
            registry_login: None,
            labels: BTreeMap::new(),
            log,
            task_limits: TaskLimits::default(),
        }
    }
}

/// What a container calls itself and whom it knows: names that live in files beside its network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub hostname: Option<String>,
    /// Lines of `/etc/hosts`, in the order of the definition.
    pub extra_hosts: Vec<ExtraHost>,
    /// Instead of the host's, if there are any.
    pub dns_servers: Vec<String>,
    pub dns_search_domains: Vec<String>,
}

/// A line of `/etc/hosts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraHost {
    pub hostname: String,
    pub ip_address: String,
}

/// A container of the same task whose volumes another one sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumesFrom {
    pub container: String,
    pub read_only: bool,
}

/// Something mounted in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    pub source: MountSource,
    /// Where the container sees it, absolute.
    pub target: String,
    pub read_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountSource {
    /// The task's own volume of this name: empty at first, unless the image has something at the
    /// place of the first mount; gone with the task.
    Task(String),
    /// A volume of this host, kept for the next task that names it. Made when it is missing.
    Host(String),
    /// A folder of this host. Links are followed first, and must not lead out of `within`.
    Folder { path: String, within: String },
    /// A file system in memory, of this many MiB, with further mount options.
    Tmpfs { mib: u32, options: Vec<String> },
}

/// Whose namespace of a kind a container lives in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NamespaceMode {
    #[default]
    Own,
    /// One for all containers of the task.
    Task,
    Host,
}

/// What a definition names and the host has to fetch: never the values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct References {
    /// Environment variables by the `valueFrom` of their secret.
    pub secrets: Vec<SecretReference>,
    /// ARNs of objects in S3, in the order of the definition.
    pub environment_files: Vec<String>,
    /// `repositoryCredentials.credentialsParameter`: the secret with user name and password.
    pub repository_credentials: Option<String>,
}

impl References {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// User name and password for a registry. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryLogin {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for RegistryLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryLogin(…)")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretReference {
    /// The environment variable.
    pub name: String,
    pub value_from: String,
}

/// One environment variable. The value never appears in debug output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentVariable {
    pub name: String,
    pub value: String,
}

impl fmt::Debug for EnvironmentVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.name)
    }
}

/// A resource limit of the kernel; names as in ECS (`nofile`, `nproc`, …).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    pub name: String,
    pub soft: u64,
    pub hard: u64,
}

/// Where the output of a container goes: a stream of the log store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTarget {
    pub group: String,
    pub stream: String,
}

/// Limits of the whole task; `None` where the definition sets none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLimits {
    /// CPU units as a hard quota (1024 = one core's time).
    pub cpu_units: Option<u32>,
    pub memory_mib: Option<u32>,
}

/// What an image pull found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PulledImage {
    /// `sha256:…` of the manifest, if the image came with one.
    pub digest: Option<String>,
    /// Stop signal of the image (`SIGTERM` if it names none), as a number.
    pub stop_signal: i32,
}

/// A container that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The driver's own id, shown as `runtimeId`.
    pub runtime_id: String,
    pub at: Timestamp,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// 0–255, 128 + n for signal n; `None` if nobody saw the process end.
    pub code: Option<i32>,
    /// Killed by SIGKILL while the memory limit's kill counter rose.
    pub out_of_memory: bool,
    pub at: Timestamp,
    /// Why the code is unknown, if it is.
    pub reason: Option<String>,
}

/// A container the driver still knows, found after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    pub key: ContainerKey,
    pub started: Started,
    /// `None` while it runs.
    pub exit: Option<Exit>,
}

/// An error of the host, in the vocabulary of ECS: `CannotPullContainerError: detail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{name}: {detail}")]
pub struct Failure {
    pub name: FailureName,
    pub detail: String,
}

impl Failure {
    /// `detail` is one sentence for the caller that says what to change.
    pub fn new(name: FailureName, detail: impl Into<String>) -> Self {
        Self {
            name,
            detail: detail.into(),
        }
    }
}

/// The error names that ECS agents use, spelled exactly (`task-lifecycle.md` §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureName {
    CannotPullContainerError,
    CannotPullECRContainerError,
    CannotCreateContainerError,
    CannotStartContainerError,
    CannotStopContainerError,
    CannotInspectContainerError,
    ContainerNetworkingError,
    ContainerVanishedError,
    ResourceInitializationError,
    DockerTimeoutError,
    TaskDependencyError,
    OutOfMemoryError,
    InternalError,
}

impl fmt::Display for FailureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(task: u128, container: &str) -> String {
        ContainerKey {
            task: TaskId::from_bits(task),
            container: container.to_owned(),
        }
        .runtime_id()
    }

    #[test]
    fn runtime_ids_differ_by_task_and_by_name() {
        assert_eq!(id(1, "app").len(), 64);
        assert_eq!(id(1, "app"), id(1, "app"));
        assert_ne!(id(1, "app")[..12], id(2, "app")[..12]);
        assert_ne!(id(1, "app")[..12], id(1, "web")[..12]);
    }

    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(&[b"a"]), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}

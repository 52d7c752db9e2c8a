//! What is kept of each task's network: one file per task, so that a second call and a
//! restarted server find what was made.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use model::TaskId;
use model::payload::{NetworkMode, NetworkSpec, NetworkState, Protocol};
use serde::{Deserialize, Serialize};

use super::nftables::PublishedPort;
use super::port::HeldPort;

/// What was asked and what was made. While it is being made, the state says how far it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) spec: NetworkSpec,
    pub(super) state: NetworkState,
}

impl Record {
    pub(super) fn new(spec: &NetworkSpec) -> Self {
        Self {
            spec: spec.clone(),
            state: NetworkState::default(),
        }
    }

    pub(super) fn uses_bridge(&self) -> bool {
        matches!(self.spec.mode, NetworkMode::Bridge | NetworkMode::Awsvpc)
    }

    pub(super) fn namespaces(&self) -> BTreeSet<PathBuf> {
        self.state
            .containers
            .iter()
            .filter_map(|c| c.namespace.as_ref())
            .map(PathBuf::from)
            .collect()
    }

    pub(super) fn addresses(&self) -> BTreeSet<Ipv4Addr> {
        let texts = self.state.containers.iter().filter_map(|c| c.ipv4.as_ref());
        texts.filter_map(|text| text.parse().ok()).collect()
    }

    /// The redirections this network needs; only bridge mode has any.
    fn bindings(&self) -> Vec<PublishedPort> {
        if self.spec.mode != NetworkMode::Bridge {
            return Vec::new();
        }
        let mut ports = Vec::new();
        for container in &self.state.containers {
            let Some(address) = container.ipv4.as_ref().and_then(|text| text.parse().ok()) else {
                continue;
            };
            ports.extend(container.bindings.iter().map(|binding| PublishedPort {
                protocol: binding.protocol,
                host_port: binding.host_port,
                address,
                container_port: binding.container_port,
            }));
        }
        ports
    }

    /// Ports this network holds on the host.
    pub(super) fn held_ports(&self) -> Vec<(Protocol, u16)> {
        if self.spec.mode != NetworkMode::Bridge {
            return Vec::new();
        }
        let bindings = self.state.containers.iter().flat_map(|c| &c.bindings);
        bindings
            .map(|binding| (binding.protocol, binding.host_port))
            .collect()
    }

    pub(super) fn save(&self, directory: &Path) -> io::Result<()> {
        let path = path(directory, self.spec.task);
        let unfinished = path.with_extension("new");
        fs::write(&unfinished, serde_json::to_vec_pretty(self)?)?;
        fs::rename(unfinished, path)
    }
}

/// A network and the sockets that hold its ports.
#[derive(Debug)]
pub(super) struct TaskNetwork {
    pub(super) record: Record,
    pub(super) held: Vec<HeldPort>,
}

impl TaskNetwork {
    /// Redirections of the ports that are really ours: a port that another program took
    /// while the server was away stays with that program.
    pub(super) fn published(&self) -> Vec<PublishedPort> {
        let is_held = |port: &PublishedPort| {
            self.held
                .iter()
                .any(|held| (held.protocol, held.port) == (port.protocol, port.host_port))
        };
        self.record.bindings().into_iter().filter(is_held).collect()
    }
}

/// Where the namespaces of tasks are mounted.
pub(super) fn namespaces_directory(directory: &Path) -> PathBuf {
    directory.join("netns")
}

/// awsvpc has one namespace per task, the other modes one per container.
pub(super) fn namespace_path(directory: &Path, task: TaskId, container: Option<usize>) -> PathBuf {
    let name = match container {
        Some(position) => format!("{task}-{position}"),
        None => task.to_string(),
    };
    namespaces_directory(directory).join(name)
}

fn path(directory: &Path, task: TaskId) -> PathBuf {
    directory.join(format!("{task}.json"))
}

pub(super) fn load(directory: &Path, task: TaskId) -> io::Result<Option<Record>> {
    match fs::read(path(directory, task)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn remove(directory: &Path, task: TaskId) -> io::Result<()> {
    match fs::remove_file(path(directory, task)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The tasks that have a state file.
pub(super) fn tasks(directory: &Path) -> io::Result<Vec<TaskId>> {
    let mut tasks = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
        tasks.extend(id.and_then(|id| id.parse::<TaskId>().ok()));
    }
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use model::payload::{ContainerNetwork, PortBinding};

    use super::*;

    fn record() -> Record {
        let task = TaskId::from_bits(7);
        let spec = NetworkSpec::new(task, NetworkMode::Bridge, vec!["app".to_owned()]);
        let binding = PortBinding {
            container_port: 80,
            host_port: 8080,
            protocol: Protocol::Tcp,
        };
        let container = ContainerNetwork {
            namespace: Some("/netns/7-0".to_owned()),
            ipv4: Some("10.231.0.2".to_owned()),
            bindings: vec![binding],
            ..ContainerNetwork::new("app")
        };
        Record {
            spec,
            state: NetworkState {
                containers: vec![container],
                interface: None,
            },
        }
    }

    #[test]
    fn a_record_survives_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let record = record();
        assert_eq!(load(directory.path(), record.spec.task).unwrap(), None);
        record.save(directory.path()).unwrap();
        assert_eq!(
            load(directory.path(), record.spec.task).unwrap(),
            Some(record.clone())
        );
        assert_eq!(tasks(directory.path()).unwrap(), [record.spec.task]);
        remove(directory.path(), record.spec.task).unwrap();
        remove(directory.path(), record.spec.task).unwrap();
        assert_eq!(tasks(directory.path()).unwrap(), []);
    }

    #[test]
    fn a_port_that_is_not_held_is_not_published() {
        let network = TaskNetwork {
            record: record(),
            held: Vec::new(),
        };
        assert_eq!(network.record.held_ports(), [(Protocol::Tcp, 8080)]);
        assert_eq!(network.published(), []);
    }
}

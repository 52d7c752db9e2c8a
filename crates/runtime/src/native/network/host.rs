//! The networks of all tasks of this host, with one owner: a thread that does one thing
//! after the other. Everything here blocks for a few milliseconds at most.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use model::TaskId;
use model::container::{Failure, FailureName};
use model::payload::{ContainerNetwork, NetworkMode, NetworkSpec, NetworkState, TaskInterface};

use super::bridge::Bridge;
use super::flows;
use super::link::{Links, Mac};
use super::namespace::{self, Namespace};
use super::nftables::{PublishedPort, firewall, is_missing};
use super::port::{PortPicker, protocol_name};
use super::reaper::Release;
use super::state::{self, Record, TaskNetwork};
use super::{NetworkConfig, failure, publish};

#[derive(Debug)]
pub(super) struct Host {
    pub(super) directory: PathBuf,
    pub(super) config: NetworkConfig,
    pub(super) links: Links,
    picker: PortPicker,
    pub(super) bridge: Option<Bridge>,
    /// What a former life left has been taken up or removed.
    pub(super) recovered: bool,
    pub(super) tasks: BTreeMap<TaskId, TaskNetwork>,
    /// The next container's namespace, made while nobody waits.
    spare: Option<Namespace>,
}

impl Host {
    /// Must run on the thread that will own the value.
    pub(super) fn open(directory: &Path, config: NetworkConfig) -> Result<Self, Failure> {
        fs::create_dir_all(state::namespaces_directory(directory))
            .map_err(|error| failure("make the folder of network namespaces", &error))?;
        // Absolute, because the bridge is found again by it.
        let directory = directory
            .canonicalize()
            .map_err(|error| failure("resolve the network folder", &error))?;
        let links = Links::open().map_err(|error| failure("open a netlink socket", &error))?;
        let picker = PortPicker::new(config.port_range.clone());
        Ok(Self {
            directory,
            config,
            links,
            picker,
            bridge: None,
            recovered: false,
            tasks: BTreeMap::new(),
            spare: None,
        })
    }

    pub(super) fn set_up(&mut self, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
        self.need_recovery()?;
        if let Some(task) = self.tasks.get(&spec.task) {
            return Ok(task.record.state.clone());
        }
        let mut task = TaskNetwork {
            record: Record::new(spec),
            held: Vec::new(),
        };
        if let Err(error) = self.build(&mut task) {
            self.give_back(task);
            return Err(error);
        }
        let state = task.record.state.clone();
        self.tasks.insert(spec.task, task);
        Ok(state)
    }

    /// What the next set-up can do without. A failure is that one's to tell.
    pub(super) fn prepare(&mut self) {
        if self.spare.is_none() {
            self.spare = Namespace::create().ok();
        }
    }

    fn build(&mut self, task: &mut TaskNetwork) -> Result<(), Failure> {
        publish::plan_ports(task, &mut self.picker, |port| owner_of(&self.tasks, port))?;
        match task.record.spec.mode {
            NetworkMode::Host | NetworkMode::None => self.isolate(task)?,
            NetworkMode::Bridge => self.connect_containers(task)?,
            NetworkMode::Awsvpc => self.connect_task(task)?,
        }
        let Record { spec, state } = &mut task.record;
        spec.name_linked(state);
        let published = task.published();
        if !published.is_empty() {
            self.publish(&published)?;
        }
        task.record
            .save(&self.directory)
            .map_err(|error| failure("write the state of the task's network", &error))
    }

    /// Gives a namespace without neighbours to the containers that are to have one.
    fn isolate(&mut self, task: &mut TaskNetwork) -> Result<(), Failure> {
        let Record { spec, state } = &mut task.record;
        let id = spec.task;
        for (position, container) in state.containers.iter_mut().enumerate() {
            if !spec.is_isolated(&container.container) {
                continue;
            }
            make_namespace(
                &self.directory,
                &mut self.spare,
                id,
                Some(position),
                container,
            )?;
        }
        Ok(())
    }

    fn connect_containers(&mut self, task: &mut TaskNetwork) -> Result<(), Failure> {
        self.need_bridge()?;
        let Record { spec, state } = &mut task.record;
        let id = spec.task;
        for (position, container) in state.containers.iter_mut().enumerate() {
            let mut namespace = make_namespace(
                &self.directory,
                &mut self.spare,
                id,
                Some(position),
                container,
            )?;
            if !spec.is_isolated(&container.container) {
                self.connect(&mut namespace, container)?;
            }
        }
        Ok(())
    }

    fn connect_task(&mut self, task: &mut TaskNetwork) -> Result<(), Failure> {
        self.need_bridge()?;
        self.isolate(task)?;
        let Record { spec, state } = &mut task.record;
        let containers = state.containers.iter_mut();
        let mut sharing = containers.filter(|one| !spec.is_isolated(&one.container));
        let Some(first) = sharing.next() else {
            return Ok(());
        };
        let id = spec.task;
        let mut namespace = make_namespace(&self.directory, &mut self.spare, id, None, first)?;
        let address = self.connect(&mut namespace, first)?;
        for container in sharing {
            container.namespace.clone_from(&first.namespace);
            container.ipv4.clone_from(&first.ipv4);
        }
        state.interface = Some(TaskInterface {
            ipv4: address.to_string(),
            mac: Mac::of(address).to_string(),
        });
        Ok(())
    }

    fn connect(
        &mut self,
        namespace: &mut Namespace,
        container: &mut ContainerNetwork,
    ) -> Result<std::net::Ipv4Addr, Failure> {
        let bridge = self.bridge.as_mut().expect("need_bridge came first");
        let Some(address) = bridge.allocate() else {
            return Err(Failure::new(
                FailureName::ContainerNetworkingError,
                format!(
                    "all {} addresses of {} are in use; stop tasks or configure a larger subnet",
                    bridge.addresses.capacity(),
                    bridge.addresses.subnet()
                ),
            ));
        };
        container.ipv4 = Some(address.to_string());
        bridge
            .connect(&mut self.links, namespace, address)
            .map_err(|error| failure("connect the container to the bridge", &error))?;
        Ok(address)
    }

    fn publish(&mut self, ports: &[PublishedPort]) -> Result<(), Failure> {
        let known = self.published();
        let bridge = self
            .bridge
            .as_mut()
            .expect("ports are published in bridge mode only");
        let added = match bridge.table.add(ports) {
            // Another firewall's `flush ruleset` took our table along.
            Err(error) if is_missing(&error) => bridge.install(&[known.as_slice(), ports].concat()),
            result => result,
        };
        added.map_err(|error| failure("publish the task's ports", &error))?;
        if let Err(error) = flows::forget(ports) {
            tracing::warn!(%error, "cannot redirect UDP flows that are under way");
        }
        Ok(())
    }

    /// The network of a task that is to be given back, if it has one.
    pub(super) fn take(&mut self, task: TaskId) -> Result<Option<TaskNetwork>, Failure> {
        self.need_recovery()?;
        Ok(self.tasks.remove(&task))
    }

    /// Undoes what was made of a network, finished or not.
    pub(super) fn give_back(&mut self, task: TaskNetwork) {
        let published = task.published();
        let addresses = task.record.addresses();
        remove_files(&self.directory, &task.record);
        let Some(bridge) = &mut self.bridge else {
            return;
        };
        if published.is_empty() {
            addresses
                .into_iter()
                .for_each(|address| bridge.addresses.release(address));
        } else {
            let addresses = addresses.into_iter().collect();
            bridge.reaper.release(Release {
                published,
                held: task.held,
                addresses,
            });
        }
    }

    fn need_bridge(&mut self) -> Result<(), Failure> {
        if self.bridge.is_some() {
            return Ok(());
        }
        self.claim_bridge()?;
        let installed = self.reinstall();
        if installed.is_err()
            && let Some(bridge) = self.bridge.take()
        {
            let _ = bridge.remove(&mut self.links);
        }
        installed
    }

    pub(super) fn claim_bridge(&mut self) -> Result<(), Failure> {
        if self.bridge.is_none() {
            self.bridge = Some(Bridge::claim(
                &mut self.links,
                &self.config,
                &self.directory,
            )?);
        }
        Ok(())
    }

    /// Makes the table hold exactly the ports of the known tasks.
    pub(super) fn reinstall(&mut self) -> Result<(), Failure> {
        let ports = self.published();
        let Some(bridge) = &mut self.bridge else {
            return Ok(());
        };
        bridge
            .install(&ports)
            .map_err(|error| failure("install the nf_tables rules", &error))
    }

    fn published(&self) -> Vec<PublishedPort> {
        self.tasks
            .values()
            .flat_map(TaskNetwork::published)
            .collect()
    }

    pub(super) fn settle(&self) {
        if let Some(bridge) = &self.bridge {
            bridge.reaper.settle();
        }
    }

    /// Removes bridge and table if no task uses them.
    pub(super) fn close(&mut self) -> Result<(), Failure> {
        self.spare = None;
        if self.tasks.values().any(|task| task.record.uses_bridge()) {
            return Ok(());
        }
        let Some(bridge) = self.bridge.take() else {
            return Ok(());
        };
        bridge
            .remove(&mut self.links)
            .map_err(|error| failure("remove the bridge", &error))
    }

    pub(super) fn diagnosis(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for (task, network) in &self.tasks {
            for (protocol, port) in network.record.held_ports() {
                if !network
                    .held
                    .iter()
                    .any(|held| (held.protocol, held.port) == (protocol, port))
                {
                    sentences.push(format!(
                        "port {port}/{} of task {task} was taken by another program while the server \
                         was away and stays with it; stop that program and run the task again",
                        protocol_name(protocol)
                    ));
                }
            }
        }
        if let Some(bridge) = &self.bridge {
            match firewall(&bridge.name) {
                Ok(firewall) => sentences.extend(firewall.obstacles),
                Err(error) => sentences.push(format!("cannot read the host's firewall: {error}")),
            }
        }
        sentences
    }
}

/// The task of ours that holds a port.
fn owner_of(
    tasks: &BTreeMap<TaskId, TaskNetwork>,
    wanted: (model::payload::Protocol, u16),
) -> Option<TaskId> {
    let holds = |task: &TaskNetwork| {
        task.held
            .iter()
            .any(|held| (held.protocol, held.port) == wanted)
    };
    tasks
        .iter()
        .find(|(_, task)| holds(task))
        .map(|(id, _)| *id)
}

fn make_namespace(
    directory: &Path,
    spare: &mut Option<Namespace>,
    task: TaskId,
    position: Option<usize>,
    container: &mut ContainerNetwork,
) -> Result<Namespace, Failure> {
    let path = state::namespace_path(directory, task, position);
    let namespace = spare.take().map_or_else(Namespace::create, Ok);
    let namespace = namespace
        .and_then(|namespace| namespace.mount(&path).map(|()| namespace))
        .map_err(|error| failure("make a network namespace", &error))?;
    container.namespace = Some(path.to_string_lossy().into_owned());
    Ok(namespace)
}

/// Removes namespaces and the state file; what cannot be removed now is a stray for `recover`.
pub(super) fn remove_files(directory: &Path, record: &Record) {
    let task = record.spec.task;
    for path in record.namespaces() {
        if let Err(error) = namespace::remove(&path) {
            tracing::warn!(%task, %error, path = %path.display(), "cannot remove a network namespace");
        }
    }
    if let Err(error) = state::remove(directory, task) {
        tracing::warn!(%task, %error, "cannot remove the state of the task's network");
    }
}

//! After a restart: what a former life of the server left is taken up or removed.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use model::TaskId;
use model::container::Failure;

use super::bridge::{Bridge, port_name};
use super::host::{Host, remove_files};
use super::port::{HeldPort, protocol_name};
use super::state::{self, Record, TaskNetwork};
use super::{failure, namespace};

impl Host {
    /// Takes up all that a former life left, unless `recover` has. Without it an address
    /// could be given out twice.
    pub(super) fn need_recovery(&mut self) -> Result<(), Failure> {
        if self.recovered {
            return Ok(());
        }
        let tasks = state::tasks(&self.directory)
            .map_err(|error| failure("list the network states", &error))?;
        self.recover(&tasks.into_iter().collect())
    }

    pub(super) fn recover(&mut self, live: &BTreeSet<TaskId>) -> Result<(), Failure> {
        let ended: Vec<_> = self
            .tasks
            .keys()
            .filter(|task| !live.contains(task))
            .copied()
            .collect();
        for task in ended {
            if let Some(network) = self.tasks.remove(&task) {
                self.give_back(network);
            }
        }
        let records = self.load_records(live)?;
        let leftover = Bridge::exists(&mut self.links, &self.config, &self.directory)?;
        if leftover || records.iter().any(Record::uses_bridge) {
            self.claim_bridge()?;
        }
        records.into_iter().for_each(|record| self.adopt(record));
        self.remove_stray_namespaces()
            .map_err(|error| failure("remove stray network namespaces", &error))?;
        self.remove_stray_ports()?;
        self.reinstall()?;
        self.recovered = true;
        self.close()
    }

    /// Records of live tasks not known yet; files of all others are removed.
    fn load_records(&mut self, live: &BTreeSet<TaskId>) -> Result<Vec<Record>, Failure> {
        let tasks = state::tasks(&self.directory)
            .map_err(|error| failure("list the network states", &error))?;
        let mut records = Vec::new();
        for task in tasks
            .into_iter()
            .filter(|task| !self.tasks.contains_key(task))
        {
            match state::load(&self.directory, task) {
                Ok(Some(record)) if live.contains(&task) && is_whole(&record) => {
                    records.push(record)
                }
                Ok(Some(record)) => remove_files(&self.directory, &record),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%task, %error, "removing an unreadable network state");
                    let _ = state::remove(&self.directory, task);
                }
            }
        }
        Ok(records)
    }

    fn remove_stray_namespaces(&self) -> std::io::Result<()> {
        let known: BTreeSet<PathBuf> = self
            .tasks
            .values()
            .flat_map(|task| task.record.namespaces())
            .collect();
        for entry in fs::read_dir(state::namespaces_directory(&self.directory))? {
            let path = entry?.path();
            if !known.contains(&path) {
                namespace::remove(&path)?;
            }
        }
        Ok(())
    }

    fn remove_stray_ports(&mut self) -> Result<(), Failure> {
        let addresses = self.tasks.values().flat_map(|task| task.record.addresses());
        let known: BTreeSet<String> = addresses.map(port_name).collect();
        let Some(bridge) = &self.bridge else {
            return Ok(());
        };
        bridge
            .remove_strays(&mut self.links, |name| known.contains(name))
            .map_err(|error| failure("remove stray links", &error))
    }

    fn adopt(&mut self, record: Record) {
        if let Some(bridge) = &mut self.bridge {
            for address in record.addresses() {
                if !bridge.addresses.take(address) {
                    tracing::warn!(task = %record.spec.task, %address, "the address is not ours to give");
                }
            }
        }
        let mut held = Vec::new();
        for (protocol, port) in record.held_ports() {
            match HeldPort::hold(protocol, port) {
                Ok(port) => held.push(port),
                Err(error) => tracing::warn!(
                    task = %record.spec.task, port, protocol = protocol_name(protocol), %error,
                    "the task's host port was taken while the server was away"
                ),
            }
        }
        self.tasks
            .insert(record.spec.task, TaskNetwork { record, held });
    }
}

/// False after a reboot: the files are there, the namespaces are not.
fn is_whole(record: &Record) -> bool {
    record
        .namespaces()
        .iter()
        .all(|path| namespace::is_mounted(path))
}

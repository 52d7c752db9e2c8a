//! All scripted containers and networks of a host.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use logs::{GroupName, LogsError, StreamName, Writer};
use model::container::{ContainerKey, Exit, Failure, LogTarget};
use model::payload::{NetworkSpec, NetworkState};
use model::{TaskId, Timestamp};
use tokio::sync::Notify;

use super::journal::{Entry, Journal, Record, not_written};
use super::networks::Networks;
use super::script::{self, Script};

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) containers: BTreeMap<ContainerKey, Container>,
    pub(super) networks: Networks,
    /// `None`: nothing outlives the process.
    journal: Option<Journal>,
}

#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) record: Record,
    pub(crate) script: Script,
    /// Set when the life has come to its end and the log is complete.
    pub(crate) exit: Option<Exit>,
    /// A signal has come, or the container is gone.
    pub(crate) changed: Arc<Notify>,
}

impl Container {
    pub(crate) fn new(record: Record, script: Script) -> Self {
        Self {
            record,
            script,
            exit: None,
            changed: Arc::new(Notify::new()),
        }
    }

    /// When something happens next: a line or the end.
    pub(crate) fn next_moment(&self) -> Option<Timestamp> {
        let line = self.script.lines.get(self.record.logged);
        let line = line.map(|(after, _)| self.record.started.at.plus_millis(*after));
        let end = self
            .script
            .exit(self.record.started.at, &self.record.signals);
        line.into_iter().chain(end.map(|exit| exit.at)).min()
    }

    /// Writes what is due into the log; false if nothing is.
    fn write_lines(&mut self, logs: &Path, now: Timestamp) -> bool {
        let Record {
            started,
            signals,
            logged,
            log,
            ..
        } = &mut self.record;
        let end = self.script.exit(started.at, signals);
        let until = end
            .map_or(now, |exit| exit.at.min(now))
            .millis_since(started.at);
        let open = self.script.lines.get(*logged..).unwrap_or_default();
        let due = open.iter().take_while(|(after, _)| *after <= until);
        let lines: Vec<_> = due
            .map(|(after, text)| (started.at.plus_millis(*after), text.as_bytes()))
            .collect();
        if lines.is_empty() {
            return false;
        }
        *logged += lines.len();
        let written = open_log(logs, log)
            .map_err(|error| error.to_string())
            .and_then(|mut log| log.append_all(lines).map_err(|error| error.to_string()));
        if let Err(error) = written {
            tracing::warn!(container = ?self.record.key, error, "scripted lines are lost");
        }
        true
    }
}

impl State {
    pub(crate) fn new(journal: Option<Journal>) -> Self {
        Self {
            containers: BTreeMap::new(),
            networks: Networks::new(),
            journal,
        }
    }

    /// Replays a journal and shortens it to what still matters.
    pub(crate) fn restore(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        for entry in entries {
            self.replay(entry);
        }
        let live = self.entries();
        self.journal
            .as_mut()
            .map_or(Ok(()), |journal| journal.rewrite(&live))
    }

    fn replay(&mut self, entry: Entry) {
        match entry {
            Entry::Network(task, state) => self.networks.restore(task, state),
            Entry::Container(record) => {
                // It was read before it was recorded; another version may read it differently.
                let script = script::parse(&record.script).unwrap_or_default();
                self.containers
                    .insert(record.key.clone(), Container::new(record, script));
            }
            Entry::Signal(key, signal, at) => {
                if let Some(container) = self.containers.get_mut(&key) {
                    container.record.signals.push((signal, at));
                }
            }
            Entry::Logged(key, count) => {
                if let Some(container) = self.containers.get_mut(&key) {
                    container.record.logged = count;
                }
            }
            Entry::Removed(key) => drop(self.containers.remove(&key)),
            Entry::TornDown(task) => drop(self.forget(task)),
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let networks = self
            .networks
            .iter()
            .map(|(task, state)| Entry::Network(task, state.clone()));
        let containers = self
            .containers
            .values()
            .map(|c| Entry::Container(c.record.clone()));
        networks.chain(containers).collect()
    }

    pub(crate) fn append(&mut self, entry: impl FnOnce() -> Entry) -> io::Result<()> {
        self.journal
            .as_mut()
            .map_or(Ok(()), |journal| journal.append(&entry()))
    }

    pub(crate) fn set_up_network(&mut self, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
        if let Some(state) = self.networks.get(spec.task) {
            return Ok(state.clone());
        }
        let state = self.networks.set_up(spec)?;
        let holds = state.interface.is_some()
            || state
                .containers
                .iter()
                .any(|container| !container.bindings.is_empty());
        if holds && let Err(error) = self.append(|| Entry::Network(spec.task, state.clone())) {
            self.networks.tear_down(spec.task);
            return Err(not_written(&error));
        }
        Ok(state)
    }

    /// Writes the lines that are due by `now` and sees whether the life has ended.
    pub(crate) fn catch_up(&mut self, key: &ContainerKey, logs: &Path, now: Timestamp) {
        let Some(container) = self.containers.get_mut(key) else {
            return;
        };
        if container.exit.is_some() {
            return;
        }
        let written = container.write_lines(logs, now);
        let Record {
            logged,
            started,
            signals,
            ..
        } = &container.record;
        container.exit = container
            .script
            .exit(started.at, signals)
            .filter(|exit| exit.at <= now);
        let logged = *logged;
        if written && let Err(error) = self.append(|| Entry::Logged(key.clone(), logged)) {
            tracing::warn!(container = ?key, %error, "lines may appear twice after a restart");
        }
    }

    pub(crate) fn remove(&mut self, key: &ContainerKey) -> io::Result<()> {
        if let Some(container) = self.containers.remove(key) {
            container.changed.notify_waiters();
            self.append(|| Entry::Removed(key.clone()))?;
        }
        Ok(())
    }

    pub(crate) fn tear_down(&mut self, task: TaskId) -> io::Result<()> {
        if !self.forget(task) {
            return Ok(());
        }
        self.append(|| Entry::TornDown(task))?;
        let live = self.containers.len();
        if self
            .journal
            .as_ref()
            .is_some_and(|journal| journal.wants_rewrite(live))
        {
            let entries = self.entries();
            self.journal
                .as_mut()
                .map_or(Ok(()), |journal| journal.rewrite(&entries))?;
        }
        Ok(())
    }

    /// Was there anything?
    fn forget(&mut self, task: TaskId) -> bool {
        let mut found = self.networks.tear_down(task);
        let first = ContainerKey {
            task,
            container: String::new(),
        };
        let keys = self.containers.range(first..).map(|(key, _)| key);
        let keys: Vec<_> = keys.take_while(|key| key.task == task).cloned().collect();
        for key in keys {
            if let Some(container) = self.containers.remove(&key) {
                container.changed.notify_waiters();
                found = true;
            }
        }
        found
    }
}

pub(crate) fn open_log(root: &Path, target: &LogTarget) -> Result<Writer, LogsError> {
    Writer::open(
        root,
        &GroupName::parse(&target.group)?,
        &StreamName::parse(&target.stream)?,
    )
}

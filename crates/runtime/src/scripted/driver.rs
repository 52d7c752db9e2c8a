//! The driver's promises, kept by scripts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::TaskId;
use model::container::{
    ContainerKey, ContainerSpec, Existing, Exit, Failure, FailureName, PulledImage, Started,
};
use model::payload::{NetworkSpec, NetworkState};

use super::journal::{Entry, Record, not_written};
use super::life::vanished;
use super::script::{self, Script};
use super::state::{Container, open_log};
use super::{SCRIPT_LABEL, Scripted};
use crate::{Capacity, Driver, Executed};

#[async_trait]
impl Driver for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn capacity(&self) -> Capacity {
        self.capacity.clone()
    }

    async fn set_up_network(&self, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
        self.state().set_up_network(spec)
    }

    async fn pull(&self, spec: &ContainerSpec) -> Result<PulledImage, Failure> {
        // A script that cannot be read is the start's to tell.
        let script = script::parse(source(spec)).unwrap_or_default();
        self.pause(script.pull_millis).await;
        match script.pull_failure {
            Some(text) => Err(Failure::new(FailureName::CannotPullContainerError, text)),
            None => Ok(PulledImage {
                digest: None,
                stop_signal: script.stop_signal,
            }),
        }
    }

    async fn start(&self, spec: &ContainerSpec, _: &NetworkState) -> Result<Started, Failure> {
        if let Some(container) = self.state().containers.get(&spec.key) {
            return Ok(container.record.started.clone());
        }
        let script = script::parse(source(spec)).map_err(|error| cannot_start(&error))?;
        self.pause(script.start_millis).await;
        match script.start_failure {
            Some(text) => Err(Failure::new(FailureName::CannotStartContainerError, text)),
            None => self.insert(spec, script),
        }
    }

    async fn wait(&self, key: &ContainerKey) -> Exit {
        loop {
            let Some(changed) = self.changed(key) else {
                return self.unknown();
            };
            // Made before the look at the state, so that no change falls between the two.
            let changed = changed.notified();
            let next = {
                let mut state = self.state();
                state.catch_up(key, &self.logs, self.clock.now());
                let Some(container) = state.containers.get(key) else {
                    return self.unknown();
                };
                if let Some(exit) = &container.exit {
                    return exit.clone();
                }
                container.next_moment()
            };
            match next {
                Some(moment) => tokio::select! {
                    () = self.clock.sleep_until(moment) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    async fn signal(&self, key: &ContainerKey, signal: i32) -> Result<(), Failure> {
        let mut state = self.state();
        let now = self.clock.now();
        state.catch_up(key, &self.logs, now);
        let running = state
            .containers
            .get(key)
            .is_some_and(|container| container.exit.is_none());
        if !running {
            return Ok(());
        }
        let written = state.append(|| Entry::Signal(key.clone(), signal, now));
        written.map_err(|error| not_written(&error))?;
        if let Some(container) = state.containers.get_mut(key) {
            container.record.signals.push((signal, now));
            container.changed.notify_waiters();
        }
        Ok(())
    }

    async fn execute(
        &self,
        key: &ContainerKey,
        _command: &[String],
        _timeout: Duration,
    ) -> Result<Executed, Failure> {
        let mut state = self.state();
        let now = self.clock.now();
        state.catch_up(key, &self.logs, now);
        match state.containers.get(key) {
            Some(container) if container.exit.is_none() => {
                let healthy = container.script.healthy(container.record.started.at, now);
                Ok(Executed::Exited {
                    code: i32::from(!healthy),
                    output: String::new(),
                })
            }
            _ => {
                let detail = format!("container '{}' does not run", key.container);
                Err(Failure::new(
                    FailureName::CannotInspectContainerError,
                    detail,
                ))
            }
        }
    }

    async fn remove(&self, key: &ContainerKey) -> Result<(), Failure> {
        self.state()
            .remove(key)
            .map_err(|error| not_written(&error))
    }

    async fn tear_down(&self, task: TaskId) -> Result<(), Failure> {
        self.state()
            .tear_down(task)
            .map_err(|error| not_written(&error))
    }

    async fn existing(&self) -> Result<Vec<Existing>, Failure> {
        let mut state = self.state();
        let now = self.clock.now();
        let keys: Vec<_> = state.containers.keys().cloned().collect();
        for key in &keys {
            state.catch_up(key, &self.logs, now);
        }
        let existing = |container: &Container| Existing {
            key: container.record.key.clone(),
            started: container.record.started.clone(),
            exit: container.exit.clone(),
        };
        Ok(state.containers.values().map(existing).collect())
    }

    /// Nothing is shared by tasks.
    async fn close(&self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Scripted {
    async fn pause(&self, millis: i64) {
        if millis > 0 {
            self.clock
                .sleep_until(self.clock.now().plus_millis(millis))
                .await;
        }
    }

    fn insert(&self, spec: &ContainerSpec, script: Script) -> Result<Started, Failure> {
        if !script.lines.is_empty() {
            open_log(&self.logs, &spec.log).map_err(|error| cannot_start(&error))?;
        }
        let mut state = self.state();
        if let Some(container) = state.containers.get(&spec.key) {
            return Ok(container.record.started.clone());
        }
        let started = Started {
            runtime_id: spec.key.runtime_id(),
            at: self.clock.now(),
        };
        let record = Record {
            key: spec.key.clone(),
            script: source(spec).to_owned(),
            log: spec.log.clone(),
            started: started.clone(),
            signals: Vec::new(),
            logged: 0,
        };
        let written = state.append(|| Entry::Container(record.clone()));
        written.map_err(|error| not_written(&error))?;
        state
            .containers
            .insert(spec.key.clone(), Container::new(record, script));
        Ok(started)
    }

    fn changed(&self, key: &ContainerKey) -> Option<Arc<tokio::sync::Notify>> {
        self.state()
            .containers
            .get(key)
            .map(|container| Arc::clone(&container.changed))
    }

    fn unknown(&self) -> Exit {
        let reason = Some(vanished("nobody saw how it ended"));
        Exit {
            code: None,
            out_of_memory: false,
            at: self.clock.now(),
            reason,
        }
    }
}

fn source(spec: &ContainerSpec) -> &str {
    spec.labels.get(SCRIPT_LABEL).map_or("", String::as_str)
}

fn cannot_start(error: &impl ToString) -> Failure {
    Failure::new(FailureName::CannotStartContainerError, error.to_string())
}

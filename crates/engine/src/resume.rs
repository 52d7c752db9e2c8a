//! Picking a task up after a restart of the host's server: what the control plane heard
//! last, plus what the driver still has. From there on it is a task like any other.

use std::sync::Arc;

use model::Timestamp;
use model::container::{Existing, Exit, Failure, FailureName, Started};
use model::payload::{
    ContainerNetwork, ContainerReport, ContainerStatus, HostStatus, NetworkState, TaskPayload,
    TaskReport, reason_text,
};

use crate::container::Phase;
use crate::task::{Network, StopCause, Task};
use crate::{ContainerIndex, Effect};

impl Task {
    /// `known` is the newest report that the control plane has, `existing` what the driver
    /// found; entries of other tasks are ignored.
    pub fn resume(
        payload: Arc<TaskPayload>,
        known: Option<TaskReport>,
        existing: &[Existing],
        now: Timestamp,
    ) -> (Self, Vec<Effect>) {
        let mut task = Self::new(payload);
        let mut effects = Vec::new();
        if let Some(report) = known {
            task.remember(report);
        }
        if task.status == HostStatus::Stopped {
            task.network = Network::Removed;
            return (task, effects);
        }
        let exits = task.adopt(existing, now, &mut effects);
        // A task that came to RUNNING unheard and ended since was RUNNING all the same.
        task.reach_running(&mut effects);
        for (index, exit) in exits {
            task.exited(index, exit);
        }
        task.begin(&mut effects);
        task.settle(now, &mut effects);
        (task, effects)
    }

    fn remember(&mut self, report: TaskReport) {
        self.status = self.status.max(report.status);
        if self.status >= HostStatus::Stopping {
            self.stop = Some(
                report
                    .stop
                    .clone()
                    .map_or(StopCause::Wanted, StopCause::Host),
            );
        }
        self.pull_started_at = report.pull_started_at;
        self.pull_stopped_at = report.pull_stopped_at;
        self.started_at = report.started_at;
        self.execution_stopped_at = report.execution_stopped_at;
        self.addresses = Arc::new(addresses(&report));
        for (container, known) in self.containers.iter_mut().zip(&report.containers) {
            container.digest.clone_from(&known.image_digest);
            container.reason.clone_from(&known.reason);
            container.health = known.health;
            if known.status == ContainerStatus::Stopped {
                container.phase = ended(known, &report);
            }
        }
        self.reported = Some(report);
    }

    /// Takes over what runs, returns the exits that nobody has heard of, oldest first.
    fn adopt(
        &mut self,
        existing: &[Existing],
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Vec<(usize, Exit)> {
        let mut exits = Vec::new();
        for index in 0..self.containers.len() {
            if self.containers[index].stopped() {
                continue;
            }
            let key = &self.payload.containers[index].spec.key;
            if let Some(found) = existing.iter().find(|found| found.key == *key) {
                self.runs(index, found.started.clone(), now);
                match &found.exit {
                    Some(exit) => exits.push((index, exit.clone())),
                    None => {
                        // The pull answers at once and tells the image's stop signal.
                        let index = ContainerIndex(index);
                        effects.extend([Effect::Wait(index), Effect::Pull(index)]);
                    }
                }
            } else if let Some(started) = self.known_start(index) {
                self.runs(index, started, now);
                exits.push((index, vanished(now)));
            }
        }
        exits.sort_by_key(|(_, exit)| exit.at);
        exits
    }

    fn known_start(&self, index: usize) -> Option<Started> {
        let report = self.reported.as_ref()?;
        let container = report.containers.get(index)?;
        let runtime_id = container.runtime_id.clone()?;
        let at = report
            .started_at
            .or(report.pull_stopped_at)
            .unwrap_or_default();
        Some(Started { runtime_id, at })
    }
}

fn vanished(now: Timestamp) -> Exit {
    let text = "the host no longer knows this container; how it ended is unknown";
    let failure = Failure::new(FailureName::ContainerVanishedError, text);
    Exit {
        code: None,
        out_of_memory: false,
        at: now,
        reason: Some(reason_text(&failure)),
    }
}

/// The phase of a container that was reported as stopped. When it started is no longer
/// known exactly, and no longer asked.
fn ended(known: &ContainerReport, report: &TaskReport) -> Phase {
    let at = report
        .started_at
        .or(report.execution_stopped_at)
        .unwrap_or_default();
    let started = known
        .runtime_id
        .clone()
        .map(|runtime_id| Started { runtime_id, at });
    let exit = started.as_ref().map(|_| Exit {
        code: known.exit_code,
        out_of_memory: false,
        at: report.execution_stopped_at.unwrap_or(at),
        reason: None,
    });
    Phase::Stopped { started, exit }
}

fn addresses(report: &TaskReport) -> NetworkState {
    let containers = report.containers.iter().map(|container| ContainerNetwork {
        ipv4: container.ipv4.clone(),
        bindings: container.bindings.clone(),
        ..ContainerNetwork::new(&container.name)
    });
    NetworkState {
        containers: containers.collect(),
        interface: report.interface.clone(),
    }
}

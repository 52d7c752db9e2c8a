//! The report of a task: its whole state, as the control plane hears it.

use model::payload::{ContainerReport, ContainerStatus, TaskReport};

use crate::Effect;
use crate::task::{StopCause, Task};

impl Task {
    /// Emits the state if it differs from what was last emitted.
    pub(crate) fn report_changes(&mut self, effects: &mut Vec<Effect>) {
        let report = self.report();
        if self.reported.as_ref() != Some(&report) {
            effects.push(Effect::Report(Box::new(report.clone())));
            self.reported = Some(report);
        }
    }

    fn report(&self) -> TaskReport {
        TaskReport {
            task: self.payload.id,
            status: self.status,
            containers: (0..self.containers.len())
                .map(|i| self.container_report(i))
                .collect(),
            interface: self.addresses.interface.clone(),
            pull_started_at: self.pull_started_at,
            pull_stopped_at: self.pull_stopped_at,
            started_at: self.started_at,
            execution_stopped_at: self.execution_stopped_at,
            stop: match &self.stop {
                Some(StopCause::Host(stop)) => Some(stop.clone()),
                Some(StopCause::Wanted) | None => None,
            },
        }
    }

    fn container_report(&self, index: usize) -> ContainerReport {
        let container = &self.containers[index];
        let name = &self.payload.containers[index].spec.key.container;
        let network = self
            .addresses
            .containers
            .iter()
            .find(|n| n.container == *name);
        let started = container.started();
        // ECS shows bindings of containers that run or ran, not of those that wait.
        let visible = started.is_some() && container.status() >= ContainerStatus::Running;
        ContainerReport {
            name: name.clone(),
            status: container.status(),
            runtime_id: started.map(|started| started.runtime_id.clone()),
            image_digest: container.digest.clone(),
            exit_code: container.exit().and_then(|exit| exit.code),
            reason: container.reason.clone(),
            bindings: network
                .filter(|_| visible)
                .map(|n| n.bindings.clone())
                .unwrap_or_default(),
            ipv4: network.and_then(|n| n.ipv4.clone()),
            health: container.health,
        }
    }
}

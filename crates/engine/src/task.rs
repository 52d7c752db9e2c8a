//! The state of one task and the order in which its rules apply.

use std::sync::Arc;

use model::Timestamp;
use model::container::{Exit, Failure, FailureName, PulledImage, Started};
use model::payload::{
    HostStatus, HostStop, NetworkMode, NetworkState, TaskPayload, TaskReport, reason_text,
};

use crate::container::{Container, ContainerIndex, Phase, Running, StopStage};
use crate::dependency::{Verdict, earliest, has_cycle};
use crate::health::{self, HealthWatch};
use crate::restart;
use crate::stopping::Removal;
use crate::{Effect, Event};

/// What ECS says when a task ends before RUNNING and no single error explains it.
const FAILED_TO_START: &str = "Task failed to start";
/// A container's reason after the memory limit killed it, exactly as ECS words it.
const OUT_OF_MEMORY: &str = "Container killed due to memory usage";

/// One task on this host.
#[derive(Clone, Debug)]
pub struct Task {
    pub(crate) payload: Arc<TaskPayload>,
    pub(crate) status: HostStatus,
    pub(crate) network: Network,
    /// What is known of addresses and ports; outlives the network for later reports.
    pub(crate) addresses: Arc<NetworkState>,
    /// In the order of the definition.
    pub(crate) containers: Vec<Container>,
    /// The first cause; later ones do not replace it.
    pub(crate) stop: Option<StopCause>,
    pub(crate) pull_started_at: Option<Timestamp>,
    pub(crate) pull_stopped_at: Option<Timestamp>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) execution_stopped_at: Option<Timestamp>,
    pub(crate) reported: Option<TaskReport>,
    /// The newest `WakeAt`, so that an unchanged deadline is not repeated.
    pub(crate) wake_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Asked,
    Ready,
    /// Failed, or never wanted.
    Absent,
    Removing(Removal),
    Removed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StopCause {
    /// The control plane knows why.
    Wanted,
    Host(HostStop),
}

impl Task {
    /// Begins the life of a task that this host has never seen.
    pub fn accept(payload: Arc<TaskPayload>, now: Timestamp) -> (Self, Vec<Effect>) {
        let mut task = Self::new(payload);
        let mut effects = Vec::new();
        task.begin(&mut effects);
        task.settle(now, &mut effects);
        (task, effects)
    }

    /// Takes one event, returns what must be done. Never fails, never waits; an event that
    /// comes too late returns nothing.
    pub fn step(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        let before = self.status;
        let mut effects = Vec::new();
        match event {
            Event::StopWanted => self.begin_stop(StopCause::Wanted),
            Event::NetworkReady(result) => self.network_ready(result, now, &mut effects),
            Event::Pulled(i, result) => self.pulled(i.0, result, now),
            Event::Started(i, result) => self.started(i.0, result, now, &mut effects),
            Event::Exited(i, exit) => self.exited(i.0, exit),
            Event::SignalFailed(i, failure) => self.signal_failed(i.0, &failure, now),
            Event::HealthChecked(i, outcome) => self.health_checked(i.0, outcome, now),
            Event::TornDown(result) => self.torn_down(result, now),
            Event::Tick => self.wake_at = None,
        }
        self.settle(now, &mut effects);
        assert!(
            before <= self.status,
            "{:?}: {before:?} -> {:?}",
            self.payload.id,
            self.status
        );
        effects
    }

    pub fn status(&self) -> HostStatus {
        self.status
    }

    pub fn payload(&self) -> &Arc<TaskPayload> {
        &self.payload
    }

    pub(crate) fn new(payload: Arc<TaskPayload>) -> Self {
        let containers = payload
            .containers
            .iter()
            .map(|_| Container::new())
            .collect();
        let awsvpc = payload.network.mode == NetworkMode::Awsvpc;
        Self {
            status: if awsvpc {
                HostStatus::Provisioning
            } else {
                HostStatus::Pending
            },
            payload,
            network: Network::Asked,
            addresses: Arc::default(),
            containers,
            stop: None,
            pull_started_at: None,
            pull_stopped_at: None,
            started_at: None,
            execution_stopped_at: None,
            reported: None,
            wake_at: None,
        }
    }

    /// Asks for the network, unless nothing can come of it.
    pub(crate) fn begin(&mut self, effects: &mut Vec<Effect>) {
        if self.stop.is_none() && has_cycle(&self.payload) {
            let text = format!(
                "Task dependencies cannot be resolved, taskArn: {}",
                self.payload.arn
            );
            let failure = Failure::new(FailureName::TaskDependencyError, text);
            self.fail_to_start(reason_text(&failure));
        }
        if self.stop.is_some() {
            self.network = Network::Absent;
        } else {
            effects.push(Effect::SetUpNetwork);
        }
    }

    /// Applies every rule until nothing more follows from what is known.
    pub(crate) fn settle(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.end_without_hope(now);
        self.start_ready(now, effects);
        self.restart_ended(effects);
        self.reach_running(effects);
        self.end_when_all_have();
        self.stop_containers(now, effects);
        self.check_health(now, effects);
        self.remove_network(now, effects);
        self.report_changes(effects);
        self.set_timer(now, effects);
        self.check_invariants();
    }

    fn network_ready(
        &mut self,
        result: Result<NetworkState, Failure>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        if self.network != Network::Asked {
            return;
        }
        match result {
            Ok(state) => {
                self.network = Network::Ready;
                self.addresses = Arc::new(state);
                if self.stop.is_none() {
                    self.pull_all(now, effects);
                }
            }
            Err(failure) => {
                self.network = Network::Absent;
                self.give_up_restarts(&failure, now);
                // Containers found after a restart keep the network they have.
                if self.containers.iter().any(Container::unstarted) {
                    self.fail_to_start(reason_text(&failure));
                }
            }
        }
    }

    fn pull_all(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.status < HostStatus::Pending {
            self.advance(HostStatus::Pending);
        }
        for (index, container) in self.containers.iter_mut().enumerate() {
            if matches!(container.phase, Phase::Waiting) {
                container.phase = Phase::Pulling;
                self.pull_started_at.get_or_insert(now);
                effects.push(Effect::Pull(ContainerIndex(index)));
            }
        }
    }

    fn pulled(&mut self, index: usize, result: Result<PulledImage, Failure>, now: Timestamp) {
        let container = &mut self.containers[index];
        match (&container.phase, result) {
            (Phase::Pulling, Ok(image)) => {
                container.phase = Phase::Pulled;
                container.digest = image.digest;
                container.stop_signal = image.stop_signal;
            }
            // After a restart a running container's image is looked up for its stop signal.
            (Phase::Running(_), Ok(image)) => {
                container.stop_signal = image.stop_signal;
                container.digest = container.digest.take().or(image.digest);
            }
            (Phase::Pulling, Err(failure)) => self.not_started(index, &failure),
            _ => return,
        }
        let pulling = |container: &Container| matches!(container.phase, Phase::Pulling);
        if self.pull_started_at.is_some() && !self.containers.iter().any(pulling) {
            self.pull_stopped_at.get_or_insert(now);
        }
    }

    fn start_ready(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.stop.is_some() || self.network != Network::Ready {
            return;
        }
        for index in 0..self.containers.len() {
            let pulled = matches!(self.containers[index].phase, Phase::Pulled);
            if pulled && self.dependencies(index, now) == Verdict::Satisfied {
                self.containers[index].phase = Phase::Starting;
                let network = Arc::clone(&self.addresses);
                effects.push(Effect::Start(ContainerIndex(index), network));
            }
        }
    }

    fn started(
        &mut self,
        index: usize,
        result: Result<Started, Failure>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        match (&self.containers[index].phase, result) {
            (Phase::Starting | Phase::Restarting { .. }, Ok(started)) => {
                self.runs(index, started, now);
                effects.push(Effect::Wait(ContainerIndex(index)));
            }
            (Phase::Starting, Err(failure)) => self.not_started(index, &failure),
            (Phase::Restarting { .. }, Err(failure)) => self.not_restarted(index, &failure, now),
            _ => {}
        }
    }

    pub(crate) fn runs(&mut self, index: usize, started: Started, now: Timestamp) {
        let check = self.payload.containers[index].health_check.as_ref();
        let watch = check
            .filter(|check| health::enabled(check))
            .map(|check| HealthWatch::new(check, started.at, now));
        self.containers[index].phase = Phase::Running(Running {
            started,
            stop: StopStage::NotAsked,
            watch,
        });
    }

    /// A container whose image or process could not be had. Only an essential one ends the task.
    fn not_started(&mut self, index: usize, failure: &Failure) {
        let text = reason_text(failure);
        self.containers[index].give_up(Some(text.clone()));
        if self.payload.containers[index].essential {
            self.fail_to_start(text);
        }
    }

    pub(crate) fn exited(&mut self, index: usize, exit: Exit) {
        let container = &mut self.containers[index];
        let Phase::Running(running) = &container.phase else {
            return;
        };
        let policy = self.payload.containers[index].restart_policy.as_ref();
        if self.stop.is_none()
            && policy.is_some_and(|policy| restart::is_wanted(policy, &running.started, &exit))
        {
            container.restart(exit);
            return;
        }
        let started = Some(running.started.clone());
        if exit.out_of_memory {
            let failure = Failure::new(FailureName::OutOfMemoryError, OUT_OF_MEMORY);
            container.reason = Some(reason_text(&failure));
        } else if exit.code.is_none() && exit.reason.is_some() {
            container.reason.clone_from(&exit.reason);
        }
        let at = exit.at;
        container.phase = Phase::Stopped {
            started,
            exit: Some(exit),
        };
        self.after_end(index, at);
    }

    /// The essential rule, for a container that ran.
    pub(crate) fn after_end(&mut self, index: usize, at: Timestamp) {
        if self.payload.containers[index].essential {
            self.execution_stopped_at.get_or_insert(at);
            self.begin_stop(StopCause::Host(HostStop::EssentialContainerExited));
        }
    }

    /// RUNNING: every container is up, or has ended without being essential. Told at once,
    /// because the same event may also end the task.
    pub(crate) fn reach_running(&mut self, effects: &mut Vec<Effect>) {
        if self.status >= HostStatus::Running || self.stop.is_some() {
            return;
        }
        let up = |(index, container): (usize, &Container)| match container.phase {
            Phase::Running(_) | Phase::Restarting { .. } => true,
            Phase::Stopped { .. } => !self.payload.containers[index].essential,
            _ => false,
        };
        let last_start = self
            .containers
            .iter()
            .filter_map(|c| c.started())
            .map(|s| s.at)
            .max();
        if last_start.is_some() && self.containers.iter().enumerate().all(up) {
            self.started_at = last_start;
            self.advance(HostStatus::Running);
            self.report_changes(effects);
        }
    }

    fn end_without_hope(&mut self, now: Timestamp) {
        if self.stop.is_some() {
            return;
        }
        if let Some((index, reason)) = self.hopeless(now) {
            self.containers[index].give_up(Some(reason));
            self.fail_to_start(FAILED_TO_START.to_owned());
        }
    }

    fn end_when_all_have(&mut self) {
        if self.stop.is_some() || !self.containers.iter().all(Container::stopped) {
            return;
        }
        if self
            .containers
            .iter()
            .any(|container| container.started().is_some())
        {
            self.begin_stop(StopCause::Host(HostStop::EssentialContainerExited));
        } else {
            self.fail_to_start(FAILED_TO_START.to_owned());
        }
    }

    pub(crate) fn fail_to_start(&mut self, text: String) {
        self.begin_stop(StopCause::Host(HostStop::FailedToStart(text)));
    }

    pub(crate) fn begin_stop(&mut self, cause: StopCause) {
        if self.stop.is_none() {
            self.stop = Some(cause);
            self.advance(HostStatus::Stopping);
        }
    }

    /// The only place where the status moves.
    pub(crate) fn advance(&mut self, to: HostStatus) {
        assert!(
            self.status < to,
            "{:?}: {:?} -> {to:?}",
            self.payload.id,
            self.status
        );
        self.status = to;
    }

    fn set_timer(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let waits = if self.stop.is_none() {
            self.dependency_deadline(now)
        } else {
            None
        };
        let next = earliest(
            earliest(waits, self.health_deadline()),
            self.stop_deadline(),
        );
        if let Some(at) = next.filter(|_| next != self.wake_at) {
            effects.push(Effect::WakeAt(at));
        }
        self.wake_at = next;
    }

    /// A violation is our own bug; going on would make it someone else's.
    fn check_invariants(&self) {
        let stopped = self.containers.iter().all(Container::stopped);
        assert_eq!(self.stop.is_some(), self.status >= HostStatus::Stopping);
        assert!(stopped || self.status < HostStatus::Deprovisioning);
        assert_eq!(
            self.network == Network::Removed,
            self.status == HostStatus::Stopped
        );
        assert!(self.status < HostStatus::Deprovisioning || self.execution_stopped_at.is_some());
        assert!(self.status != HostStatus::Running || self.started_at.is_some());
        let pending = matches!(self.network, Network::Asked | Network::Absent);
        assert!(
            !pending
                || !self.containers.iter().any(|c| matches!(
                    c.phase,
                    Phase::Starting | Phase::Restarting { asked: true, .. }
                ))
        );
    }
}

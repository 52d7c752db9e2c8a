//! A host in memory: takes effects, offers the events that may come next.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{ContainerIndex, Effect, Event, HealthOutcome, Task};
use model::Timestamp;
use model::container::{ContainerKey, Existing, Failure, FailureName, Started};
use model::payload::{ContainerStatus, DependencyCondition, HostStatus, TaskPayload, TaskReport};

use crate::language::{exit, image, index, network, seconds, started, task_id};

/// What a container does once it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    PullFails,
    StartFails,
    /// Ends with this code; with 0 once its `restartPolicy` has started it again.
    Exits(i32),
    /// Runs until it is told to stop.
    Serves,
    /// Runs until it is killed.
    Stubborn,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Network,
    Pulled(usize),
    Started(usize),
    Exited(usize),
    Health(usize),
    TornDown,
    Stop,
    Tick,
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) payload: Arc<TaskPayload>,
    behaviours: Vec<Behaviour>,
    now: Timestamp,
    pending: Vec<Choice>,
    /// Container → the code with which a signal makes it end.
    signalled: BTreeMap<usize, i32>,
    live: BTreeMap<usize, Started>,
    exits: BTreeMap<usize, i32>,
    /// Those that ended last: what a restart of the container removes.
    ended: BTreeMap<usize, Started>,
    /// How often a restart has been asked for.
    restarts: BTreeMap<usize, u32>,
    wake_at: Option<Timestamp>,
    pub(crate) stop_given: bool,
    ticks: u32,
    starts: BTreeMap<usize, u32>,
    waits: BTreeMap<usize, u32>,
    pub(crate) reports: Vec<TaskReport>,
}

impl World {
    pub(crate) fn new(payload: Arc<TaskPayload>, behaviours: &[Behaviour]) -> Self {
        Self {
            payload,
            behaviours: behaviours.to_vec(),
            now: seconds(1),
            pending: Vec::new(),
            signalled: BTreeMap::new(),
            live: BTreeMap::new(),
            exits: BTreeMap::new(),
            ended: BTreeMap::new(),
            restarts: BTreeMap::new(),
            wake_at: None,
            stop_given: false,
            ticks: 0,
            starts: BTreeMap::new(),
            waits: BTreeMap::new(),
            reports: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Every event that can come next. Time passes only when nothing else happens.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        let mut choices = self.pending.clone();
        if choices.is_empty() && self.wake_at.is_some() && (self.stop_given || self.ticks < 2) {
            choices.push(Choice::Tick);
        }
        if !self.stop_given {
            choices.push(Choice::Stop);
        }
        choices
    }

    /// The order of a host that is quick at everything and whose user stops last.
    pub(crate) fn canonical(&self) -> Choice {
        let rank = |choice: &Choice| match choice {
            Choice::Network => (0, 0),
            Choice::Pulled(i) => (1, *i),
            Choice::Started(i) => (2, *i),
            Choice::Health(i) => (3, *i),
            Choice::Exited(i) => (4, *i),
            Choice::TornDown => (5, 0),
            Choice::Tick => (6, 0),
            Choice::Stop => (7, 0),
        };
        self.choices()
            .into_iter()
            .min_by_key(rank)
            .expect("a stop is always possible")
    }

    pub(crate) fn event(&mut self, choice: &Choice) -> Event {
        self.now = self.now.plus_millis(1000);
        self.pending.retain(|pending| pending != choice);
        match *choice {
            Choice::Network => Event::NetworkReady(Ok(network(&self.payload))),
            Choice::Pulled(i) => Event::Pulled(ContainerIndex(i), self.pull(i)),
            Choice::Started(i) => Event::Started(ContainerIndex(i), self.start(i)),
            Choice::Exited(i) => {
                self.end(i);
                Event::Exited(ContainerIndex(i), exit(self.exits[&i], self.now))
            }
            Choice::Health(i) => Event::HealthChecked(ContainerIndex(i), HealthOutcome::Passed),
            Choice::TornDown => Event::TornDown(Ok(())),
            Choice::Stop => {
                self.stop_given = true;
                Event::StopWanted
            }
            Choice::Tick => {
                self.ticks += 1;
                self.now = self.now.max(self.wake_at.take().unwrap_or(self.now));
                Event::Tick
            }
        }
    }

    fn end(&mut self, i: usize) {
        self.exits.insert(i, self.code(i));
        let started = self.live.remove(&i).expect("what ends has lived");
        self.ended.insert(i, started);
    }

    fn pull(&self, i: usize) -> Result<model::container::PulledImage, Failure> {
        match self.behaviours[i] {
            Behaviour::PullFails => Err(Failure::new(
                FailureName::CannotPullContainerError,
                "missing",
            )),
            _ => Ok(image(15)),
        }
    }

    fn start(&mut self, i: usize) -> Result<Started, Failure> {
        if self.behaviours[i] == Behaviour::StartFails {
            return Err(Failure::new(
                FailureName::CannotStartContainerError,
                format!("no {i}"),
            ));
        }
        let name = &self.payload.containers[i].spec.key.container;
        let started = started(name, self.now);
        Ok(self.live.entry(i).or_insert(started).clone())
    }

    fn code(&self, i: usize) -> i32 {
        match (self.signalled.get(&i), self.behaviours[i]) {
            (Some(code), _) => *code,
            (None, Behaviour::Exits(_)) if self.restarts.contains_key(&i) => 0,
            (None, Behaviour::Exits(code)) => code,
            (None, other) => panic!("{other:?} does not end by itself"),
        }
    }

    pub(crate) fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::SetUpNetwork => self.offer(Choice::Network),
                Effect::Pull(i) => self.offer(Choice::Pulled(i.0)),
                Effect::Start(i, _) => {
                    self.check_dependencies(i.0);
                    *self.starts.entry(i.0).or_default() += 1;
                    self.offer(Choice::Started(i.0));
                }
                Effect::Restart(i, _) => {
                    assert!(!self.live.contains_key(&i.0), "restarted while it lives");
                    *self.restarts.entry(i.0).or_default() += 1;
                    self.offer(Choice::Started(i.0));
                }
                Effect::Wait(i) => self.wait(i.0),
                Effect::Signal(i, signal) => self.signal(i.0, signal),
                Effect::CheckHealth(i, ..) => self.offer(Choice::Health(i.0)),
                Effect::TearDown => {
                    assert!(self.live.is_empty(), "removed under a living container");
                    self.offer(Choice::TornDown);
                }
                Effect::WakeAt(at) => self.wake_at = Some(at),
                Effect::Report(report) => self.report(*report),
            }
        }
    }

    fn offer(&mut self, choice: Choice) {
        assert!(
            !self.pending.contains(&choice),
            "{choice:?} asked for twice"
        );
        self.pending.push(choice);
    }

    fn wait(&mut self, i: usize) {
        *self.waits.entry(i).or_default() += 1;
        if self.signalled.contains_key(&i) || matches!(self.behaviours[i], Behaviour::Exits(_)) {
            self.offer(Choice::Exited(i));
        }
    }

    /// A container starts only after what it needs.
    fn check_dependencies(&self, i: usize) {
        for dependency in &self.payload.containers[i].depends_on {
            let target = index(&self.payload, &dependency.container).0;
            let (runs, exit) = (self.live.contains_key(&target), self.exits.get(&target));
            let held = match dependency.condition {
                DependencyCondition::Start => runs || exit.is_some(),
                DependencyCondition::Complete => exit.is_some(),
                DependencyCondition::Success => exit == Some(&0),
                DependencyCondition::Healthy => runs,
            };
            assert!(held, "{i} started without {dependency:?}");
        }
    }

    /// A container is stopped only after what needs it.
    fn check_dependants(&self, i: usize) {
        let name = &self.payload.containers[i].spec.key.container;
        for (other, plan) in self.payload.containers.iter().enumerate() {
            let needs = plan.depends_on.iter().any(|d| d.container == *name);
            assert!(
                !(needs && self.live.contains_key(&other)),
                "{other} lost {i} under it"
            );
        }
    }

    fn signal(&mut self, i: usize, signal: i32) {
        self.check_dependants(i);
        if self.behaviours[i] == Behaviour::Stubborn && signal != 9 {
            return;
        }
        self.signalled.insert(i, 128 + signal);
        if !self.pending.contains(&Choice::Exited(i)) {
            self.pending.push(Choice::Exited(i));
        }
    }

    fn report(&mut self, report: TaskReport) {
        if let Some(last) = self.reports.last() {
            assert_ne!(*last, report, "said twice");
            assert!(last.status <= report.status);
            assert_ne!(last.status, HostStatus::Stopped, "nothing follows STOPPED");
            for (before, after) in last.containers.iter().zip(&report.containers) {
                assert!(before.status <= after.status);
            }
        }
        let told = |status| self.reports.iter().any(|r| r.status == status);
        if report.status > HostStatus::Running && report.started_at.is_some() {
            assert!(told(HostStatus::Running), "RUNNING was swallowed");
        }
        self.reports.push(report);
    }

    /// What must hold when nothing more can happen.
    pub(crate) fn check_end(&self, task: &Task) {
        assert_eq!(task.status(), HostStatus::Stopped);
        assert!(
            self.pending
                .iter()
                .all(|p| matches!(p, Choice::Pulled(_) | Choice::Health(_)))
        );
        let last = self.reports.last().expect("STOPPED is reported");
        assert_eq!(last.status, HostStatus::Stopped);
        for (i, container) in last.containers.iter().enumerate() {
            assert_eq!(container.status, ContainerStatus::Stopped);
            let ran = container.runtime_id.is_some();
            assert_eq!(container.exit_code.is_some(), ran);
            assert!(
                self.starts.get(&i).is_none_or(|starts| *starts <= 1),
                "started twice"
            );
            let restarts = self.restarts.get(&i).copied().unwrap_or(0);
            let waits = self.waits.get(&i).copied().unwrap_or(0);
            assert_eq!(waits, u32::from(ran) + restarts);
        }
    }

    pub(crate) fn starting(&self) -> bool {
        self.pending
            .iter()
            .any(|choice| matches!(choice, Choice::Started(_)))
    }

    /// The server is gone and back: what the driver finds. A start that was under way has
    /// happened or not, an exit that nobody heard of too.
    pub(crate) fn restart(&mut self, starts_happened: bool, exits_happened: bool) -> Vec<Existing> {
        let pending = std::mem::take(&mut self.pending);
        self.wake_at = None;
        self.starts.clear();
        self.waits.clear();
        for i in 0..self.behaviours.len() {
            if starts_happened && pending.contains(&Choice::Started(i)) {
                // One that fails leaves nothing behind.
                let _ = self.start(i);
            }
        }
        let mut existing = Vec::new();
        for (&i, started) in &self.live {
            let ended = exits_happened && pending.contains(&Choice::Exited(i));
            let container = self.payload.containers[i].spec.key.container.clone();
            existing.push(Existing {
                key: ContainerKey {
                    task: task_id(),
                    container,
                },
                started: started.clone(),
                exit: ended.then(|| exit(self.code(i), self.now)),
            });
        }
        for found in existing.iter().filter(|found| found.exit.is_some()) {
            self.end(index(&self.payload, &found.key.container).0);
        }
        existing.extend(self.ended_before(&existing));
        existing
    }

    /// Those that ended earlier: a driver keeps them until they are removed.
    fn ended_before(&self, found: &[Existing]) -> Vec<Existing> {
        let key = |i: usize| self.payload.containers[i].spec.key.clone();
        let kept = self.ended.iter().map(|(&i, started)| Existing {
            key: key(i),
            started: started.clone(),
            exit: Some(exit(self.exits[&i], self.now)),
        });
        kept.filter(|kept| !found.iter().any(|found| found.key == kept.key))
            .collect()
    }
}

//! The host's list of lives: who lives, who is to stop, what nobody wants any more.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use model::TaskId;
use model::container::Existing;
use model::payload::HostStatus;
use runtime::{Clock, Driver};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};

use crate::backoff::Backoff;
use crate::life::live;
use crate::perform::Host;
use crate::{Assignment, Assignments, ControlPlane, Resolver};

/// Attempts to remove what no task owns; what still resists goes with the next start.
const ORPHAN_ATTEMPTS_MAX: u32 = 5;

/// Runs this host's tasks.
pub struct Agent {
    host: Arc<Host>,
    lives: BTreeMap<TaskId, Life>,
    /// Owns all lives, so that dropping the agent ends them; containers go on.
    running: JoinSet<TaskId>,
    /// Tasks that came to their end while the question for assignments was open: its answer
    /// may still speak of them as alive. Every later question knows better.
    ended: BTreeSet<TaskId>,
}

struct Life {
    /// `None` once the stop has been passed on.
    stop: Option<oneshot::Sender<()>>,
}

impl Agent {
    /// Without a resolver containers start without what they only name.
    pub fn new(
        driver: Arc<dyn Driver>,
        plane: Arc<dyn ControlPlane>,
        clock: Arc<dyn Clock>,
        resolver: Option<Arc<dyn Resolver>>,
    ) -> Self {
        Self {
            host: Arc::new(Host::new(driver, plane, clock, resolver)),
            lives: BTreeMap::new(),
            running: JoinSet::new(),
            ended: BTreeSet::new(),
        }
    }

    /// Takes up what the driver still has, then serves until it is dropped.
    pub async fn run(mut self) {
        let mut existing = existing(&self.host).await;
        let first = self.next_assignments(0).await;
        let mut seen = first.version;
        self.take(first.changed, &mut existing);
        for task in existing.into_keys() {
            self.running
                .spawn(remove_orphan(Arc::clone(&self.host), task));
        }
        loop {
            let Assignments { version, changed } = self.next_assignments(seen).await;
            seen = version;
            self.take(changed, &mut BTreeMap::new());
        }
    }

    async fn next_assignments(&mut self, seen: u64) -> Assignments {
        self.ended.clear();
        let plane = Arc::clone(&self.host.plane);
        let mut next = plane.assignments(seen);
        loop {
            tokio::select! {
                assignments = &mut next => return assignments,
                Some(ended) = self.running.join_next() => self.end(ended),
            }
        }
    }

    fn end(&mut self, ended: Result<TaskId, JoinError>) {
        match ended {
            Ok(task) => {
                self.lives.remove(&task);
                self.ended.insert(task);
            }
            Err(error) => tracing::error!(%error, "the owner of a task was lost"),
        }
    }

    fn take(&mut self, changed: Vec<Assignment>, existing: &mut BTreeMap<TaskId, Vec<Existing>>) {
        for assignment in changed {
            let task = assignment.payload.id;
            if let Some(life) = self.lives.get_mut(&task) {
                if assignment.stop_wanted {
                    life.pass_stop_on();
                }
            } else if !self.ended.contains(&task) && !stopped(&assignment) {
                let existing = existing.remove(&task).unwrap_or_default();
                self.begin(assignment, existing);
            }
        }
    }

    fn begin(&mut self, assignment: Assignment, existing: Vec<Existing>) {
        let task = assignment.payload.id;
        let (stop, stopped) = oneshot::channel();
        self.lives.insert(task, Life { stop: Some(stop) });
        let life = live(Arc::clone(&self.host), assignment, existing, stopped);
        self.running.spawn(async move {
            // One task's bug must not take the others with it; the panic is logged by its hook.
            if AssertUnwindSafe(life).catch_unwind().await.is_err() {
                tracing::error!(%task, "the task is abandoned until the next start");
                std::future::pending::<()>().await;
            }
            task
        });
    }
}

impl Life {
    fn pass_stop_on(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A life that has just ended needs no stop.
            let _ = stop.send(());
        }
    }
}

fn stopped(assignment: &Assignment) -> bool {
    assignment
        .known
        .as_ref()
        .is_some_and(|report| report.status == HostStatus::Stopped)
}

async fn existing(host: &Host) -> BTreeMap<TaskId, Vec<Existing>> {
    let mut backoff = Backoff::new();
    loop {
        match host.driver.existing().await {
            Ok(found) => {
                let mut existing: BTreeMap<_, Vec<_>> = BTreeMap::new();
                for container in found {
                    existing
                        .entry(container.key.task)
                        .or_default()
                        .push(container);
                }
                return existing;
            }
            Err(failure) => {
                tracing::warn!(%failure, "cannot see what runs on this host, trying again");
                host.pause(backoff.next_millis()).await;
            }
        }
    }
}

/// Removes containers of a task that the control plane does not want here.
async fn remove_orphan(host: Arc<Host>, task: TaskId) -> TaskId {
    let mut backoff = Backoff::new();
    for _ in 0..ORPHAN_ATTEMPTS_MAX {
        match host.driver.tear_down(task).await {
            Ok(()) => {
                tracing::info!(%task, "removed containers that no task owns");
                return task;
            }
            Err(failure) => {
                tracing::warn!(%task, %failure, "cannot remove containers that no task owns");
                host.pause(backoff.next_millis()).await;
            }
        }
    }
    task
}

//! A control plane in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use agent::{Assignment, Assignments, ControlPlane, ReportError};
use async_trait::async_trait;
use model::TaskId;
use model::payload::{HostStatus, TaskPayload, TaskReport};
use tokio::sync::Notify;

/// More than any script in these tests takes, in paused time.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

#[derive(Default)]
pub(crate) struct Plane {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    version: u64,
    tasks: BTreeMap<TaskId, (u64, Assignment)>,
    reports: Vec<TaskReport>,
    /// So many reports are refused before one is taken.
    refusals: u32,
    /// Answers are made when the question comes, and held back until something changes.
    slow: bool,
}

impl Plane {
    pub(crate) fn assign(&self, payload: &Arc<TaskPayload>) {
        let payload = Arc::clone(payload);
        self.change(
            payload.id,
            Assignment {
                payload,
                stop_wanted: false,
                known: None,
            },
        );
    }

    pub(crate) fn stop(&self, task: TaskId) {
        let mut assignment = self.state().tasks[&task].1.clone();
        assignment.stop_wanted = true;
        self.change(task, assignment);
    }

    pub(crate) fn forget(&self, task: TaskId) {
        self.state().tasks.remove(&task);
    }

    pub(crate) fn refuse(&self, reports: u32) {
        self.state().refusals = reports;
    }

    pub(crate) fn answer_slowly(&self) {
        self.state().slow = true;
    }

    fn change(&self, task: TaskId, assignment: Assignment) {
        let mut state = self.state();
        state.version += 1;
        let version = state.version;
        state.tasks.insert(task, (version, assignment));
        drop(state);
        self.changed.notify_waiters();
    }

    pub(crate) fn reports(&self, task: TaskId) -> Vec<TaskReport> {
        self.state()
            .reports
            .iter()
            .filter(|report| report.task == task)
            .cloned()
            .collect()
    }

    /// The first report of a task with this status, waited for.
    pub(crate) async fn until(&self, task: TaskId, status: HostStatus) -> TaskReport {
        let reported = async {
            loop {
                let changed = self.changed.notified();
                if let Some(report) = self.reports(task).into_iter().find(|r| r.status == status) {
                    return report;
                }
                changed.await;
            }
        };
        let report = tokio::time::timeout(PATIENCE, reported).await;
        report.unwrap_or_else(|_| panic!("no {status:?}, only {:#?}", self.reports(task)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn news(&self, seen: u64) -> Vec<Assignment> {
        let state = self.state();
        let known = |assignment: &Assignment| assignment.known.as_ref().map(|known| known.status);
        let news = state.tasks.values().filter(|(version, assignment)| {
            *version > seen && known(assignment) != Some(HostStatus::Stopped)
        });
        news.map(|(_, assignment)| assignment.clone()).collect()
    }
}

#[async_trait]
impl ControlPlane for Plane {
    async fn assignments(&self, seen: u64) -> Assignments {
        let early = self.news(0);
        loop {
            let changed = self.changed.notified();
            let (version, slow) = {
                let state = self.state();
                (state.version, state.slow)
            };
            if seen == 0 || version > seen {
                let changed = if slow { early } else { self.news(seen) };
                return Assignments {
                    version: version.max(1),
                    changed,
                };
            }
            changed.await;
        }
    }

    async fn report(&self, report: TaskReport) -> Result<(), ReportError> {
        let mut state = self.state();
        if state.refusals > 0 {
            state.refusals -= 1;
            return Err(ReportError::Unavailable("busy".to_owned()));
        }
        let Some((_, assignment)) = state.tasks.get_mut(&report.task) else {
            return Err(ReportError::UnknownTask);
        };
        assignment.known = Some(report.clone());
        state.reports.push(report);
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }
}

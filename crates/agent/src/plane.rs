//! The control plane as a host sees it.

use std::sync::Arc;

use async_trait::async_trait;
use model::payload::{TaskPayload, TaskReport};

/// What the agent hears and tells.
#[async_trait]
pub trait ControlPlane: Send + Sync + 'static {
    /// Waits until the host's tasks differ from what they were at version `seen`, and tells
    /// the difference. `seen` 0 asks for all tasks of the host that have not reported
    /// STOPPED, and answers at once. May be dropped while it waits.
    async fn assignments(&self, seen: u64) -> Assignments;

    /// Tells the state of a task. When it returns `Ok`, the report is durable and every call
    /// of [`ControlPlane::assignments`] that begins later knows it.
    async fn report(&self, report: TaskReport) -> Result<(), ReportError>;
}

/// A change of a host's tasks.
#[derive(Clone, Debug)]
pub struct Assignments {
    /// Greater than every one before; what the next call names as seen.
    pub version: u64,
    /// New tasks, and known ones that are to be stopped. Naming a task again is harmless.
    pub changed: Vec<Assignment>,
}

#[derive(Clone, Debug)]
pub struct Assignment {
    pub payload: Arc<TaskPayload>,
    pub stop_wanted: bool,
    /// The newest report that the control plane has of this task.
    pub known: Option<TaskReport>,
}

/// Why a report was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// It may be taken later.
    #[error("{0}")]
    Unavailable(String),
    /// The control plane does not have this task, so nobody wants it to run.
    #[error("the control plane does not know this task")]
    UnknownTask,
}

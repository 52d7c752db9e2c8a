//! What is told while tasks are followed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use model::shapes::{Attachment, Task, TaskStopCode};

use super::log_reader::LogLine;
use crate::run::RunTaskFailure;

/// News of a run. `index` is the place of the task in RunTask's answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RunEvent {
    /// Tasks were started.
    Started { tasks: Vec<Task> },
    /// Fewer tasks than asked for were started.
    NotPlaced {
        missing: u32,
        failures: Vec<RunTaskFailure>,
    },
    /// A member of a task changed. The events on what changed come after it.
    Task { index: usize, task: Box<Task> },
    /// The last status of a container changed.
    Container {
        index: usize,
        name: String,
        status: String,
        exit_code: Option<i32>,
        reason: Option<String>,
    },
    /// A network interface or volume could not be attached.
    AttachmentFailed {
        index: usize,
        attachment: Attachment,
    },
    /// A task says why it stops.
    StopReason {
        index: usize,
        code: Option<TaskStopCode>,
        reason: String,
    },
    /// What containers wrote, by time.
    Lines { lines: Vec<LogLine> },
    /// The tasks could not be looked at, for a reason that passes.
    PollFailed { error: String },
    /// Something is not to be had that does not end the run: output of a container, the
    /// task definition.
    Problem { text: String },
    /// The tasks are being stopped; why.
    Stopping { reason: String },
}

/// Events on their way to the caller. It holds what one poll of the run brings: the
/// caller takes all of it before the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Events(Arc<Mutex<VecDeque<RunEvent>>>);

impl Events {
    pub(super) fn push(&self, event: RunEvent) {
        self.with(|waiting| waiting.push_back(event));
    }

    pub(super) fn pop(&self) -> Option<RunEvent> {
        self.with(VecDeque::pop_front)
    }

    fn with<T>(&self, work: impl FnOnce(&mut VecDeque<RunEvent>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

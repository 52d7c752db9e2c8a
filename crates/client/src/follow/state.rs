//! What is known of the followed tasks, and what of it is news.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::shapes::{Attachment, Container, Task};

use super::event::{Events, RunEvent};
use super::exit::{FirstStopped, observe};

/// What watching, reading, stopping and dropping share. Never held while something is
/// awaited.
#[derive(Clone)]
pub(super) struct Shared {
    state: Arc<Mutex<State>>,
    pub(super) events: Events,
}

/// The tasks in RunTask's order, as last seen.
#[derive(Default)]
pub(super) struct State {
    pub(super) tasks: Vec<Task>,
    pub(super) seen: Vec<FirstStopped>,
    /// Whether nothing is left to be stopped by whoever drops the run.
    pub(super) is_settled: bool,
}

impl Shared {
    pub(super) fn new(events: Events) -> Self {
        Self {
            state: Arc::default(),
            events,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with what RunTask answered.
    pub(super) fn begin(&self, tasks: Vec<Task>) {
        let mut state = self.lock();
        state.seen = vec![FirstStopped::new(); tasks.len()];
        state.tasks = tasks;
    }

    /// Takes what a poll saw.
    pub(super) fn take(&self, poll: u32, newest: &BTreeMap<String, Task>) {
        let mut state = self.lock();
        let State { tasks, seen, .. } = &mut *state;
        for (index, (old, seen)) in tasks.iter_mut().zip(seen).enumerate() {
            let arn = old.task_arn.as_deref().unwrap_or_default();
            if let Some(new) = newest.get(arn).filter(|new| *new != old) {
                observe(seen, poll, new);
                self.tell(index, old, new);
                old.clone_from(new);
            }
        }
    }

    fn tell(&self, index: usize, old: &Task, new: &Task) {
        let task = Box::new(new.clone());
        self.events.push(RunEvent::Task { index, task });
        for container in new.containers.iter().flatten() {
            if status_of(old, container) != container.last_status {
                self.events.push(changed(index, container));
            }
        }
        for attachment in new.attachments.iter().flatten() {
            if has_failed(attachment)
                && !old
                    .attachments
                    .iter()
                    .flatten()
                    .any(|old| old == attachment)
            {
                let attachment = attachment.clone();
                self.events
                    .push(RunEvent::AttachmentFailed { index, attachment });
            }
        }
        if let Some(reason) = new.stopped_reason.clone()
            && old.stopped_reason.is_none()
        {
            let code = new.stop_code.clone();
            self.events.push(RunEvent::StopReason {
                index,
                code,
                reason,
            });
        }
    }
}

fn has_failed(attachment: &Attachment) -> bool {
    attachment.status.as_deref() == Some("FAILED")
}

fn status_of(task: &Task, container: &Container) -> Option<String> {
    let mut containers = task.containers.iter().flatten();
    let known = containers.find(|one| one.name == container.name)?;
    known.last_status.clone()
}

fn changed(index: usize, container: &Container) -> RunEvent {
    RunEvent::Container {
        index,
        name: container.name.clone().unwrap_or_default(),
        status: container.last_status.clone().unwrap_or_default(),
        exit_code: container.exit_code,
        reason: container.reason.clone(),
    }
}

/// Whether a task is over.
pub(super) fn has_stopped(task: &Task) -> bool {
    task.last_status.as_deref() == Some("STOPPED")
}

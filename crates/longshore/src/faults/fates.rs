//! What rules have in store for tasks, from their start to their end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::TaskId;
use model::faults::Fault;

/// Tasks with a fate at a time; what starts beyond is spared.
const FATES_MAX: usize = 100_000;

/// What becomes of one task. Moments are milliseconds from a container's start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// Added to each step.
    pub(super) slow_millis: u64,
    exits: Vec<Exit>,
    pub(super) interrupted_after: Option<u64>,
    pub(super) lost_after: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exit {
    pub(super) code: i32,
    /// `None` for each.
    container: Option<String>,
    /// `None`: when it ends by itself.
    pub(super) after: Option<u64>,
}

impl Fate {
    /// Delays add up; of two moments the first rule's counts.
    pub(super) fn add(&mut self, fault: &Fault) {
        match fault {
            Fault::SlowTransitions { millis } => self.slow_millis += millis,
            Fault::ExitCode {
                code,
                container,
                after_millis,
            } => self.exits.push(Exit {
                code: *code,
                container: container.clone(),
                after: *after_millis,
            }),
            Fault::SpotInterruption { after_millis } => {
                self.interrupted_after.get_or_insert(*after_millis);
            }
            Fault::LostHost { after_millis } => {
                self.lost_after.get_or_insert(*after_millis);
            }
            _ => {}
        }
    }

    pub(super) fn exit_of(&self, container: &str) -> Option<&Exit> {
        let is_for = |exit: &&Exit| exit.container.as_deref().is_none_or(|of| of == container);
        self.exits.iter().find(is_for)
    }
}

/// The fates of all tasks that have one.
#[derive(Default)]
pub(super) struct Fates {
    is_any: AtomicBool,
    of: Mutex<BTreeMap<TaskId, Arc<Fate>>>,
}

impl Fates {
    pub(super) fn decide(&self, task: TaskId, fate: Fate) {
        let mut of = self.lock();
        if of.len() < FATES_MAX {
            of.insert(task, Arc::new(fate));
            self.is_any.store(true, Ordering::Release);
        }
    }

    pub(super) fn of(&self, task: TaskId) -> Option<Arc<Fate>> {
        let is_any = self.is_any.load(Ordering::Acquire);
        is_any.then(|| self.lock().get(&task).cloned())?
    }

    pub(super) fn forget(&self, task: TaskId) {
        if self.is_any.load(Ordering::Acquire) {
            let mut of = self.lock();
            of.remove(&task);
            self.is_any.store(!of.is_empty(), Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TaskId, Arc<Fate>>> {
        // A panic elsewhere leaves the map whole.
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Tasks, and what follows from them: indexes, the ledger of their hosts, the queue, their tokens.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use model::{ContainerInstanceId, TaskId, Timestamp};

use super::State;
use crate::record::token::TokenKey;
use crate::record::{Task, Token};

impl State {
    /// Inserts or replaces a task; the ledger follows. Its cluster and definition never change,
    /// and what it takes and its host only once: when a task that waited is placed. So only that
    /// and its end do anything to the derived parts.
    pub fn put_task(&mut self, task: Task) -> Arc<Task> {
        let before = self.tasks.get(&task.id);
        let was_stopped = before.map(|before| before.is_stopped());
        let was_running = before.is_some_and(|before| before.is_running());
        let was_waiting = before.is_some_and(|before| before.is_waiting());
        if was_waiting && !task.is_waiting() {
            self.stop_waiting(&task);
        }
        match was_stopped {
            None => self.remember(&task),
            Some(false) if task.is_stopped() => {
                self.release(&task);
                self.stopped.insert(stop_key(&task));
            }
            Some(false) if was_waiting => {
                self.count_on_host(&task);
                self.hold(&task);
            }
            Some(_) => {}
        }
        if was_stopped.is_some() && was_running != task.is_running() {
            self.change_running(task.instance, if was_running { -1 } else { 1 });
        }
        self.tasks.put(task)
    }

    /// Forgets a task, and its token when no other task of it is left.
    pub fn remove_task(&mut self, id: TaskId) {
        let Some(task) = self.tasks.remove(&id) else {
            return;
        };
        take_out(&mut self.by_cluster, &task);
        take_one(&mut self.uses, &task.definition);
        if let Some(host) = &task.instance {
            take_one(&mut self.tasks_of_host, host);
        }
        if task.is_stopped() {
            self.stopped.remove(&stop_key(&task));
        } else {
            self.release(&task);
            if task.is_running() {
                self.change_running(task.instance, -1);
            }
        }
        if let Some(token) = self.token_of.remove(&id) {
            self.forget_finished(&token.id);
        }
    }

    /// The token may have been used anew since, so its present tasks decide.
    fn forget_finished(&mut self, key: &TokenKey) {
        let is_left = |token: &Arc<Token>| token.tasks.iter().any(|id| self.tasks.contains(id));
        if !self.tokens.get(key).is_some_and(is_left) {
            self.tokens.remove(key);
        }
    }

    pub(super) fn bind(&mut self, token: &Arc<Token>) {
        for id in token.tasks.iter().filter(|id| self.tasks.contains(id)) {
            self.token_of.insert(*id, Arc::clone(token));
        }
    }

    pub(super) fn remember(&mut self, task: &Task) {
        add(&mut self.by_cluster, task);
        add_one(&mut self.uses, &task.definition);
        self.count_on_host(task);
        if task.is_stopped() {
            self.stopped.insert(stop_key(task));
        } else {
            self.occupy(task);
        }
    }

    fn count_on_host(&mut self, task: &Task) {
        if let Some(host) = &task.instance {
            add_one(&mut self.tasks_of_host, host);
        }
    }

    fn occupy(&mut self, task: &Task) {
        add(&mut self.live_by_cluster, task);
        self.hold(task);
        if task.is_running() {
            self.change_running(task.instance, 1);
        }
    }

    /// Takes from the task's host, or lets it wait for one.
    fn hold(&mut self, task: &Task) {
        let Some(host) = task.instance else {
            let waiting = self.waiting.entry(task.cluster.clone()).or_default();
            waiting.insert(wait_key(task));
            return;
        };
        self.live_by_instance.insert((host, task.id));
        let demand = crate::local_host::demand_of(&task.reserved);
        let gpus = &task.reserved.gpus;
        self.fleet.take(&host, &demand, gpus, &task.group);
    }

    fn release(&mut self, task: &Task) {
        take_out(&mut self.live_by_cluster, task);
        self.has_news = true;
        let Some(host) = task.instance else {
            self.stop_waiting(task);
            return;
        };
        self.live_by_instance.remove(&(host, task.id));
        let demand = crate::local_host::demand_of(&task.reserved);
        let gpus = &task.reserved.gpus;
        self.fleet.give_back(&host, &demand, gpus, &task.group);
    }

    fn stop_waiting(&mut self, task: &Task) {
        if let Some(waiting) = self.waiting.get_mut(&task.cluster) {
            waiting.remove(&wait_key(task));
            if waiting.is_empty() {
                self.waiting.remove(&task.cluster);
            }
        }
    }

    /// `runningTasksCount` of a host, which expressions ask for.
    fn change_running(&mut self, host: Option<ContainerInstanceId>, by: i32) {
        if let Some(host) = host {
            let count = self.fleet.running(&host).saturating_add_signed(by);
            self.fleet.set_running(&host, count);
        }
    }
}

/// Where a stopped task stands in the order of forgetting.
fn stop_key(task: &Task) -> (Timestamp, TaskId) {
    (task.times.stopped_at.unwrap_or_default(), task.id)
}

/// Where a waiting task stands in its queue.
fn wait_key(task: &Task) -> (Timestamp, TaskId) {
    (task.times.created_at, task.id)
}

fn add_one<K: Ord + Clone>(counts: &mut OrdMap<K, u32>, key: &K) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => {
            counts.insert(key.clone(), 1);
        }
    }
}

/// One less; nobody is counted as 0.
fn take_one<K: Ord + Clone>(counts: &mut OrdMap<K, u32>, key: &K) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => {
            counts.remove(key);
        }
    }
}

fn add(sets: &mut OrdMap<String, OrdSet<TaskId>>, task: &Task) {
    match sets.get_mut(&task.cluster) {
        Some(set) => {
            set.insert(task.id);
        }
        None => {
            sets.insert(task.cluster.clone(), OrdSet::unit(task.id));
        }
    }
}

fn take_out(sets: &mut OrdMap<String, OrdSet<TaskId>>, task: &Task) {
    if let Some(set) = sets.get_mut(&task.cluster) {
        set.remove(&task.id);
        if set.is_empty() {
            sets.remove(&task.cluster);
        }
    }
}

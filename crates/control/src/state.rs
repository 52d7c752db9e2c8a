//! The whole state of the control plane: tables, and what follows from them.
//!
//! Cloning is O(1), so the state from before an operation is kept and put back
//! when it fails. Tables are changed through the methods here, which keep the
//! derived parts (indexes, the ledger of the hosts) in step.

use std::sync::Arc;

use imbl::OrdSet;
use model::{ContainerInstanceId, TaskId, Timestamp};
use scheduler::Fleet;
use store::{Change, Rows, StoreError, Table};

use crate::record::{Cluster, Definition, Family, Instance, Task, Token};

#[derive(Clone)]
pub struct State {
    clusters: Table<Cluster>,
    definitions: Table<Definition>,
    families: Table<Family>,
    instances: Table<Instance>,
    tasks: Table<Task>,
    tokens: Table<Token>,
    /// Derived: what each host has and what its tasks take.
    fleet: Fleet,
    /// Derived: tasks of each cluster.
    tasks_by_cluster: OrdSet<(String, TaskId)>,
    /// Derived: tasks of each host that are not STOPPED.
    live_by_instance: OrdSet<(ContainerInstanceId, TaskId)>,
    /// Derived: stopped tasks, oldest first.
    stopped: OrdSet<(Timestamp, TaskId)>,
}

impl State {
    /// Takes the tables out of the stored rows and derives the rest.
    pub fn load(rows: &mut Rows) -> Result<Self, StoreError> {
        let mut state = Self {
            clusters: Table::load(rows)?,
            definitions: Table::load(rows)?,
            families: Table::load(rows)?,
            instances: Table::load(rows)?,
            tasks: Table::load(rows)?,
            tokens: Table::load(rows)?,
            fleet: Fleet::default(),
            tasks_by_cluster: OrdSet::new(),
            live_by_instance: OrdSet::new(),
            stopped: OrdSet::new(),
        };
        let instances: Vec<_> = state.instances.iter().cloned().collect();
        for instance in instances {
            state.fleet.register(crate::local_host::host_of(&instance));
        }
        let tasks: Vec<_> = state.tasks.iter().cloned().collect();
        for task in tasks {
            state.index(&task);
        }
        Ok(state)
    }

    /// Moves what changed since the last call into `batch`, in stored form.
    pub fn drain(&mut self, batch: &mut Vec<Change>) -> Result<(), StoreError> {
        self.clusters.drain(batch)?;
        self.definitions.drain(batch)?;
        self.families.drain(batch)?;
        self.instances.drain(batch)?;
        self.tasks.drain(batch)?;
        self.tokens.drain(batch)
    }

    pub fn clusters(&self) -> &Table<Cluster> {
        &self.clusters
    }

    pub fn definitions(&self) -> &Table<Definition> {
        &self.definitions
    }

    pub fn families(&self) -> &Table<Family> {
        &self.families
    }

    pub fn instances(&self) -> &Table<Instance> {
        &self.instances
    }

    pub fn tasks(&self) -> &Table<Task> {
        &self.tasks
    }

    pub fn tokens(&self) -> &Table<Token> {
        &self.tokens
    }

    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Tasks of a cluster, stopped ones included, in the order of their ids.
    pub fn tasks_of_cluster(&self, cluster: &str) -> impl Iterator<Item = &Arc<Task>> {
        let from = (cluster.to_owned(), TaskId::from_bits(0));
        let to = (cluster.to_owned(), TaskId::from_bits(u128::MAX));
        self.tasks_by_cluster
            .range(from..=to)
            .filter_map(|(_, id)| self.tasks.get(id))
    }

    /// Tasks of a host that are not STOPPED.
    pub fn live_tasks_of(&self, host: ContainerInstanceId) -> impl Iterator<Item = &Arc<Task>> {
        let all = (host, TaskId::from_bits(0))..=(host, TaskId::from_bits(u128::MAX));
        self.live_by_instance
            .range(all)
            .filter_map(|(_, id)| self.tasks.get(id))
    }

    /// Stopped tasks, oldest first.
    pub fn stopped_tasks(&self) -> impl Iterator<Item = (Timestamp, TaskId)> + '_ {
        self.stopped.iter().copied()
    }

    pub fn put_cluster(&mut self, cluster: Cluster) -> Arc<Cluster> {
        self.clusters.put(cluster)
    }

    pub fn put_definition(&mut self, definition: Definition) -> Arc<Definition> {
        self.definitions.put(definition)
    }

    pub fn remove_definition(&mut self, key: &crate::record::DefinitionKey) {
        self.definitions.remove(key);
    }

    pub fn put_family(&mut self, family: Family) {
        self.families.put(family);
    }

    pub fn put_token(&mut self, token: Token) {
        self.tokens.put(token);
    }

    pub fn remove_token(&mut self, key: &crate::record::token::TokenKey) {
        self.tokens.remove(key);
    }

    pub fn put_instance(&mut self, instance: Instance) -> Arc<Instance> {
        self.fleet.register(crate::local_host::host_of(&instance));
        self.instances.put(instance)
    }

    /// Inserts or replaces a task; the ledger follows.
    pub fn put_task(&mut self, task: Task) -> Arc<Task> {
        if let Some(before) = self.tasks.get(&task.id).cloned() {
            self.unindex(&before);
        }
        self.index(&task);
        self.tasks.put(task)
    }

    pub fn remove_task(&mut self, id: TaskId) {
        if let Some(before) = self.tasks.remove(&id) {
            self.unindex(&before);
        }
    }

    fn index(&mut self, task: &Task) {
        self.tasks_by_cluster
            .insert((task.cluster.clone(), task.id));
        if let Some(at) = task.times.stopped_at.filter(|_| task.is_stopped()) {
            self.stopped.insert((at, task.id));
        } else {
            self.live_by_instance.insert((task.instance, task.id));
            self.fleet.take(
                &task.instance,
                &crate::local_host::demand_of(&task.reserved),
            );
        }
    }

    fn unindex(&mut self, task: &Task) {
        self.tasks_by_cluster
            .remove(&(task.cluster.clone(), task.id));
        if let Some(at) = task.times.stopped_at.filter(|_| task.is_stopped()) {
            self.stopped.remove(&(at, task.id));
        } else {
            self.live_by_instance.remove(&(task.instance, task.id));
            self.fleet.give_back(
                &task.instance,
                &crate::local_host::demand_of(&task.reserved),
            );
        }
    }
}

//! The whole state of the control plane: tables, and what follows from them.
//!
//! Cloning is O(1), so the state from before a batch of operations is kept and put
//! back when its commit fails. Tables are changed through the methods here, which
//! keep the derived parts (indexes, the ledger of the hosts) in step.

mod tasks;

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use model::{ContainerInstanceId, TaskId, Timestamp};
use scheduler::Fleet;
use store::{Change, Changes, Rows, StoreError, Table};

use crate::record::account_setting::SettingKey;
use crate::record::{
    AccountSetting, CapacityProvider, Cluster, Definition, DefinitionKey, Family, Instance, Task,
    Token,
};

#[derive(Clone, Default)]
pub struct State {
    account_settings: Table<AccountSetting>,
    capacity_providers: Table<CapacityProvider>,
    clusters: Table<Cluster>,
    definitions: Table<Definition>,
    families: Table<Family>,
    instances: Table<Instance>,
    tasks: Table<Task>,
    tokens: Table<Token>,
    /// Derived: what each host has and what its tasks take.
    fleet: Fleet,
    /// Derived: tasks of each cluster, STOPPED ones included.
    by_cluster: OrdMap<String, OrdSet<TaskId>>,
    /// Derived: tasks of each cluster that are not STOPPED.
    live_by_cluster: OrdMap<String, OrdSet<TaskId>>,
    /// Derived: tasks of each host that are not STOPPED.
    live_by_instance: OrdSet<(ContainerInstanceId, TaskId)>,
    /// Derived: tasks of each cluster that wait for capacity, oldest first.
    waiting: OrdMap<String, OrdSet<(Timestamp, TaskId)>>,
    /// Whether a waiting task may find room that it did not find when it was last looked at.
    has_news: bool,
    /// Derived: stopped tasks, oldest first.
    stopped: OrdSet<(Timestamp, TaskId)>,
    /// Derived: how many remembered tasks stand or stood on a host.
    tasks_of_host: OrdMap<ContainerInstanceId, u32>,
    /// Derived: how many remembered tasks refer to a revision.
    uses: OrdMap<DefinitionKey, u32>,
    /// Derived: the token that each task was started with, if there was one.
    token_of: OrdMap<TaskId, Arc<Token>>,
}

/// How many changes each table had: see [`State::mark`].
#[derive(Debug, PartialEq, Eq)]
pub struct Mark([usize; TABLES]);

const TABLES: usize = 8;

impl State {
    /// Takes the tables out of the stored rows and derives the rest.
    pub fn load(rows: &mut Rows) -> Result<Self, StoreError> {
        let mut state = Self {
            account_settings: Table::load(rows)?,
            capacity_providers: Table::load(rows)?,
            clusters: Table::load(rows)?,
            definitions: Table::load(rows)?,
            families: Table::load(rows)?,
            instances: Table::load(rows)?,
            tasks: Table::load(rows)?,
            tokens: Table::load(rows)?,
            ..Self::default()
        };
        state.derive();
        Ok(state)
    }

    /// Fills the derived parts, which are empty.
    fn derive(&mut self) {
        self.has_news = true;
        for instance in self.instances.clone().iter() {
            self.fleet.register(crate::local_host::host_of(instance));
        }
        for task in self.tasks.clone().iter() {
            self.remember(task);
        }
        for token in self.tokens.clone().iter() {
            self.bind(token);
        }
    }

    /// All tables: one that is missing here is neither stored nor undone.
    fn tables(&mut self) -> [&mut dyn Changes; TABLES] {
        [
            &mut self.account_settings,
            &mut self.capacity_providers,
            &mut self.clusters,
            &mut self.definitions,
            &mut self.families,
            &mut self.instances,
            &mut self.tasks,
            &mut self.tokens,
        ]
    }

    /// Moves what changed since the last call into `batch`, in stored form.
    pub fn drain(&mut self, batch: &mut Vec<Change>) -> Result<(), StoreError> {
        let mut tables = self.tables().into_iter();
        tables.try_for_each(|table| table.drain(batch))
    }

    /// The point that [`State::undo`] leads back to.
    pub fn mark(&mut self) -> Mark {
        Mark(self.tables().map(|table| table.changes()))
    }

    /// Takes back what an operation that erred or panicked has changed since `mark`. Operations
    /// check before they change, so there is rarely anything to take back, and this need not be
    /// fast: the derived parts, which a panic may have left half-changed, are derived anew.
    pub fn undo(&mut self, mark: &Mark, panicked: bool) {
        if !panicked && self.mark() == *mark {
            return;
        }
        for (table, kept) in self.tables().into_iter().zip(mark.0) {
            table.undo(kept);
        }
        let whole = std::mem::take(self);
        *self = Self {
            account_settings: whole.account_settings,
            capacity_providers: whole.capacity_providers,
            clusters: whole.clusters,
            definitions: whole.definitions,
            families: whole.families,
            instances: whole.instances,
            tasks: whole.tasks,
            tokens: whole.tokens,
            ..Self::default()
        };
        self.derive();
    }

    pub fn account_settings(&self) -> &Table<AccountSetting> {
        &self.account_settings
    }

    pub fn capacity_providers(&self) -> &Table<CapacityProvider> {
        &self.capacity_providers
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

    /// The task, if it belongs to the cluster.
    pub fn task_in(&self, cluster: &str, id: TaskId) -> Option<&Arc<Task>> {
        self.tasks.get(&id).filter(|task| task.cluster == cluster)
    }

    /// Tasks of a cluster behind `after`, STOPPED ones included, in the order of their ids.
    pub fn tasks_of_cluster(
        &self,
        cluster: &str,
        after: Option<TaskId>,
    ) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks_in(&self.by_cluster, cluster, after)
    }

    /// The same without STOPPED ones.
    pub fn live_tasks_of_cluster(
        &self,
        cluster: &str,
        after: Option<TaskId>,
    ) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks_in(&self.live_by_cluster, cluster, after)
    }

    fn tasks_in<'a>(
        &'a self,
        sets: &'a OrdMap<String, OrdSet<TaskId>>,
        cluster: &str,
        after: Option<TaskId>,
    ) -> impl Iterator<Item = &'a Arc<Task>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = sets.get(cluster).into_iter();
        ids.flat_map(move |set| set.range((from, Bound::Unbounded)))
            .filter_map(|id| self.tasks.get(id))
    }

    /// Tasks of a host that are not STOPPED.
    pub fn live_tasks_of(&self, host: ContainerInstanceId) -> impl Iterator<Item = &Arc<Task>> {
        let all = (host, TaskId::from_bits(0))..=(host, TaskId::from_bits(u128::MAX));
        self.live_by_instance
            .range(all)
            .filter_map(|(_, id)| self.tasks.get(id))
    }

    /// Tasks of a cluster that wait for capacity, oldest first.
    pub fn waiting_tasks_of(&self, cluster: &str) -> impl Iterator<Item = &Arc<Task>> {
        let waiting = self.waiting.get(cluster).into_iter().flatten();
        waiting.filter_map(|(_, id)| self.tasks.get(id))
    }

    pub fn waiting_count(&self, cluster: &str) -> usize {
        self.waiting.get(cluster).map_or(0, OrdSet::len)
    }

    /// The clusters that have such tasks.
    pub fn clusters_that_wait(&self) -> impl Iterator<Item = &String> {
        self.waiting.keys()
    }

    /// Is there a reason to look at the waiting tasks?
    pub fn has_news(&self) -> bool {
        self.has_news && !self.waiting.is_empty()
    }

    /// Lets the waiting tasks be looked at, though no room has come.
    pub(crate) fn make_news(&mut self) {
        self.has_news = true;
    }

    /// As `has_news`; from this call on only what happens next is news.
    pub(crate) fn take_news(&mut self) -> bool {
        let has_news = self.has_news();
        self.has_news = false;
        has_news
    }

    /// Stopped tasks, oldest first.
    pub fn stopped_tasks(&self) -> impl Iterator<Item = (Timestamp, TaskId)> + '_ {
        self.stopped.iter().copied()
    }

    /// The token of the call that started the task.
    pub(crate) fn token_of(&self, id: TaskId) -> Option<&Token> {
        self.token_of.get(&id).map(|token| &**token)
    }

    pub fn put_account_setting(&mut self, setting: AccountSetting) -> Arc<AccountSetting> {
        self.account_settings.put(setting)
    }

    pub fn remove_account_setting(&mut self, key: &SettingKey) {
        self.account_settings.remove(key);
    }

    pub fn put_capacity_provider(&mut self, provider: CapacityProvider) -> Arc<CapacityProvider> {
        self.has_news = true;
        self.capacity_providers.put(provider)
    }

    pub fn remove_capacity_provider(&mut self, name: &String) {
        self.capacity_providers.remove(name);
    }

    pub fn put_cluster(&mut self, cluster: Cluster) -> Arc<Cluster> {
        self.clusters.put(cluster)
    }

    pub fn remove_cluster(&mut self, name: &String) {
        self.clusters.remove(name);
    }

    pub fn put_definition(&mut self, definition: Definition) -> Arc<Definition> {
        self.definitions.put(definition)
    }

    pub fn remove_definition(&mut self, key: &DefinitionKey) {
        self.definitions.remove(key);
    }

    pub fn put_family(&mut self, family: Family) {
        self.families.put(family);
    }

    /// Does a remembered task refer to this revision?
    pub fn is_used(&self, key: &DefinitionKey) -> bool {
        self.uses.contains_key(key)
    }

    /// Does or did a remembered task stand on this host?
    pub fn is_host(&self, id: ContainerInstanceId) -> bool {
        self.tasks_of_host.contains_key(&id)
    }

    /// Remembers a token until the last of its tasks is forgotten.
    pub fn put_token(&mut self, token: Token) {
        let token = self.tokens.put(token);
        self.bind(&token);
    }

    pub fn put_instance(&mut self, instance: Instance) -> Arc<Instance> {
        self.has_news = true;
        self.fleet.register(crate::local_host::host_of(&instance));
        self.instances.put(instance)
    }

    /// Forgets an instance, which has no task that is not STOPPED.
    pub fn remove_instance(&mut self, id: &ContainerInstanceId) {
        self.instances.remove(id);
        self.fleet.remove(id);
    }
}

#[cfg(test)]
mod tests;

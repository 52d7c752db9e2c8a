//! The ledger of all hosts: what they registered, what is taken.
//! Persistent maps: a clone is O(1), so a placement can try on a copy. Every change goes
//! through here and takes the index along.

use std::sync::Arc;

use imbl::OrdMap;
use model::ContainerInstanceId;

use crate::account::{Account, Free};
use crate::groups::{GroupNumber, Groups};
use crate::index::Index;
use crate::{Demand, Host};

#[derive(Clone, Debug, Default)]
pub struct Fleet {
    accounts: OrdMap<ContainerInstanceId, Arc<Account>>,
    index: Index,
    groups: Groups,
}

impl Fleet {
    /// Adds a host, or replaces what it registered; what its tasks hold stays taken.
    pub fn register(&mut self, host: Host) {
        let mut host = Arc::new(host);
        if let Some(shared) = self.index.attributes_like(&host).cloned() {
            Arc::make_mut(&mut host).attributes = shared;
        }
        let id = host.id;
        let mut account = match self.accounts.remove(&id) {
            Some(account) => {
                self.index.leave(&account);
                Arc::unwrap_or_clone(account)
            }
            None => Account::new(Arc::clone(&host)),
        };
        account.register(host);
        account.class = self.index.enter(&account);
        self.accounts.insert(id, Arc::new(account));
    }

    /// Forgets a host and what its tasks hold: it was deregistered.
    pub fn remove(&mut self, id: &ContainerInstanceId) {
        if let Some(account) = self.accounts.remove(id) {
            self.index.leave(&account);
            for tasks in account.tasks() {
                self.groups.release(&tasks.name);
            }
        }
    }

    pub fn host(&self, id: &ContainerInstanceId) -> Option<&Host> {
        Some(&self.accounts.get(id)?.host)
    }

    /// All hosts, in the order of their ids.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.accounts.values().map(|account| &*account.host)
    }

    /// What the host has left; `None` for an unknown host.
    pub fn free(&self, id: &ContainerInstanceId) -> Option<Free> {
        Some(self.accounts.get(id)?.free())
    }

    /// Enters a task of `group`. `gpus` are the ids that the placement chose, or that the task
    /// holds already. Nothing is checked: the caller has placed the task. An unknown host is
    /// ignored.
    pub fn take(
        &mut self,
        id: &ContainerInstanceId,
        demand: &Demand,
        gpus: &[String],
        group: &str,
    ) {
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        let account = Arc::make_mut(account);
        let before = account.entry();
        let Some(class) = self.index.class_mut(account.class) else {
            return;
        };
        account.take(demand, gpus);
        let (group, tasks) = account.count_one_more(group, &mut self.groups);
        class.change(&before, account.entry());
        class.count(group, *id, tasks - 1, tasks);
    }

    /// The reverse of [`Fleet::take`] with the same arguments. What a host does not hold is
    /// not given back.
    pub fn give_back(
        &mut self,
        id: &ContainerInstanceId,
        demand: &Demand,
        gpus: &[String],
        group: &str,
    ) {
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        let account = Arc::make_mut(account);
        let before = account.entry();
        let Some((group, tasks)) = account.count_one_less(group, &mut self.groups) else {
            return;
        };
        account.give_back(demand, gpus);
        if let Some(class) = self.index.class_mut(account.class) {
            class.change(&before, account.entry());
            class.count(group, *id, tasks + 1, tasks);
        }
    }

    /// How many tasks run on the host (`runningTasksCount`); only expressions ask for it.
    pub fn set_running(&mut self, id: &ContainerInstanceId, count: u32) {
        if let Some(account) = self.accounts.get_mut(id) {
            Arc::make_mut(account).running_tasks = count;
        }
    }

    pub fn running(&self, id: &ContainerInstanceId) -> u32 {
        self.accounts
            .get(id)
            .map_or(0, |account| account.running_tasks)
    }

    pub(crate) fn account(&self, id: &ContainerInstanceId) -> Option<&Account> {
        self.accounts.get(id).map(|account| &**account)
    }

    pub(crate) fn group(&self, name: &str) -> Option<GroupNumber> {
        self.groups.number(name)
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// In the order of ids.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().map(|account| &**account)
    }
}

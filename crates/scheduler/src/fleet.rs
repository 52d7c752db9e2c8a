//! The ledger of all hosts: what they registered, what is taken.
//! Persistent maps: a clone is O(1), so a placement can try on a copy.

use std::sync::Arc;

use imbl::OrdMap;
use model::ContainerInstanceId;

use crate::account::{Account, Free};
use crate::{Demand, Host};

#[derive(Clone, Debug, Default)]
pub struct Fleet {
    accounts: OrdMap<ContainerInstanceId, Arc<Account>>,
}

impl Fleet {
    /// Adds a host, or replaces what it registered; what its tasks hold stays taken.
    pub fn register(&mut self, host: Host) {
        let host = Arc::new(host);
        match self.accounts.get_mut(&host.id) {
            Some(account) => Arc::make_mut(account).host = host,
            None => {
                let account = Account::new(Arc::clone(&host));
                self.accounts.insert(host.id, Arc::new(account));
            }
        }
    }

    /// Forgets a host and what its tasks hold: it was deregistered.
    pub fn remove(&mut self, id: &ContainerInstanceId) {
        self.accounts.remove(id);
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
        if let Some(account) = self.accounts.get_mut(id) {
            Arc::make_mut(account).take(demand, gpus, group);
        }
    }

    /// The reverse of [`Fleet::take`] with the same arguments.
    pub fn give_back(
        &mut self,
        id: &ContainerInstanceId,
        demand: &Demand,
        gpus: &[String],
        group: &str,
    ) {
        if let Some(account) = self.accounts.get_mut(id) {
            Arc::make_mut(account).give_back(demand, gpus, group);
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

    /// In the order of ids.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().map(|account| &**account)
    }
}

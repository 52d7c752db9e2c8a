//! What makes a placement cheap: hosts in classes, kept up to date with each change.
//!
//! Hosts of a class have the same cluster, attributes, agent's connection and so on, so
//! whatever depends on these is decided once for all of them. Inside a class they stand
//! on two [`Shelf`]s, by CPU and by memory, and the tasks of each group are counted.
//! A fleet in which every host has an attribute value of its own has a class per host
//! and gains nothing; fleets have dozens of kinds of hosts.

use std::cmp::Ordering;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use model::ContainerInstanceId;

use crate::account::Account;
use crate::groups::GroupNumber;
use crate::host::ZONE;
use crate::leaf::Entry;
use crate::rank::bucket;
use crate::request::{BinpackBy, Pool};
use crate::shelf::Shelf;
use crate::{Attributes, Host};

pub(crate) type ClassNumber = u32;

#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    classes: OrdMap<ClassNumber, Class>,
    numbers: OrdMap<Alike, ClassNumber>,
    /// In the order of [`Alike`], so that the numbers' history decides nothing.
    of_cluster: OrdMap<String, Vec<ClassNumber>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// One of the hosts, for what all have in common.
    alike: Alike,
    /// Its hosts' bucket when tasks are spread by zone, as most are.
    zone: Option<Box<str>>,
    by_cpu: Shelf,
    by_memory: Shelf,
    groups: OrdMap<GroupNumber, Share>,
}

/// What a class runs of one group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Share {
    pub(crate) tasks: u32,
    /// The hosts with such tasks, those with the fewest first.
    pub(crate) hosts: OrdSet<(u32, ContainerInstanceId)>,
}

/// Equal for hosts of one class.
#[derive(Clone, Debug)]
struct Alike(Arc<Host>);

impl Ord for Alike {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, other) = (&self.0, &other.0);
        let facts = |host: &Host| {
            (
                host.active,
                host.agent_connected,
                host.external,
                host.fargate,
            )
        };
        let attributes = || match Arc::ptr_eq(&one.attributes, &other.attributes) {
            true => Ordering::Equal,
            false => one.attributes.cmp(&other.attributes),
        };
        let cluster = one.cluster.cmp(&other.cluster);
        cluster
            .then_with(|| facts(one).cmp(&facts(other)))
            .then_with(|| one.capacity_provider.cmp(&other.capacity_provider))
            .then_with(attributes)
    }
}

impl PartialOrd for Alike {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Alike {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Alike {}

impl Class {
    fn new(alike: Alike) -> Self {
        Self {
            zone: bucket(&alike.0, ZONE).map(Into::into),
            alike,
            by_cpu: Shelf::new(BinpackBy::Cpu),
            by_memory: Shelf::new(BinpackBy::Memory),
            groups: OrdMap::new(),
        }
    }

    pub(crate) fn alike(&self) -> &Host {
        &self.alike.0
    }

    /// Where a spread by this attribute counts its hosts.
    pub(crate) fn bucket(&self, attribute: &str) -> Option<&str> {
        match attribute {
            ZONE => self.zone.as_deref(),
            _ => bucket(self.alike(), attribute),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_cpu.len()
    }

    pub(crate) fn shelf(&self, by: BinpackBy) -> &Shelf {
        match by {
            BinpackBy::Cpu => &self.by_cpu,
            BinpackBy::Memory => &self.by_memory,
        }
    }

    pub(crate) fn share(&self, group: GroupNumber) -> Option<&Share> {
        self.groups.get(&group)
    }

    /// What a host has left was `before` and is `after`.
    pub(crate) fn change(&mut self, before: &Entry, after: Entry) {
        if *before == after {
            return;
        }
        for shelf in [&mut self.by_cpu, &mut self.by_memory] {
            shelf.remove(before);
            shelf.insert(after);
        }
    }

    /// A host's tasks of a group were `before` and are `after`.
    pub(crate) fn count(
        &mut self,
        group: GroupNumber,
        id: ContainerInstanceId,
        before: u32,
        after: u32,
    ) {
        let share = self.groups.entry(group).or_default();
        share.tasks = share.tasks + after - before;
        if before > 0 {
            share.hosts.remove(&(before, id));
        }
        if after > 0 {
            share.hosts.insert((after, id));
        }
        if share.tasks == 0 {
            self.groups.remove(&group);
        }
    }
}

impl Index {
    /// The attributes of hosts that would be in the same class as `host`, to share them.
    pub(crate) fn attributes_like(&self, host: &Arc<Host>) -> Option<&Arc<Attributes>> {
        let (known, _) = self.numbers.get_key_value(&Alike(Arc::clone(host)))?;
        Some(&known.0.attributes)
    }

    /// Adds a host with what it holds, and says which class it is in.
    pub(crate) fn enter(&mut self, account: &Account) -> ClassNumber {
        let number = self.number(&account.host);
        if let Some(class) = self.classes.get_mut(&number) {
            let entry = account.entry();
            class.by_cpu.insert(entry);
            class.by_memory.insert(entry);
            for tasks in account.tasks() {
                class.count(tasks.group, entry.id, 0, tasks.count);
            }
        }
        number
    }

    /// The reverse of [`Index::enter`].
    pub(crate) fn leave(&mut self, account: &Account) {
        let Some(class) = self.classes.get_mut(&account.class) else {
            return;
        };
        let entry = account.entry();
        class.by_cpu.remove(&entry);
        class.by_memory.remove(&entry);
        for tasks in account.tasks() {
            class.count(tasks.group, entry.id, tasks.count, 0);
        }
        if class.len() == 0 {
            self.forget(account.class);
        }
    }

    fn number(&mut self, host: &Arc<Host>) -> ClassNumber {
        let alike = Alike(Arc::clone(host));
        if let Some(number) = self.numbers.get(&alike) {
            return *number;
        }
        let number = self.classes.get_max().map_or(0, |(last, _)| last + 1);
        self.classes.insert(number, Class::new(alike.clone()));
        self.numbers.insert(alike.clone(), number);
        let numbers = &self.numbers;
        let before = |one: &ClassNumber| {
            let class = self.classes.get(one);
            class.is_some_and(|class| class.alike < alike)
        };
        debug_assert_eq!(numbers.len(), self.classes.len());
        let mut of_cluster = self
            .of_cluster
            .get(&host.cluster)
            .cloned()
            .unwrap_or_default();
        let at = of_cluster.partition_point(before);
        of_cluster.insert(at, number);
        self.of_cluster.insert(host.cluster.clone(), of_cluster);
        number
    }

    fn forget(&mut self, number: ClassNumber) {
        let Some(class) = self.classes.remove(&number) else {
            return;
        };
        self.numbers.remove(&class.alike);
        let cluster = &class.alike().cluster;
        if let Some(of_cluster) = self.of_cluster.get_mut(cluster) {
            of_cluster.retain(|one| *one != number);
            if of_cluster.is_empty() {
                self.of_cluster.remove(cluster);
            }
        }
    }

    pub(crate) fn class_mut(&mut self, number: ClassNumber) -> Option<&mut Class> {
        self.classes.get_mut(&number)
    }

    /// Classes that `pool` may hold, or whose tasks it counts; the caller asks which.
    pub(crate) fn classes_near(&self, pool: Pool<'_>) -> impl Iterator<Item = &Class> {
        let (of_cluster, all) = match pool {
            Pool::Ec2 { cluster } | Pool::External { cluster } | Pool::Provider { cluster, .. } => {
                (self.of_cluster.get(cluster), None)
            }
            Pool::Fargate => (None, Some(self.numbers.values())),
        };
        let numbers = of_cluster.into_iter().flatten();
        let numbers = numbers.chain(all.into_iter().flatten());
        numbers.filter_map(|number| self.classes.get(number))
    }
}

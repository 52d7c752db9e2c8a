//! One host's account: what it registered, what its tasks hold, what is left.

use std::sync::Arc;

use imbl::OrdSet;
use model::ContainerInstanceId;

use crate::groups::{GroupNumber, Groups};
use crate::index::ClassNumber;
use crate::leaf::Entry;
use crate::room::{Amount, Room};
use crate::{Demand, Host};

/// Sums are wide, so that a host registered smaller than before (after a restart on other
/// hardware) shows nothing free instead of overflowing.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    id: ContainerInstanceId,
    /// Changed through [`Account::register`] only.
    pub(crate) host: Arc<Host>,
    /// What the host registered, once more and nearer.
    size: Room,
    /// The class of the index that it is in.
    pub(crate) class: ClassNumber,
    cpu_units: u64,
    memory_mib: u64,
    network_interfaces: u64,
    /// In order; a port stands here as often as it was taken.
    tcp_ports: Vec<u16>,
    udp_ports: Vec<u16>,
    gpus: Vec<String>,
    /// In the order of their numbers.
    groups: Vec<Tasks>,
    /// As the control plane counts them; expressions ask for it.
    pub(crate) running_tasks: u32,
}

/// How many tasks of one group the host has.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    pub(crate) group: GroupNumber,
    pub(crate) name: Arc<str>,
    pub(crate) count: u32,
}

/// What a host has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    pub cpu_units: u32,
    pub memory_mib: u32,
    /// Ports in use: those registered as reserved and those of tasks.
    pub tcp_ports_in_use: OrdSet<u16>,
    pub udp_ports_in_use: OrdSet<u16>,
    /// Ids of devices that tasks hold.
    pub gpus_in_use: Vec<String>,
    /// Ids of devices that no task holds.
    pub gpus: Vec<String>,
    /// `None`: no limit.
    pub network_interfaces: Option<u32>,
}

impl Account {
    pub(crate) fn new(host: Arc<Host>) -> Self {
        Self {
            id: host.id,
            size: size(&host),
            host,
            class: 0,
            cpu_units: 0,
            memory_mib: 0,
            network_interfaces: 0,
            tcp_ports: Vec::new(),
            udp_ports: Vec::new(),
            gpus: Vec::new(),
            groups: Vec::new(),
            running_tasks: 0,
        }
    }

    pub(crate) fn register(&mut self, host: Arc<Host>) {
        self.size = size(&host);
        self.host = host;
    }

    pub(crate) fn free(&self) -> Free {
        let in_use =
            |reserved: &OrdSet<u16>, taken: &[u16]| reserved.iter().chain(taken).copied().collect();
        Free {
            cpu_units: self.cpu_free(),
            memory_mib: self.memory_free(),
            tcp_ports_in_use: in_use(&self.host.reserved_tcp_ports, &self.tcp_ports),
            udp_ports_in_use: in_use(&self.host.reserved_udp_ports, &self.udp_ports),
            gpus_in_use: self.gpus.clone(),
            gpus: self.free_gpus().cloned().collect(),
            network_interfaces: self.interfaces_free(),
        }
    }

    /// As the index has it: amounts without limit are the greatest there are.
    pub(crate) fn entry(&self) -> Entry {
        let gpus = match self.size.of(Amount::Gpus) {
            0 => 0,
            _ => self.free_gpus().count() as u32,
        };
        let interfaces = match self.size.of(Amount::NetworkInterfaces) {
            u32::MAX => u32::MAX,
            slots => left(slots, self.network_interfaces),
        };
        Entry {
            room: Room::new(self.cpu_free(), self.memory_free(), gpus, interfaces),
            id: self.id,
        }
    }

    pub(crate) fn cpu_free(&self) -> u32 {
        left(self.size.of(Amount::Cpu), self.cpu_units)
    }

    pub(crate) fn memory_free(&self) -> u32 {
        left(self.size.of(Amount::Memory), self.memory_mib)
    }

    pub(crate) fn free_gpus(&self) -> impl Iterator<Item = &String> {
        let all = self.host.gpus.iter();
        all.filter(|gpu| !self.gpus.contains(gpu))
    }

    /// `None`: no limit.
    pub(crate) fn interfaces_free(&self) -> Option<u32> {
        let slots = self.host.network_interfaces?;
        Some(left(slots, self.network_interfaces))
    }

    pub(crate) fn uses_tcp(&self, port: u16) -> bool {
        self.host.reserved_tcp_ports.contains(&port) || self.tcp_ports.binary_search(&port).is_ok()
    }

    pub(crate) fn uses_udp(&self, port: u16) -> bool {
        self.host.reserved_udp_ports.contains(&port) || self.udp_ports.binary_search(&port).is_ok()
    }

    /// How many ports of each protocol are in use, reserved ones included.
    pub(crate) fn ports_in_use(&self) -> (usize, usize) {
        (
            self.host.reserved_tcp_ports.len() + self.tcp_ports.len(),
            self.host.reserved_udp_ports.len() + self.udp_ports.len(),
        )
    }

    /// The names of the groups, with the number of tasks.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&Arc<str>, u32)> {
        self.groups.iter().map(|tasks| (&tasks.name, tasks.count))
    }

    pub(crate) fn tasks(&self) -> &[Tasks] {
        &self.groups
    }

    pub(crate) fn tasks_of(&self, group: &str) -> u32 {
        let tasks = self.groups.iter().find(|tasks| *tasks.name == *group);
        tasks.map_or(0, |tasks| tasks.count)
    }

    pub(crate) fn tasks_of_number(&self, group: GroupNumber) -> u32 {
        self.find(group).map_or(0, |at| self.groups[at].count)
    }

    /// Enters what a task takes.
    pub(crate) fn take(&mut self, demand: &Demand, gpus: &[String]) {
        self.cpu_units += u64::from(demand.cpu_units);
        self.memory_mib += u64::from(demand.memory_mib);
        self.network_interfaces += u64::from(demand.network_interfaces);
        add_ports(&mut self.tcp_ports, &demand.tcp_ports);
        add_ports(&mut self.udp_ports, &demand.udp_ports);
        self.gpus.extend_from_slice(gpus);
    }

    /// Counts one more task of the group; its number and how many they are now.
    pub(crate) fn count_one_more(&mut self, name: &str, groups: &mut Groups) -> (GroupNumber, u32) {
        let known = groups.number(name);
        if let Some(Ok(at)) = known.map(|number| self.find(number)) {
            let tasks = &mut self.groups[at];
            tasks.count += 1;
            return (tasks.group, tasks.count);
        }
        let (group, name) = groups.hold(name);
        let at = self.groups.partition_point(|tasks| tasks.group < group);
        let count = 1;
        self.groups.insert(at, Tasks { group, name, count });
        (group, count)
    }

    /// Counts one task less; `None` if there was none.
    pub(crate) fn count_one_less(
        &mut self,
        name: &str,
        groups: &mut Groups,
    ) -> Option<(GroupNumber, u32)> {
        let group = groups.number(name)?;
        let at = self.find(group).ok()?;
        self.groups[at].count -= 1;
        let left = self.groups[at].count;
        if left == 0 {
            self.groups.remove(at);
            groups.release(name);
        }
        Some((group, left))
    }

    /// The reverse of [`Account::take`].
    pub(crate) fn give_back(&mut self, demand: &Demand, gpus: &[String]) {
        let less = |held: u64, given: u32| held.saturating_sub(u64::from(given));
        self.cpu_units = less(self.cpu_units, demand.cpu_units);
        self.memory_mib = less(self.memory_mib, demand.memory_mib);
        self.network_interfaces = less(self.network_interfaces, demand.network_interfaces);
        remove_ports(&mut self.tcp_ports, &demand.tcp_ports);
        remove_ports(&mut self.udp_ports, &demand.udp_ports);
        self.gpus.retain(|gpu| !gpus.contains(gpu));
    }

    fn find(&self, group: GroupNumber) -> Result<usize, usize> {
        self.groups
            .binary_search_by_key(&group, |tasks| tasks.group)
    }
}

/// Amounts without limit are the greatest there are.
fn size(host: &Host) -> Room {
    let gpus = u32::try_from(host.gpus.len()).unwrap_or(u32::MAX);
    let slots = host.network_interfaces.unwrap_or(u32::MAX);
    Room::new(host.cpu_units, host.memory_mib, gpus, slots)
}

fn left(registered: u32, taken: u64) -> u32 {
    // The difference is at most `registered`, so it fits.
    u64::from(registered).saturating_sub(taken) as u32
}

fn add_ports(held: &mut Vec<u16>, more: &[u16]) {
    held.extend_from_slice(more);
    held.sort_unstable();
}

fn remove_ports(held: &mut Vec<u16>, given: &[u16]) {
    for port in given {
        if let Ok(at) = held.binary_search(port) {
            held.remove(at);
        }
    }
}

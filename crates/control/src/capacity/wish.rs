//! How many instances a capacity provider wants (`placement.md` §7.4): whoever adds and removes
//! hosts is told a number, nothing here adds any.

use std::collections::BTreeSet;

use model::capacity::{Wish, Wishes, WishesInput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::record::capacity_provider::ManagedScaling;
use crate::record::instance::{Instance, InstanceStatus};
use crate::record::task::Reserved;
use crate::record::{CapacityProvider, Cluster};
use crate::state::State;
use crate::view::cluster::is_active;

/// The wishes of all providers with managed scaling, for each cluster that may use them.
pub(crate) fn list(cx: &ReadCx<'_>, _: WishesInput) -> Result<Wishes, OpError> {
    Ok(Wishes {
        capacity_providers: wishes(cx.state),
    })
}

/// The same without a caller.
pub fn wishes(state: &State) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for cluster in state.clusters().iter().filter(|cluster| is_active(cluster)) {
        for name in &cluster.capacity_providers {
            let provider = state.capacity_providers().get(name);
            if let Some(provider) = provider.filter(|one| one.is_active() && one.scaling.enabled) {
                wishes.push(wish(state, cluster, provider));
            }
        }
    }
    wishes
}

fn wish(state: &State, cluster: &Cluster, provider: &CapacityProvider) -> Wish {
    let is_mine = |instance: &&Instance| {
        instance.cluster == cluster.name
            && instance.capacity_provider.as_ref() == Some(&provider.name)
            && instance.status != InstanceStatus::Inactive
    };
    let instances: Vec<&Instance> = state
        .instances()
        .iter()
        .map(|one| &**one)
        .filter(is_mine)
        .collect();
    let busy = instances
        .iter()
        .filter(|one| state.live_tasks_of(one.id).next().is_some());
    let waiting = state.waiting_tasks_of(&cluster.name);
    let waiting = waiting.filter(|task| task.provider.as_ref() == Some(&provider.name));
    let waiting: Vec<&Reserved> = waiting.map(|task| &task.reserved).collect();
    let present = number(instances.len());
    let smallest = instances
        .iter()
        .map(|one| Room::of(one))
        .min_by_key(Room::size);
    let needed = number(busy.count()).saturating_add(match smallest {
        Some(smallest) => bins(&waiting, &smallest),
        // Nobody knows yet how large an instance of the provider is.
        None => u32::from(!waiting.is_empty()),
    });
    Wish {
        cluster: cluster.name.clone(),
        capacity_provider: provider.name.clone(),
        auto_scaling_group: provider.group.clone(),
        instances: present,
        waiting_tasks: number(waiting.len()),
        reservation: reservation(needed, present),
        wanted_instances: wanted(needed, present, &provider.scaling),
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// `CapacityProviderReservation`, in percent: how many instances are needed for each one there is.
fn reservation(needed: u32, present: u32) -> u32 {
    match (needed, present) {
        (0, 0) => 100,
        (_, 0) => 200,
        (needed, present) => {
            let percent = u64::from(needed) * 100 / u64::from(present);
            u32::try_from(percent).unwrap_or(u32::MAX)
        }
    }
}

/// The number of instances at which the needed ones are the target percentage of all. A step out
/// is neither smaller nor larger than the provider allows; a step in is as large as it is.
fn wanted(needed: u32, present: u32, scaling: &ManagedScaling) -> u32 {
    let all = (u64::from(needed) * 100).div_ceil(u64::from(scaling.target_percent.max(1)));
    let all = u32::try_from(all).unwrap_or(u32::MAX);
    if all <= present {
        return all;
    }
    let step_max = scaling.step_max.max(scaling.step_min);
    let step = (all - present).clamp(scaling.step_min, step_max);
    present.saturating_add(step)
}

/// What an empty instance has, or what is left of one.
#[derive(Clone, Debug)]
struct Room {
    cpu_units: u32,
    memory_mib: u32,
    /// `None` for no limit.
    network_interfaces: Option<u32>,
    gpus: usize,
    tcp_ports: BTreeSet<u16>,
    udp_ports: BTreeSet<u16>,
}

impl Room {
    fn of(instance: &Instance) -> Self {
        Self {
            cpu_units: instance.cpu_units,
            memory_mib: instance.memory_mib,
            network_interfaces: instance.network_interfaces,
            gpus: instance.gpus.len(),
            tcp_ports: instance.reserved_tcp_ports.iter().copied().collect(),
            udp_ports: instance.reserved_udp_ports.iter().copied().collect(),
        }
    }

    fn size(&self) -> (u32, u32) {
        (self.cpu_units, self.memory_mib)
    }

    fn holds(&self, task: &Reserved) -> bool {
        self.cpu_units >= task.cpu_units
            && self.memory_mib >= task.memory_mib
            && self
                .network_interfaces
                .is_none_or(|free| free >= task.network_interfaces)
            && self.gpus >= task.gpu_count as usize
            && task
                .tcp_ports
                .iter()
                .all(|port| !self.tcp_ports.contains(port))
            && task
                .udp_ports
                .iter()
                .all(|port| !self.udp_ports.contains(port))
    }

    fn take(&mut self, task: &Reserved) {
        self.cpu_units -= task.cpu_units;
        self.memory_mib -= task.memory_mib;
        if let Some(free) = &mut self.network_interfaces {
            *free -= task.network_interfaces;
        }
        self.gpus -= task.gpu_count as usize;
        self.tcp_ports.extend(&task.tcp_ports);
        self.udp_ports.extend(&task.udp_ports);
    }
}

/// How many empty instances the tasks fill, the largest first. A task that is too large for one
/// asks for none: no instance would help it.
fn bins(tasks: &[&Reserved], empty: &Room) -> u32 {
    let mut tasks: Vec<&Reserved> = tasks
        .iter()
        .copied()
        .filter(|task| empty.holds(task))
        .collect();
    tasks.sort_by_key(|task| std::cmp::Reverse((task.memory_mib, task.cpu_units)));
    let mut bins: Vec<Room> = Vec::new();
    for task in tasks {
        match bins.iter_mut().find(|bin| bin.holds(task)) {
            Some(bin) => bin.take(task),
            None => {
                let mut bin = empty.clone();
                bin.take(task);
                bins.push(bin);
            }
        }
    }
    number(bins.len())
}

#[cfg(test)]
mod tests;

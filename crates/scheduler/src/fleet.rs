//! The ledger of all hosts: what they registered, what is taken.
//! Persistent maps: a clone is O(1), so a placement can try on a copy.

use std::collections::BTreeMap;

use imbl::{OrdMap, OrdSet};
use model::ContainerInstanceId;

use crate::Demand;

#[derive(Clone, Debug, Default)]
pub struct Fleet {
    hosts: OrdMap<ContainerInstanceId, Host>,
    taken: OrdMap<ContainerInstanceId, Taken>,
}

/// What a host registered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub id: ContainerInstanceId,
    pub cluster: String,
    /// ACTIVE: may be given tasks.
    pub active: bool,
    pub agent_connected: bool,
    /// Registered with the attribute `ecs.capability.external`.
    pub external: bool,
    /// FARGATE tasks of every cluster may take from it.
    pub fargate: bool,
    pub cpu_units: u32,
    pub memory_mib: u32,
    pub reserved_tcp_ports: OrdSet<u16>,
    pub reserved_udp_ports: OrdSet<u16>,
    pub attributes: BTreeMap<String, Option<String>>,
}

/// What tasks hold of a host. Sums are wide, so that a host registered smaller than before
/// (after a restart on other hardware) shows nothing free instead of overflowing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Taken {
    cpu_units: u64,
    memory_mib: u64,
    tcp_ports: OrdSet<u16>,
    udp_ports: OrdSet<u16>,
    tasks: u32,
}

/// What a host has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    pub cpu_units: u32,
    pub memory_mib: u32,
    /// Ports in use: those registered as reserved and those of tasks.
    pub tcp_ports_in_use: OrdSet<u16>,
    pub udp_ports_in_use: OrdSet<u16>,
}

impl Fleet {
    /// Adds a host, or replaces what it registered; what its tasks hold stays taken.
    pub fn register(&mut self, host: Host) {
        self.hosts.insert(host.id, host);
    }

    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values()
    }

    /// What the host has left; `None` for an unknown host.
    pub fn free(&self, id: &ContainerInstanceId) -> Option<Free> {
        let host = self.hosts.get(id)?;
        let nothing = Taken::default();
        let taken = self.taken.get(id).unwrap_or(&nothing);
        Some(Free {
            cpu_units: left(host.cpu_units, taken.cpu_units),
            memory_mib: left(host.memory_mib, taken.memory_mib),
            tcp_ports_in_use: host
                .reserved_tcp_ports
                .clone()
                .union(taken.tcp_ports.clone()),
            udp_ports_in_use: host
                .reserved_udp_ports
                .clone()
                .union(taken.udp_ports.clone()),
        })
    }

    pub fn take(&mut self, id: &ContainerInstanceId, demand: &Demand) {
        let taken = self.taken.entry(*id).or_default();
        taken.cpu_units += u64::from(demand.cpu_units);
        taken.memory_mib += u64::from(demand.memory_mib);
        taken.tcp_ports.extend(demand.tcp_ports.iter().copied());
        taken.udp_ports.extend(demand.udp_ports.iter().copied());
        taken.tasks += 1;
    }

    /// The reverse of [`Fleet::take`] with the same demand.
    pub fn give_back(&mut self, id: &ContainerInstanceId, demand: &Demand) {
        let Some(taken) = self.taken.get_mut(id) else {
            return;
        };
        taken.cpu_units = taken.cpu_units.saturating_sub(u64::from(demand.cpu_units));
        taken.memory_mib = taken
            .memory_mib
            .saturating_sub(u64::from(demand.memory_mib));
        for port in &demand.tcp_ports {
            taken.tcp_ports.remove(port);
        }
        for port in &demand.udp_ports {
            taken.udp_ports.remove(port);
        }
        taken.tasks = taken.tasks.saturating_sub(1);
        if taken.tasks == 0 {
            self.taken.remove(id);
        }
    }

    /// Amounts without the port sets, for checks that do not look at ports.
    pub(crate) fn free_amounts(&self, host: &Host) -> (u32, u32) {
        self.taken
            .get(&host.id)
            .map_or((host.cpu_units, host.memory_mib), |taken| {
                (
                    left(host.cpu_units, taken.cpu_units),
                    left(host.memory_mib, taken.memory_mib),
                )
            })
    }

    pub(crate) fn ports_fit(&self, host: &Host, demand: &Demand, ports_max: usize) -> bool {
        let nothing = Taken::default();
        let taken = self.taken.get(&host.id).unwrap_or(&nothing);
        fits(
            &host.reserved_tcp_ports,
            &taken.tcp_ports,
            &demand.tcp_ports,
            ports_max,
        ) && fits(
            &host.reserved_udp_ports,
            &taken.udp_ports,
            &demand.udp_ports,
            ports_max,
        )
    }
}

fn left(registered: u32, taken: u64) -> u32 {
    // The difference is at most `registered`, so it fits.
    u64::from(registered).saturating_sub(taken) as u32
}

fn fits(reserved: &OrdSet<u16>, taken: &OrdSet<u16>, wanted: &[u16], ports_max: usize) -> bool {
    wanted.is_empty()
        || (wanted
            .iter()
            .all(|port| !reserved.contains(port) && !taken.contains(port))
            && reserved.len() + taken.len() + wanted.len() <= ports_max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::place::tests::host;

    proptest! {
        /// Law: giving back what was taken, in any order, leaves the ledger as it was.
        #[test]
        fn giving_back_undoes_taking(
            amounts in proptest::collection::vec((0u32..500, 0u32..500, 1u16..100), 1..20),
            order in any::<proptest::sample::Index>(),
        ) {
            let mut fleet = Fleet::default();
            let host = host(1, 4096, 4096);
            let id = host.id;
            fleet.register(host);
            let before = fleet.free(&id);
            let mut demands: Vec<Demand> = amounts
                .iter()
                .enumerate()
                .map(|(i, (cpu, memory, port))| Demand {
                    cpu_units: *cpu,
                    memory_mib: *memory,
                    tcp_ports: vec![port * 100 + i as u16],
                    udp_ports: vec![],
                })
                .collect();
            for demand in &demands {
                fleet.take(&id, demand);
            }
            let turn = order.index(demands.len());
            demands.rotate_left(turn);
            for demand in &demands {
                fleet.give_back(&id, demand);
            }
            prop_assert_eq!(fleet.free(&id), before);
        }
    }
}

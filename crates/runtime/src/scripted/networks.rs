//! Addresses and ports that no socket stands behind, but that are never given twice.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use model::TaskId;
use model::container::{Failure, FailureName};
use model::payload::{
    ContainerNetwork, NetworkMode, NetworkSpec, NetworkState, PortBinding, PortMapping, Protocol,
    TaskInterface,
};

/// 10.0.0.0/8; the first two addresses are the network's and the router's.
const ADDRESS_BASE: u32 = 10 << 24;
const ADDRESS_FIRST: u32 = ADDRESS_BASE + 2;
const ADDRESS_LAST: u32 = ADDRESS_BASE + (1 << 24) - 2;

/// Linux's default range of ephemeral ports.
const PORT_FIRST: u16 = 32768;
const PORT_LAST: u16 = 60999;

#[derive(Debug)]
pub(crate) struct Networks {
    tasks: BTreeMap<TaskId, NetworkState>,
    addresses: BTreeSet<u32>,
    ports: BTreeSet<(Protocol, u16)>,
    next_address: u32,
    next_port: u16,
    /// Tasks are on several hosts, so that one port can be in use several times.
    many_hosts: bool,
}

impl Networks {
    pub(crate) fn new() -> Self {
        Self {
            many_hosts: false,
            tasks: BTreeMap::new(),
            addresses: BTreeSet::new(),
            ports: BTreeSet::new(),
            next_address: ADDRESS_FIRST,
            next_port: PORT_FIRST,
        }
    }

    pub(crate) fn stand_for_many_hosts(&mut self) {
        self.many_hosts = true;
    }

    fn is_taken(&self, protocol: Protocol, port: u16) -> bool {
        !self.many_hosts && self.ports.contains(&(protocol, port))
    }

    pub(crate) fn get(&self, task: TaskId) -> Option<&NetworkState> {
        self.tasks.get(&task)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (TaskId, &NetworkState)> {
        self.tasks.iter().map(|(task, state)| (*task, state))
    }

    /// Takes a network over that was given before a restart.
    pub(crate) fn restore(&mut self, task: TaskId, state: NetworkState) {
        if let Some(address) = address(&state) {
            self.addresses.insert(address);
            self.next_address = self.next_address.max(following(address));
        }
        self.ports.extend(ports(&state));
        self.tasks.insert(task, state);
    }

    /// Gives a task its network; all of it or, on failure, nothing.
    pub(crate) fn set_up(&mut self, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
        let bindings = self.bindings(spec)?;
        let interface = match spec.mode {
            NetworkMode::Awsvpc => Some(self.interface()?),
            NetworkMode::None | NetworkMode::Host | NetworkMode::Bridge => None,
        };
        let ipv4 = interface.as_ref().map(|interface| interface.ipv4.clone());
        let container = |name: &String| ContainerNetwork {
            ipv4: ipv4.clone().filter(|_| !spec.isolated.contains(name)),
            bindings: bindings.get(name.as_str()).cloned().unwrap_or_default(),
            ..ContainerNetwork::new(name)
        };
        let containers = spec.containers.iter().map(container).collect();
        let mut state = NetworkState {
            containers,
            interface,
        };
        spec.name_linked(&mut state);
        self.restore(spec.task, state.clone());
        Ok(state)
    }

    /// Had the task a network?
    pub(crate) fn tear_down(&mut self, task: TaskId) -> bool {
        let Some(state) = self.tasks.remove(&task) else {
            return false;
        };
        for port in ports(&state) {
            self.ports.remove(&port);
        }
        if let Some(address) = address(&state) {
            self.addresses.remove(&address);
        }
        true
    }

    fn bindings<'a>(
        &mut self,
        spec: &'a NetworkSpec,
    ) -> Result<BTreeMap<&'a str, Vec<PortBinding>>, Failure> {
        let mut taken = BTreeSet::new();
        let mut bindings: BTreeMap<&str, Vec<PortBinding>> = BTreeMap::new();
        for mapping in &spec.ports {
            let PortMapping {
                container_port,
                protocol,
                ..
            } = *mapping;
            let host_port = match mapping.host_port {
                Some(port) => port,
                None => self.free_port(protocol, &taken)?,
            };
            if self.is_taken(protocol, host_port) || !taken.insert((protocol, host_port)) {
                return Err(port_taken(host_port));
            }
            let binding = PortBinding {
                container_port,
                host_port,
                protocol,
            };
            bindings
                .entry(&mapping.container)
                .or_default()
                .push(binding);
        }
        Ok(bindings)
    }

    fn free_port(
        &mut self,
        protocol: Protocol,
        taken: &BTreeSet<(Protocol, u16)>,
    ) -> Result<u16, Failure> {
        for _ in PORT_FIRST..=PORT_LAST {
            let port = self.next_port;
            self.next_port = if port >= PORT_LAST {
                PORT_FIRST
            } else {
                port + 1
            };
            if !self.is_taken(protocol, port) && !taken.contains(&(protocol, port)) {
                return Ok(port);
            }
        }
        let detail =
            format!("all host ports from {PORT_FIRST} to {PORT_LAST} are in use; stop a task");
        Err(Failure::new(FailureName::CannotStartContainerError, detail))
    }

    fn interface(&self) -> Result<TaskInterface, Failure> {
        let free = (self.next_address..=ADDRESS_LAST)
            .chain(ADDRESS_FIRST..self.next_address)
            .find(|address| !self.addresses.contains(address));
        let address = free.ok_or_else(|| {
            let detail = "all addresses of 10.0.0.0/8 are in use; stop a task";
            Failure::new(FailureName::ContainerNetworkingError, detail)
        })?;
        let [a, b, c, d] = address.to_be_bytes();
        let mac = format!("0a:58:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
        Ok(TaskInterface {
            ipv4: Ipv4Addr::from(address).to_string(),
            mac,
        })
    }
}

fn port_taken(port: u16) -> Failure {
    let detail =
        format!("host port {port} is already in use; choose another or stop the other task");
    Failure::new(FailureName::CannotStartContainerError, detail)
}

fn ports(state: &NetworkState) -> impl Iterator<Item = (Protocol, u16)> + '_ {
    let bindings = state
        .containers
        .iter()
        .flat_map(|container| &container.bindings);
    bindings.map(|binding| (binding.protocol, binding.host_port))
}

fn address(state: &NetworkState) -> Option<u32> {
    let address: Ipv4Addr = state.interface.as_ref()?.ipv4.parse().ok()?;
    Some(address.into())
}

fn following(address: u32) -> u32 {
    if address >= ADDRESS_LAST {
        ADDRESS_FIRST
    } else {
        address + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(task: u128, mode: NetworkMode, ports: &[(u16, Option<u16>)]) -> NetworkSpec {
        let mapping = |&(container_port, host_port): &(u16, Option<u16>)| PortMapping {
            container: "app".to_owned(),
            container_port,
            host_port,
            protocol: Protocol::Tcp,
        };
        NetworkSpec {
            ports: ports.iter().map(mapping).collect(),
            ..NetworkSpec::new(
                TaskId::from_bits(task),
                mode,
                vec!["app".to_owned(), "side".to_owned()],
            )
        }
    }

    fn given(networks: &mut Networks, task: u128, ports: &[(u16, Option<u16>)]) -> Vec<u16> {
        let state = networks
            .set_up(&spec(task, NetworkMode::Bridge, ports))
            .unwrap();
        state.containers[0]
            .bindings
            .iter()
            .map(|binding| binding.host_port)
            .collect()
    }

    #[test]
    fn ports_are_held_until_the_task_is_gone() {
        let mut networks = Networks::new();
        assert_eq!(
            given(&mut networks, 1, &[(80, None), (81, Some(8080))]),
            [32768, 8080]
        );
        assert_eq!(
            given(&mut networks, 2, &[(80, None), (80, None)]),
            [32769, 32770]
        );
        let refused = networks.set_up(&spec(
            3,
            NetworkMode::Bridge,
            &[(80, None), (1, Some(8080))],
        ));
        let text = refused.unwrap_err().to_string();
        assert!(
            text.starts_with("CannotStartContainerError: host port 8080"),
            "{text}"
        );
        networks.tear_down(TaskId::from_bits(1));
        assert_eq!(given(&mut networks, 3, &[(80, Some(8080))]), [8080]);
    }

    #[test]
    fn many_hosts_have_the_same_port_many_times() {
        let mut networks = Networks::new();
        networks.stand_for_many_hosts();
        for task in 1..4 {
            assert_eq!(given(&mut networks, task, &[(80, Some(8080))]), [8080]);
        }
        let twice = [(80, Some(8080)), (81, Some(8080))];
        let refused = networks.set_up(&spec(4, NetworkMode::Bridge, &twice));
        assert!(refused.is_err(), "one task is on one host");
    }

    #[test]
    fn a_port_cannot_be_taken_twice_by_one_task() {
        let ports = [(80, Some(8080)), (81, Some(8080))];
        assert!(
            Networks::new()
                .set_up(&spec(1, NetworkMode::Bridge, &ports))
                .is_err()
        );
    }

    #[test]
    fn dynamic_ports_come_round_again() {
        let mut networks = Networks::new();
        networks.next_port = PORT_LAST;
        assert_eq!(
            given(&mut networks, 1, &[(80, None), (80, None)]),
            [PORT_LAST, PORT_FIRST]
        );
        networks.next_port = PORT_LAST;
        assert_eq!(given(&mut networks, 2, &[(80, None)]), [PORT_FIRST + 1]);
    }

    #[test]
    fn a_task_of_its_own_network_has_one_address() {
        let mut networks = Networks::new();
        let mut address = |task| {
            let state = networks
                .set_up(&spec(task, NetworkMode::Awsvpc, &[]))
                .unwrap();
            let interface = state.interface.unwrap();
            assert!(
                state
                    .containers
                    .iter()
                    .all(|c| c.ipv4.as_ref() == Some(&interface.ipv4))
            );
            (interface.ipv4, interface.mac)
        };
        assert_eq!(
            address(1),
            ("10.0.0.2".to_owned(), "0a:58:0a:00:00:02".to_owned())
        );
        assert_eq!(address(2).0, "10.0.0.3");
    }

    #[test]
    fn what_was_given_before_a_restart_is_not_given_again() {
        let mut before = Networks::new();
        let state = before.set_up(&spec(1, NetworkMode::Awsvpc, &[])).unwrap();
        let mut networks = Networks::new();
        networks.restore(TaskId::from_bits(1), state);
        let state = networks.set_up(&spec(2, NetworkMode::Awsvpc, &[])).unwrap();
        assert_eq!(state.interface.unwrap().ipv4, "10.0.0.3");
    }

    #[test]
    fn addresses_come_round_again() {
        let mut networks = Networks::new();
        networks.next_address = ADDRESS_LAST;
        let mut address = |task| {
            let state = networks
                .set_up(&spec(task, NetworkMode::Awsvpc, &[]))
                .unwrap();
            state.interface.unwrap().ipv4
        };
        assert_eq!(address(1), "10.255.255.254");
        assert_eq!(address(2), "10.0.0.2");
    }
}

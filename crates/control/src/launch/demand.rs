//! What one task takes from its host (`placement.md` §6).

use model::payload::{NetworkMode, Protocol};
use model::shapes::{ContainerDefinition, ContainerOverride, TaskOverride};
use scheduler::RequiredAttribute;

use crate::assignment::{Size, chosen_size, ports};
use crate::gpus;
use crate::record::Definition;
use crate::record::task::Reserved;

/// Task-level sizes where there are any, else the sum of the containers'.
pub(crate) fn reserved(
    overrides: Option<&TaskOverride>,
    definition: &Definition,
    mode: NetworkMode,
) -> Reserved {
    let over = |container: &ContainerDefinition| {
        let given = overrides?.container_overrides.as_ref()?;
        given.iter().find(|one| one.name == container.name)
    };
    let sum = |amount: fn(&ContainerDefinition, Option<&ContainerOverride>) -> i32| {
        let amounts = definition
            .containers()
            .iter()
            .map(|one| amount(one, over(one)));
        amounts.fold(0u32, |sum, amount| {
            sum.saturating_add(u32::try_from(amount).unwrap_or(0))
        })
    };
    let (tcp_ports, udp_ports) = host_ports(definition, mode);
    Reserved {
        cpu_units: chosen_size(overrides, definition, Size::Cpu).unwrap_or_else(|| sum(cpu)),
        memory_mib: chosen_size(overrides, definition, Size::Memory).unwrap_or_else(|| sum(memory)),
        tcp_ports,
        udp_ports,
        gpu_count: definition
            .containers()
            .iter()
            .map(|one| gpus::count(one, over(one)))
            .fold(0, u32::saturating_add),
        gpus: Vec::new(),
        network_interfaces: u32::from(mode == NetworkMode::Awsvpc),
    }
}

fn cpu(container: &ContainerDefinition, over: Option<&ContainerOverride>) -> i32 {
    over.and_then(|over| over.cpu)
        .or(container.cpu)
        .unwrap_or(0)
}

/// The reservation if there is one, else the hard limit.
fn memory(container: &ContainerDefinition, over: Option<&ContainerOverride>) -> i32 {
    let reservation = over
        .and_then(|over| over.memory_reservation)
        .or(container.memory_reservation);
    let limit = over.and_then(|over| over.memory).or(container.memory);
    reservation.or(limit).unwrap_or(0)
}

/// Static host ports. Dynamic ones are not reserved, awsvpc tasks have ports of their own.
fn host_ports(definition: &Definition, mode: NetworkMode) -> (Vec<u16>, Vec<u16>) {
    let (mut tcp, mut udp) = (Vec::new(), Vec::new());
    if matches!(mode, NetworkMode::Bridge | NetworkMode::Host) {
        let all = definition
            .containers()
            .iter()
            .flat_map(|container| ports(container, mode));
        for mapping in all {
            match mapping.protocol {
                Protocol::Tcp => tcp.extend(mapping.host_port),
                Protocol::Udp => udp.extend(mapping.host_port),
            }
        }
    }
    (tcp, udp)
}

pub(crate) fn required_attributes(definition: &Definition) -> Vec<RequiredAttribute<'_>> {
    let required = definition.shape.requires_attributes.iter().flatten();
    let attributes = required.filter_map(|attribute| {
        Some(RequiredAttribute {
            name: attribute.name.as_deref()?,
            value: attribute.value.as_deref(),
        })
    });
    attributes.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{World, app};

    /// CPU units and MiB that a task shows, and the ports in use on its host, `22,8327` aside.
    #[track_caller]
    fn check(containers: &str, more: &str, run: &str, expected: &str) {
        let mut world = World::new();
        world.containers("app", containers, more);
        let id = world.run(&app(run))[0];
        let task = world.task(id);
        let free = world.state.fleet().free(&task.instance.unwrap()).unwrap();
        let ports = |ports: imbl::OrdSet<u16>| {
            let taken = ports.iter().filter(|port| ![22, 8327].contains(*port));
            taken.map(u16::to_string).collect::<Vec<_>>().join("+")
        };
        let reserved = &task.reserved;
        assert_eq!(4096 - free.cpu_units, reserved.cpu_units);
        assert_eq!(8192 - free.memory_mib, reserved.memory_mib);
        let (tcp, udp) = (ports(free.tcp_ports_in_use), ports(free.udp_ports_in_use));
        let text = format!(
            "{} {} tcp {tcp} udp {udp}",
            reserved.cpu_units, reserved.memory_mib
        );
        assert_eq!(text, expected);
    }

    const TWO: &str = r#"{"name":"a","image":"i","cpu":100,"memory":200,"memoryReservation":150},
                         {"name":"b","image":"i","memory":30}"#;

    #[test]
    fn a_task_takes_its_own_sizes_or_the_sum_of_its_containers() {
        check(TWO, "", "", "100 180 tcp  udp ");
        check(
            TWO,
            r#","cpu":"1 vCPU","memory":"2 GB""#,
            "",
            "1024 2048 tcp  udp ",
        );
        check(TWO, r#","memory":"512""#, "", "100 512 tcp  udp ");
        let overrides = r#","overrides":{"cpu":"300","containerOverrides":[
            {"name":"b","memory":50},{"name":"a","cpu":1,"memoryReservation":170}]}"#;
        check(TWO, "", overrides, "300 220 tcp  udp ");
    }

    #[test]
    fn a_task_without_cpu_reserves_none() {
        check(
            r#"{"name":"a","image":"i","memory":6}"#,
            "",
            "",
            "0 6 tcp  udp ",
        );
    }

    #[test]
    fn static_host_ports_are_held_by_protocol() {
        let ports = r#"{"name":"a","image":"i","memory":6,"portMappings":[
            {"containerPort":80,"hostPort":8080},{"containerPort":81},{"containerPort":82,"hostPort":0},
            {"containerPort":53,"hostPort":53,"protocol":"udp"}]}"#;
        check(ports, "", "", "0 6 tcp 8080 udp 53");
        let host = r#"{"name":"a","image":"i","memory":6,"portMappings":[
            {"containerPort":80},{"containerPort":53,"protocol":"udp"}]}"#;
        check(host, r#","networkMode":"host""#, "", "0 6 tcp 80 udp 53");
        let network = r#","networkConfiguration":{"awsvpcConfiguration":{"subnets":["s"]}}"#;
        check(host, r#","networkMode":"awsvpc""#, network, "0 6 tcp  udp ");
    }

    #[test]
    fn a_definition_needs_what_it_names() {
        let mut world = World::new();
        world.definition("app", r#","runtimePlatform":{"cpuArchitecture":"ARM64"}"#);
        let failure = world.at("RunTask", &app(""), "/failures/0/reason");
        assert_eq!(failure, json!("ATTRIBUTE"));
        world.definition("app", r#","runtimePlatform":{"cpuArchitecture":"X86_64"}"#);
        assert_eq!(world.run(&app("")).len(), 1);
    }
}

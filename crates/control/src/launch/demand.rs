//! What one task takes from its host (`placement.md` §6).

use model::payload::{NetworkMode, Protocol};
use model::shapes::{ContainerDefinition, ContainerOverride, TaskOverride};
use scheduler::RequiredAttribute;

use crate::assignment::{Size, chosen_size, ports};
use crate::record::Definition;
use crate::record::task::Reserved;

/// Task-level sizes where there are any, else the sum of the containers'.
pub(crate) fn reserved(
    overrides: &TaskOverride,
    definition: &Definition,
    mode: NetworkMode,
) -> Reserved {
    let over = |container: &ContainerDefinition| {
        let given = overrides.container_overrides.as_deref().unwrap_or_default();
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

pub(crate) fn required_attributes(definition: &Definition) -> Vec<RequiredAttribute> {
    let required = definition
        .shape
        .requires_attributes
        .as_deref()
        .unwrap_or_default();
    required
        .iter()
        .filter_map(|attribute| {
            Some(RequiredAttribute {
                name: attribute.name.clone()?,
                value: attribute.value.clone(),
            })
        })
        .collect()
}

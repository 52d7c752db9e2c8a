//! What a task asks of its host: sizes, ports, attributes.

use model::shapes::{
    ContainerDefinition, ContainerOverride, NetworkMode, PortMapping, TaskDefinition, TaskOverride,
};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) cpu_units: u32,
    pub(super) memory_mib: u32,
    /// Static host ports, as `80/tcp`.
    pub(super) ports: Vec<String>,
    /// `requiresAttributes`: names, and values where one is asked for.
    pub(super) attributes: Vec<(String, Option<String>)>,
}

impl Demand {
    /// Task-level sizes where there are any, else the sums over the containers.
    pub(super) fn of(definition: &TaskDefinition, overrides: Option<&TaskOverride>) -> Self {
        let level =
            |over: Option<&String>, own: &Option<String>, unit| size(over.or(own.as_ref())?, unit);
        let cpu = level(
            overrides.and_then(|o| o.cpu.as_ref()),
            &definition.cpu,
            "vcpu",
        );
        let memory = level(
            overrides.and_then(|o| o.memory.as_ref()),
            &definition.memory,
            "gb",
        );
        let containers = definition
            .container_definitions
            .as_deref()
            .unwrap_or_default();
        let sum = |amount: fn(&ContainerDefinition, Option<&ContainerOverride>) -> Option<i32>| {
            let amounts = containers
                .iter()
                .map(|one| amount(one, over(one, overrides)));
            amounts
                .filter_map(|amount| u32::try_from(amount?).ok())
                .sum()
        };
        let attributes = definition.requires_attributes.iter().flatten();
        Self {
            cpu_units: cpu.unwrap_or_else(|| sum(container_cpu)),
            memory_mib: memory.unwrap_or_else(|| sum(container_memory)),
            ports: ports(definition),
            attributes: attributes
                .filter_map(|one| Some((one.name.clone()?, one.value.clone())))
                .collect(),
        }
    }
}

fn over<'a>(
    container: &ContainerDefinition,
    overrides: Option<&'a TaskOverride>,
) -> Option<&'a ContainerOverride> {
    let all = overrides?.container_overrides.as_deref()?;
    all.iter().find(|one| one.name == container.name)
}

fn container_cpu(own: &ContainerDefinition, over: Option<&ContainerOverride>) -> Option<i32> {
    over.and_then(|over| over.cpu).or(own.cpu)
}

/// The reservation if there is one, else the hard limit.
fn container_memory(own: &ContainerDefinition, over: Option<&ContainerOverride>) -> Option<i32> {
    over.and_then(|over| over.memory_reservation)
        .or(own.memory_reservation)
        .or(over.and_then(|over| over.memory))
        .or(own.memory)
}

/// `512`, `1 vCPU`, `2GB` in units of a 1024th.
fn size(text: &str, unit: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    match text.strip_suffix(unit) {
        Some(number) => Some((number.trim_end().parse::<f64>().ok()? * 1024.0) as u32),
        None => text.parse().ok(),
    }
}

fn ports(definition: &TaskDefinition) -> Vec<String> {
    let is_host = match &definition.network_mode {
        None | Some(NetworkMode::Bridge) => false,
        Some(NetworkMode::Host) => true,
        Some(_) => return Vec::new(),
    };
    let containers = definition.container_definitions.iter().flatten();
    let mappings = containers.flat_map(|container| container.port_mappings.iter().flatten());
    let port = |mapping: &PortMapping| {
        let inside = mapping.container_port.filter(|_| is_host);
        let port = mapping.host_port.filter(|port| *port > 0).or(inside)?;
        let protocol = mapping
            .protocol
            .as_ref()
            .map_or("tcp", |protocol| protocol.as_str());
        Some(format!("{port}/{protocol}"))
    };
    mappings.filter_map(port).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(definition: Value, overrides: Value, expected: (u32, u32, &[&str])) {
        let definition = serde_json::from_value(definition).unwrap();
        let overrides = serde_json::from_value(overrides).unwrap();
        let demand = Demand::of(&definition, Some(&overrides));
        let ports: Vec<_> = demand.ports.iter().map(String::as_str).collect();
        assert_eq!(
            (demand.cpu_units, demand.memory_mib, ports.as_slice()),
            expected
        );
    }

    #[test]
    fn sizes_and_ports() {
        let containers = json!([
            {"name": "a", "cpu": 100, "memory": 64, "memoryReservation": 32,
                "portMappings": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]},
            {"name": "b", "memory": 64,
                "portMappings": [{"containerPort": 53, "hostPort": 53, "protocol": "udp"}]}
        ]);
        let bridge = json!({"containerDefinitions": containers});
        check(
            bridge.clone(),
            json!({}),
            (100, 96, &["8080/tcp", "53/udp"]),
        );
        let over = json!({"containerOverrides": [{"name": "b", "cpu": 28, "memory": 128}]});
        check(bridge, over, (128, 160, &["8080/tcp", "53/udp"]));
        let sized = json!({"networkMode": "awsvpc", "cpu": ".5 vCPU", "memory": "1GB",
            "containerDefinitions": containers});
        check(sized.clone(), json!({}), (512, 1024, &[]));
        check(sized, json!({"cpu": "256"}), (256, 1024, &[]));
        let host = json!({"networkMode": "host", "containerDefinitions":
            [{"portMappings": [{"containerPort": 80}]}]});
        check(host, json!({}), (0, 0, &["80/tcp"]));
    }
}

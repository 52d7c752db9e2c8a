//! Port mappings: rules by network mode (`task-lifecycle.md` §12), and their defaults.

use std::collections::BTreeSet;

use model::shapes::{
    ApplicationProtocol, ContainerDefinition, NetworkMode, PortMapping, TaskDefinition,
    TransportProtocol,
};

use super::word;
use crate::error::OpError;
use crate::limits::{PORT_NAME_CHARS_MAX, PORT_RANGES_MAX, PORTS};

/// Checks the mappings of one container and fills in protocol and host port.
pub(super) fn check(
    container: &mut ContainerDefinition,
    mode: Option<&NetworkMode>,
) -> Result<(), OpError> {
    let name = container.name.clone().unwrap_or_default();
    let mappings = container.port_mappings.get_or_insert_default();
    if mode == Some(&NetworkMode::None) && !mappings.is_empty() {
        return Err(OpError::client(format!(
            "Container '{name}' has port mappings, which networkMode 'none' does not allow."
        )));
    }
    mappings
        .iter_mut()
        .try_for_each(|mapping| check_mapping(mapping, &name, mode))?;
    check_ranges(mappings, &name)
}

/// Not too many ranges, and no port in two of one protocol, or in a range and beside it.
fn check_ranges(mappings: &[PortMapping], container: &str) -> Result<(), OpError> {
    let ranges = mappings
        .iter()
        .filter(|one| one.container_port_range.is_some());
    let count = ranges.count();
    if count > PORT_RANGES_MAX {
        return Err(OpError::client(format!(
            "Container '{container}' can have at most {PORT_RANGES_MAX} port ranges."
        )));
    }
    if count == 0 {
        return Ok(());
    }
    let spans = mappings.iter().filter_map(|one| {
        let span = range(one).or_else(|| {
            let port = u16::try_from(one.container_port?).ok()?;
            Some((port, port))
        })?;
        Some((one.protocol.clone(), span))
    });
    let mut spans: Vec<_> = spans.collect();
    spans.sort();
    let overlap = |pair: &[(Option<TransportProtocol>, (u16, u16))]| {
        pair[0].0 == pair[1].0 && pair[0].1.1 >= pair[1].1.0
    };
    if spans.windows(2).any(overlap) {
        let text = format!("The port ranges of container '{container}' overlap.");
        return Err(OpError::client(text));
    }
    Ok(())
}

/// The first and the last port of a mapping's range.
fn range(mapping: &PortMapping) -> Option<(u16, u16)> {
    let (first, last) = mapping.container_port_range.as_deref()?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn check_mapping(
    mapping: &mut PortMapping,
    container: &str,
    mode: Option<&NetworkMode>,
) -> Result<(), OpError> {
    check_protocol(mapping)?;
    if mapping.container_port_range.is_some() {
        return check_range(mapping, container, mode);
    }
    let invalid = |member: &str| {
        OpError::client(format!(
            "Invalid '{member}' setting for container '{container}'."
        ))
    };
    let port = mapping.container_port.filter(|port| PORTS.contains(port));
    let port = port.ok_or_else(|| invalid("containerPort"))?;
    if mapping
        .host_port
        .is_some_and(|host| host != 0 && !PORTS.contains(&host))
    {
        return Err(invalid("hostPort"));
    }
    match mode {
        Some(NetworkMode::Host) => same_port(
            mapping,
            port,
            "When networkMode=host, the host ports and container ports in port mappings must match",
        ),
        Some(NetworkMode::Awsvpc) => same_port(
            mapping,
            port,
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ),
        _ => {
            mapping.host_port.get_or_insert(0);
            Ok(())
        }
    }
}

fn check_protocol(mapping: &mut PortMapping) -> Result<(), OpError> {
    let protocol = mapping.protocol.get_or_insert(TransportProtocol::Tcp);
    word(
        "protocol",
        Some(protocol.as_str()),
        TransportProtocol::VALUES,
    )?;
    let application = mapping.app_protocol.as_ref();
    let application = application.map(ApplicationProtocol::as_str);
    word("appProtocol", application, ApplicationProtocol::VALUES)
}

fn same_port(mapping: &mut PortMapping, port: i32, refusal: &str) -> Result<(), OpError> {
    if *mapping.host_port.get_or_insert(port) == port {
        Ok(())
    } else {
        Err(OpError::client(refusal))
    }
}

/// `first-last`, ascending, without a port beside it; bridge and awsvpc only.
fn check_range(
    mapping: &PortMapping,
    container: &str,
    mode: Option<&NetworkMode>,
) -> Result<(), OpError> {
    let fits_mode = matches!(mode, None | Some(NetworkMode::Bridge | NetworkMode::Awsvpc));
    let alone = mapping.container_port.is_none() && mapping.host_port.is_none();
    match range(mapping) {
        Some((first, last)) if first > 0 && first <= last && fits_mode && alone => Ok(()),
        _ => Err(OpError::client(format!(
            "Invalid 'containerPortRange' setting for container '{container}'."
        ))),
    }
}

/// Host ports and mapping names are unique in a task.
pub(super) fn check_together(shape: &TaskDefinition) -> Result<(), OpError> {
    let containers = shape.container_definitions.iter().flatten();
    let mappings = containers.flat_map(|container| container.port_mappings.iter().flatten());
    let (mut host_ports, mut names) = (BTreeSet::new(), BTreeSet::new());
    for mapping in mappings {
        if let Some(name) = mapping.name.as_deref() {
            check_name(name)?;
            if !names.insert(name) {
                return Err(OpError::client("port mapping name is already used"));
            }
        }
        let Some(port) = mapping.host_port.filter(|port| *port > 0) else {
            continue;
        };
        let protocol = mapping
            .protocol
            .as_ref()
            .map(TransportProtocol::as_str)
            .unwrap_or("tcp");
        if !host_ports.insert((protocol, port)) {
            let protocol = protocol.to_uppercase();
            let text = format!("{protocol} host port '{port}' is mapped multiple times in task.");
            return Err(OpError::client(text));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), OpError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if (1..=PORT_NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
    {
        return Ok(());
    }
    Err(OpError::client(format!(
        "The port mapping name '{name}' may hold 1 to 64 lower-case letters, digits, underscores \
         and hyphens, and must not begin with a hyphen."
    )))
}

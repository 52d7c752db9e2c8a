//! Which host ports a task gets. Bridge mode holds them; host mode only looks whether
//! they are free, since the container itself will bind them.

use model::TaskId;
use model::container::{Failure, FailureName};
use model::payload::{ContainerNetwork, NetworkMode, PortBinding, PortMapping, Protocol};
use nix::errno::Errno;

use super::port::{HeldPort, PortPicker, protocol_name};
use super::state::TaskNetwork;

/// Fills in the containers of the state with their bindings, and holds the ports.
pub(super) fn plan_ports(
    task: &mut TaskNetwork,
    picker: &mut PortPicker,
    owner_of: impl Fn((Protocol, u16)) -> Option<TaskId>,
) -> Result<(), Failure> {
    let spec = &task.record.spec;
    task.record.state.containers = spec
        .containers
        .iter()
        .map(|name| ContainerNetwork::new(name))
        .collect();
    // Fixed ports first, so that no dynamic one takes a port the task itself asks for.
    let mut ports: Vec<(usize, &PortMapping)> = spec.ports.iter().enumerate().collect();
    ports.sort_by_key(|(_, port)| port.host_port.is_none());
    let mut bindings = Vec::new();
    for (position, port) in ports {
        let held = match (spec.mode, port.host_port) {
            (NetworkMode::Host, fixed) => hold(
                port.protocol,
                fixed.unwrap_or(port.container_port),
                &owner_of,
            )?,
            (NetworkMode::Bridge, Some(fixed)) if fixed != 0 => {
                hold(port.protocol, fixed, &owner_of)?
            }
            (NetworkMode::Bridge, _) => hold_any(port.protocol, picker)?,
            // No host port: the task has an address of its own, or no network at all.
            (NetworkMode::Awsvpc | NetworkMode::None, _) => continue,
        };
        bindings.push((
            position,
            port.container.clone(),
            PortBinding {
                container_port: port.container_port,
                host_port: held.port,
                protocol: port.protocol,
            },
        ));
        task.held.push(held);
    }
    if spec.mode == NetworkMode::Host {
        task.held.clear();
    }
    bindings.sort_by_key(|(position, ..)| *position);
    bindings
        .into_iter()
        .try_for_each(|(_, container, binding)| assign(task, &container, binding))
}

fn assign(task: &mut TaskNetwork, name: &str, binding: PortBinding) -> Result<(), Failure> {
    let containers = &mut task.record.state.containers;
    let Some(container) = containers.iter_mut().find(|c| c.container == name) else {
        let detail =
            format!("a port is mapped to the container {name}, which the task does not have");
        return Err(Failure::new(FailureName::InternalError, detail));
    };
    container.bindings.push(binding);
    Ok(())
}

fn hold(
    protocol: Protocol,
    port: u16,
    owner_of: impl Fn((Protocol, u16)) -> Option<TaskId>,
) -> Result<HeldPort, Failure> {
    HeldPort::hold(protocol, port).map_err(|error| {
        let name = protocol_name(protocol);
        let detail = match (error, owner_of((protocol, port))) {
            (Errno::EADDRINUSE, Some(task)) => {
                format!("port {port}/{name} on the host is already in use by task {task}; stop it or choose another hostPort")
            }
            (Errno::EADDRINUSE, None) => format!(
                "port {port}/{name} on the host is already in use by another program; stop that program or choose another hostPort"
            ),
            (error, _) => format!("port {port}/{name} on the host cannot be opened: {}", error.desc()),
        };
        Failure::new(FailureName::CannotStartContainerError, detail)
    })
}

fn hold_any(protocol: Protocol, picker: &mut PortPicker) -> Result<HeldPort, Failure> {
    let detail = match picker.hold_any(protocol) {
        Ok(Some(held)) => return Ok(held),
        Ok(None) => format!(
            "every dynamic {} port of the host is in use",
            protocol_name(protocol)
        ),
        Err(error) => format!("no dynamic port can be opened: {}", error.desc()),
    };
    Err(Failure::new(FailureName::CannotStartContainerError, detail))
}

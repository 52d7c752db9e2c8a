//! The network of a task: the engine's own modes where they are enough, and a holder that owns
//! namespace and ports where something must stay from the first container to the last.

use std::collections::BTreeMap;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HostConfig,
    HostConfigLogConfig, PortBinding as EngineBinding,
};
use futures_util::future::join_all;
use model::TaskId;
use model::container::{Failure, FailureName, Identity};
use model::payload::{
    ContainerNetwork, NetworkMode, NetworkSpec, NetworkState, PortBinding, PortMapping, Protocol,
    TaskInterface,
};

use super::error::words;
use super::objects::{Found, Objects, Wanted, is_running};
use super::{body, holder, names};

/// The engine's network that everybody has.
const BRIDGE: &str = "bridge";

/// What a holder is made of.
#[derive(Default)]
struct Holder<'a> {
    name: String,
    ports: Vec<&'a PortMapping>,
    identity: Identity,
    system_controls: BTreeMap<String, String>,
}

pub(super) async fn set_up(objects: &Objects, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
    match spec.mode {
        NetworkMode::None => Ok(alike(spec, Some("none"))),
        NetworkMode::Host => Ok(of_host(spec)),
        NetworkMode::Bridge => bridge(objects, spec).await,
        NetworkMode::Awsvpc => awsvpc(objects, spec).await,
    }
}

/// Makes the holder of namespaces that the containers of a task share, if there is none.
pub(super) async fn shared(objects: &Objects, task: TaskId) -> Result<String, Failure> {
    let wanted = Holder {
        name: names::shared(task),
        ..Holder::default()
    };
    hold(objects, task, &wanted, "none").await?;
    Ok(wanted.name)
}

/// Every container in the same network, but for those that are to have none.
fn alike(spec: &NetworkSpec, mode: Option<&str>) -> NetworkState {
    let one = |name: &String| {
        let mode = if spec.is_isolated(name) {
            Some("none")
        } else {
            mode
        };
        ContainerNetwork {
            namespace: mode.map(str::to_owned),
            ..ContainerNetwork::new(name)
        }
    };
    NetworkState {
        containers: spec.containers.iter().map(one).collect(),
        interface: None,
    }
}

/// Whether a port is free on the engine's machine shows when the container opens it.
fn of_host(spec: &NetworkSpec) -> NetworkState {
    let mut state = alike(spec, None);
    for container in &mut state.containers {
        let ports = spec
            .ports
            .iter()
            .filter(|port| port.container == container.container);
        let binding = |port: &PortMapping| PortBinding {
            container_port: port.container_port,
            host_port: port.host_port.unwrap_or(port.container_port),
            protocol: port.protocol,
        };
        container.bindings = ports.map(binding).collect();
    }
    state
}

/// Containers with ports and those that others are linked to get a holder each, because ports
/// and addresses are wanted before they start; the others join the engine's bridge themselves.
async fn bridge(objects: &Objects, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
    let mut state = alike(spec, Some(BRIDGE));
    let mut open: Vec<&String> = spec
        .containers
        .iter()
        .filter(|name| needs_holder(spec, name))
        .collect();
    while !open.is_empty() {
        let is_open = |name: &String| open.contains(&name);
        let (waiting, ready): (Vec<_>, Vec<_>) = open
            .iter()
            .copied()
            .partition(|name| spec.linked(name).any(|link| is_open(&link.container)));
        // Links without an order cannot be had; registration lets none through.
        let (waiting, ready) = if ready.is_empty() {
            (ready, waiting)
        } else {
            (waiting, ready)
        };
        let held = ready
            .iter()
            .map(|name| hold_one(objects, spec, &state, name));
        let held: Result<Vec<_>, _> = join_all(held).await.into_iter().collect();
        match held {
            Ok(held) => held
                .into_iter()
                .for_each(|network| put(&mut state, network)),
            Err(failure) => {
                remove_all(objects, spec).await;
                return Err(failure);
            }
        }
        open = waiting;
    }
    spec.name_linked(&mut state);
    Ok(state)
}

fn needs_holder(spec: &NetworkSpec, name: &str) -> bool {
    let mut links = spec.links.values().flatten();
    !spec.is_isolated(name)
        && (spec.ports.iter().any(|port| port.container == name)
            || links.any(|link| link.container == name))
}

/// The network of one container, in a holder of its own.
async fn hold_one(
    objects: &Objects,
    spec: &NetworkSpec,
    known: &NetworkState,
    name: &str,
) -> Result<ContainerNetwork, Failure> {
    let ports = spec.ports.iter().filter(|port| port.container == name);
    let mut identity = spec.identities.get(name).cloned().unwrap_or_default();
    identity.extra_hosts.extend(spec.linked_hosts(name, known));
    let holder = Holder {
        name: names::network_of(spec.task, name),
        ports: ports.collect(),
        identity,
        system_controls: spec.system_controls.get(name).cloned().unwrap_or_default(),
    };
    let found = hold(objects, spec.task, &holder, BRIDGE).await?;
    Ok(ContainerNetwork {
        namespace: Some(format!("container:{}", holder.name)),
        ipv4: interface(&found).map(|interface| interface.ipv4),
        bindings: bindings(&found, &holder.ports)?,
        ..ContainerNetwork::new(name)
    })
}

fn put(state: &mut NetworkState, network: ContainerNetwork) {
    let mut all = state.containers.iter_mut();
    if let Some(own) = all.find(|own| own.container == network.container) {
        *own = network;
    }
}

async fn awsvpc(objects: &Objects, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
    let wanted = Holder {
        name: names::shared(spec.task),
        ports: Vec::new(),
        identity: together(spec.identities.values()),
        system_controls: spec.system_controls.values().flatten().map(owned).collect(),
    };
    let found = hold(objects, spec.task, &wanted, BRIDGE).await?;
    let Some(interface) = interface(&found) else {
        remove_all(objects, spec).await;
        return Err(networking(
            "the engine gave the task no address; look at its network bridge",
        ));
    };
    let mut state = alike(spec, Some(&format!("container:{}", wanted.name)));
    let sharing = state.containers.iter_mut();
    for container in sharing.filter(|one| !spec.is_isolated(&one.container)) {
        container.ipv4 = Some(interface.ipv4.clone());
    }
    state.interface = Some(interface);
    Ok(state)
}

fn owned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

/// The names of all containers that share one network.
fn together<'a>(identities: impl Iterator<Item = &'a Identity>) -> Identity {
    identities.fold(Identity::default(), |mut all, one| {
        all.hostname = all.hostname.or_else(|| one.hostname.clone());
        all.extra_hosts.extend(one.extra_hosts.iter().cloned());
        all.dns_servers.extend(one.dns_servers.iter().cloned());
        all.dns_search_domains
            .extend(one.dns_search_domains.iter().cloned());
        all
    })
}

/// Finds the holder or makes it; what could not be started is removed again.
async fn hold(
    objects: &Objects,
    task: TaskId,
    wanted: &Holder<'_>,
    network: &str,
) -> Result<ContainerInspectResponse, Failure> {
    let container = Wanted {
        body: holder_body(objects, task, wanted, network),
        platform: None,
    };
    let create = || objects.make(&wanted.name, &container, is_running);
    let made = match create().await {
        Err(error) if super::error::is_missing(&error) => {
            holder::import(objects.client(), &objects.engine().architecture).await?;
            create().await
        }
        made => made,
    };
    match made.map_err(|error| networking(&words(&error)))? {
        Found::There(found) => return Ok(*found),
        Found::Made => {}
    }
    if let Err(error) = objects.start(&wanted.name).await {
        // The first failure is the one to tell.
        let _ = objects.remove(&wanted.name).await;
        return Err(cannot_hold(wanted, &words(&error)));
    }
    let found = objects.inspect(&wanted.name).await;
    let found = found.map_err(|error| networking(&words(&error)))?;
    found.ok_or_else(|| networking("the holder of the network was removed from the engine"))
}

fn holder_body(
    objects: &Objects,
    task: TaskId,
    wanted: &Holder<'_>,
    network: &str,
) -> ContainerCreateBody {
    let ports = wanted.ports.iter();
    let binding = |port: &&PortMapping| {
        let host_port = port
            .host_port
            .map_or_else(String::new, |port| port.to_string());
        let binding = EngineBinding {
            host_ip: None,
            host_port: Some(host_port),
        };
        (port_name(port), Some(vec![binding]))
    };
    ContainerCreateBody {
        image: Some(holder::IMAGE.to_owned()),
        entrypoint: Some(vec![holder::PROGRAM.to_owned()]),
        cmd: Some(Vec::new()),
        user: Some("65534:65534".to_owned()),
        hostname: wanted.identity.hostname.clone(),
        stop_signal: Some("SIGKILL".to_owned()),
        exposed_ports: Some(ports.clone().map(|port| port_name(port)).collect()),
        labels: Some(objects.labels(task).into_iter().collect()),
        host_config: Some(HostConfig {
            network_mode: Some(network.to_owned()),
            port_bindings: Some(ports.map(binding).collect()),
            ipc_mode: Some("shareable".to_owned()),
            extra_hosts: Some(body::extra_hosts(wanted.identity.extra_hosts.iter())),
            dns: Some(wanted.identity.dns_servers.clone()),
            dns_search: Some(wanted.identity.dns_search_domains.clone()),
            sysctls: Some(wanted.system_controls.iter().map(owned).collect()),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            readonly_rootfs: Some(true),
            log_config: Some(HostConfigLogConfig {
                typ: Some("none".to_owned()),
                config: None,
            }),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

fn port_name(port: &PortMapping) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    format!("{}/{protocol}", port.container_port)
}

fn interface(found: &ContainerInspectResponse) -> Option<TaskInterface> {
    let networks = found.network_settings.as_ref()?.networks.as_ref()?;
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let of_network = |network: &EndpointSettings| {
        Some(TaskInterface {
            ipv4: filled(&network.ip_address)?,
            mac: filled(&network.mac_address).unwrap_or_default(),
        })
    };
    networks.values().find_map(of_network)
}

/// The ports that the engine took, in the order in which they were asked for.
fn bindings(
    found: &ContainerInspectResponse,
    ports: &[&PortMapping],
) -> Result<Vec<PortBinding>, Failure> {
    let published = found
        .network_settings
        .as_ref()
        .and_then(|all| all.ports.as_ref());
    let host_port = |port: &PortMapping| {
        let bindings = published?.get(&port_name(port))?.as_ref()?;
        bindings
            .iter()
            .find_map(|binding| binding.host_port.as_ref()?.parse().ok())
    };
    let one = |port: &&PortMapping| {
        let missing = || {
            let name = port_name(port);
            networking(&format!(
                "the engine did not publish the port {name}; look at its log"
            ))
        };
        Ok(PortBinding {
            container_port: port.container_port,
            host_port: host_port(port).ok_or_else(missing)?,
            protocol: port.protocol,
        })
    };
    ports.iter().map(one).collect()
}

/// A port that somebody else has is told in the words of the native driver.
fn cannot_hold(wanted: &Holder<'_>, cause: &str) -> Failure {
    let is_taken = [
        "already allocated",
        "address already in use",
        "port is already",
    ]
    .iter()
    .any(|words| cause.contains(words));
    let port = |port: &&&PortMapping| {
        port.host_port
            .is_some_and(|number| cause.contains(&number.to_string()))
    };
    let named = wanted.ports.iter().find(port).or(wanted.ports.first());
    match named {
        Some(port) if is_taken => {
            let protocol = match port.protocol {
                Protocol::Tcp => "tcp",
                Protocol::Udp => "udp",
            };
            let number = port.host_port.unwrap_or(port.container_port);
            Failure::new(
                FailureName::CannotStartContainerError,
                format!(
                    "port {number}/{protocol} on the host is already in use by another container \
                     or program; stop it or choose another hostPort"
                ),
            )
        }
        _ => networking(cause),
    }
}

async fn remove_all(objects: &Objects, spec: &NetworkSpec) {
    let of_containers = spec.containers.iter();
    let names = of_containers.map(|name| names::network_of(spec.task, name));
    let names = names.chain([names::shared(spec.task)]);
    let removed = names.map(async |name| objects.remove(&name).await);
    for error in join_all(removed).await.into_iter().filter_map(Result::err) {
        tracing::warn!(task = %spec.task, cause = words(&error), "a holder was left behind");
    }
}

fn networking(detail: &str) -> Failure {
    Failure::new(FailureName::ContainerNetworkingError, detail)
}

//! What a container finds around itself: names, kernel parameters, namespaces.

use std::collections::BTreeMap;

use model::container::{ExtraHost, Identity, NamespaceMode};
use model::payload::{Link, NetworkMode};
use model::shapes::{ContainerDefinition, IpcMode, PidMode, TaskDefinition};

pub(super) fn identity(container: &ContainerDefinition) -> Identity {
    let hosts = container.extra_hosts.iter().flatten();
    let hosts = hosts.filter_map(|entry| {
        Some(ExtraHost {
            hostname: entry.hostname.clone()?,
            ip_address: entry.ip_address.clone()?,
        })
    });
    Identity {
        hostname: container.hostname.clone().filter(|name| !name.is_empty()),
        extra_hosts: hosts.collect(),
        dns_servers: container.dns_servers.clone().unwrap_or_default(),
        dns_search_domains: container.dns_search_domains.clone().unwrap_or_default(),
    }
}

/// `NAME` or `NAME:ALIAS`; registration has checked the names.
pub(super) fn links(container: &ContainerDefinition) -> Vec<Link> {
    let link = |text: &String| {
        let (container, alias) = text.split_once(':').unwrap_or((text, text));
        Link {
            container: container.to_owned(),
            alias: alias.to_owned(),
        }
    };
    container.links.iter().flatten().map(link).collect()
}

pub(super) fn is_isolated(container: &ContainerDefinition) -> bool {
    container.disable_networking == Some(true)
}

/// The containers whose address or volumes this one gets.
pub(super) fn starts_after(container: &ContainerDefinition) -> Vec<String> {
    let linked = links(container).into_iter().map(|link| link.container);
    let volumes = container.volumes_from.iter().flatten();
    let sources = volumes.filter_map(|volumes| volumes.source_container.clone());
    linked.chain(sources).collect()
}

pub(super) fn system_controls(container: &ContainerDefinition) -> BTreeMap<String, String> {
    let controls = container.system_controls.iter().flatten();
    controls
        .filter_map(|one| Some((one.namespace.clone()?, one.value.clone()?)))
        .collect()
}

pub(super) fn is_of_network(control: &str) -> bool {
    control.starts_with("net.")
}

pub(super) fn pid(task: &TaskDefinition) -> NamespaceMode {
    match task.pid_mode {
        Some(PidMode::Host) => NamespaceMode::Host,
        Some(PidMode::Task) => NamespaceMode::Task,
        _ => NamespaceMode::Own,
    }
}

/// `none` is a namespace of one's own.
pub(super) fn ipc(task: &TaskDefinition) -> NamespaceMode {
    match task.ipc_mode {
        Some(IpcMode::Host) => NamespaceMode::Host,
        Some(IpcMode::Task) => NamespaceMode::Task,
        _ => NamespaceMode::Own,
    }
}

/// Parameters of namespaces that containers have: the list of the container engines.
const IPC_CONTROLS: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// What RunTask refuses of the container's surroundings.
pub(crate) fn problems(
    task: &TaskDefinition,
    mode: NetworkMode,
    container: &ContainerDefinition,
) -> Vec<String> {
    let controls = system_controls(container);
    let controls = controls.keys().filter_map(|control| {
        let why = control_problem(task, mode, control)?;
        Some(format!("systemControls '{control}', {why}"))
    });
    let identity = identity(container);
    let addresses = identity.extra_hosts.iter().map(|one| &one.ip_address);
    let addresses = addresses.map(|address| ("extraHosts", address));
    let servers = identity
        .dns_servers
        .iter()
        .map(|server| ("dnsServers", server));
    let bad = addresses
        .chain(servers)
        .filter(|(_, address)| address.parse::<core::net::IpAddr>().is_err());
    let bad = bad.map(|(member, address)| format!("{member} '{address}', which is no IP address"));
    let links = links(container);
    let words = identity
        .extra_hosts
        .iter()
        .map(|one| ("extraHosts", &one.hostname));
    let domains = identity.dns_search_domains.iter();
    let words = words
        .chain(links.iter().map(|link| ("links", &link.alias)))
        .chain(domains.map(|domain| ("dnsSearchDomains", domain)))
        .chain(identity.hostname.iter().map(|name| ("hostname", name)))
        .filter(|(_, word)| !is_host_name(word));
    let words = words.map(|(member, word)| format!("{member} '{word}', which is no host name"));
    let options = container.docker_security_options.iter().flatten();
    let options = options.filter(|option| no_new_privileges(option).is_none());
    let options = options.map(|option| format!("dockerSecurityOptions '{option}'"));
    controls.chain(bad).chain(words).chain(options).collect()
}

/// One line of a file has room for it: `/etc/hosts` and `resolv.conf` are made of such words.
fn is_host_name(word: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=255).contains(&word.len()) && word.bytes().all(allowed)
}

fn control_problem(
    task: &TaskDefinition,
    mode: NetworkMode,
    control: &str,
) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !control.bytes().all(plain) || control.contains("..") {
        return Some("which is no name of a kernel parameter");
    }
    if is_of_network(control) {
        return (mode == NetworkMode::Host)
            .then_some("which would change the host in networkMode 'host'");
    }
    let of_ipc = IPC_CONTROLS.contains(&control) || control.starts_with("fs.mqueue.");
    if !of_ipc {
        return Some("which is no parameter of a container's own namespaces");
    }
    (ipc(task) == NamespaceMode::Host).then_some("which would change the host with ipcMode 'host'")
}

/// Whether the option switches it on; `None` for another option.
fn no_new_privileges(option: &str) -> Option<bool> {
    match option {
        "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true" => Some(true),
        "no-new-privileges:false" | "no-new-privileges=false" => Some(false),
        _ => None,
    }
}

pub(super) fn gains_no_privileges(container: &ContainerDefinition) -> bool {
    let options = container.docker_security_options.iter().flatten();
    options.filter_map(|one| no_new_privileges(one)).next_back() == Some(true)
}

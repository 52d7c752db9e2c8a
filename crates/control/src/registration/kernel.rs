//! Settings of the kernel's side (`task-lifecycle.md` §11): words, numbers, and what the network
//! mode allows.

use std::collections::BTreeSet;

use model::shapes::{
    ContainerDefinition, CpuArchitecture, DeviceCgroupPermission, IpcMode, LinuxParameters,
    NetworkMode, OsFamily, PidMode, ProxyConfigurationType, TaskDefinition, VersionConsistency,
};

use super::{is_blank, word};
use crate::error::OpError;
use crate::gpus;
use crate::limits::SWAPPINESS;

/// The words of the task level.
pub(super) fn check_task(shape: &TaskDefinition) -> Result<(), OpError> {
    let pid = shape.pid_mode.as_ref().map(PidMode::as_str);
    word("pidMode", pid, PidMode::VALUES)?;
    let ipc = shape.ipc_mode.as_ref().map(IpcMode::as_str);
    word("ipcMode", ipc, IpcMode::VALUES)?;
    let platform = shape.runtime_platform.as_ref();
    let cpu = platform.and_then(|one| one.cpu_architecture.as_ref());
    let cpu = cpu.map(CpuArchitecture::as_str);
    word("cpuArchitecture", cpu, CpuArchitecture::VALUES)?;
    let family = platform.and_then(|one| one.operating_system_family.as_ref());
    let family = family.map(OsFamily::as_str);
    word("operatingSystemFamily", family, OsFamily::VALUES)?;
    let proxy = shape.proxy_configuration.as_ref();
    let proxy = proxy.and_then(|proxy| proxy.r#type.as_ref());
    let proxy = proxy.map(ProxyConfigurationType::as_str);
    word(
        "proxyConfiguration.type",
        proxy,
        ProxyConfigurationType::VALUES,
    )
}

/// The words and numbers of one container.
pub(super) fn check_container(container: &ContainerDefinition) -> Result<(), OpError> {
    let name = container.name.as_deref().unwrap_or_default();
    let consistency = container.version_consistency.as_ref();
    word(
        "versionConsistency",
        consistency.map(VersionConsistency::as_str),
        VersionConsistency::VALUES,
    )?;
    let requirements = container.resource_requirements.as_deref();
    if let Some(problem) = gpus::problem(requirements.unwrap_or_default()) {
        return Err(OpError::client(format!("Container '{name}' {problem}.")));
    }
    let linux = container.linux_parameters.as_ref();
    linux.map_or(Ok(()), |linux| check_linux(linux, name))
}

fn check_linux(linux: &LinuxParameters, name: &str) -> Result<(), OpError> {
    let invalid = |member: &str| {
        OpError::client(format!(
            "Invalid '{member}' setting for container '{name}'."
        ))
    };
    let numbers = [
        ("swappiness", linux.swappiness, SWAPPINESS),
        ("maxSwap", linux.max_swap, 0..=i32::MAX),
        ("sharedMemorySize", linux.shared_memory_size, 0..=i32::MAX),
    ];
    for (member, number, range) in numbers {
        if number.is_some_and(|number| !range.contains(&number)) {
            return Err(invalid(member));
        }
    }
    for tmpfs in linux.tmpfs.iter().flatten() {
        let has_size = tmpfs.size.is_some_and(|size| size > 0);
        if !has_size || is_blank(tmpfs.container_path.as_deref()) {
            return Err(invalid("tmpfs"));
        }
    }
    for device in linux.devices.iter().flatten() {
        if is_blank(device.host_path.as_deref()) {
            return Err(invalid("devices"));
        }
        for permission in device.permissions.iter().flatten() {
            let known = DeviceCgroupPermission::VALUES;
            word("permissions", Some(permission.as_str()), known)?;
        }
    }
    Ok(())
}

/// What containers may not ask for in the network mode of their task, bridge if none is named.
pub(super) fn check_modes(shape: &TaskDefinition) -> Result<(), OpError> {
    let mode = shape.network_mode.as_ref().unwrap_or(&NetworkMode::Bridge);
    let containers = shape.container_definitions.as_deref().unwrap_or_default();
    let names: BTreeSet<&str> = containers
        .iter()
        .filter_map(|c| c.name.as_deref())
        .collect();
    for container in containers {
        let links = container.links.as_deref().unwrap_or_default();
        let hosts = container.extra_hosts.as_deref().unwrap_or_default();
        let awsvpc = *mode == NetworkMode::Awsvpc;
        let refused = [
            (
                "hostname",
                awsvpc && !is_blank(container.hostname.as_deref()),
            ),
            ("extraHosts", awsvpc && !hosts.is_empty()),
            ("links", *mode != NetworkMode::Bridge && !links.is_empty()),
        ];
        if let Some((member, _)) = refused.iter().find(|(_, is_set)| *is_set) {
            let text = format!("{member} cannot be used with networkMode '{mode}'.");
            return Err(OpError::client(text));
        }
        let mut linked = links
            .iter()
            .map(|link| link.split(':').next().unwrap_or_default());
        if let Some(unknown) = linked.find(|name| !names.contains(name)) {
            let text = format!("Cannot link to container '{unknown}' because it does not exist");
            return Err(OpError::client(text));
        }
    }
    Ok(())
}

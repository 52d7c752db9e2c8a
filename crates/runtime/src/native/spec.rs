//! The OCI runtime specification of one container: a pure function from what the
//! task definition, the image and the host say to the `config.json` that the
//! container is made from.

pub(crate) mod capabilities;
pub(crate) mod mounts;
pub(crate) mod process;
pub(crate) mod resources;
pub(crate) mod seccomp;
pub(crate) mod user;

use std::path::PathBuf;

use model::container::{ContainerSpec, Failure, NamespaceMode};
use serde_json::{Value, json};

use super::container::record::Request;
use super::volume::LateMount;
use capabilities::Capabilities;
use resources::CgroupVersion;
use seccomp::Filter;
use user::User;

/// What is known only once the root file system is mounted, and about the host.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) user: User,
    pub(crate) cgroup: resources::CgroupFacts,
    /// Version 1: the container's folders by the name of their controller.
    pub(crate) cgroup_folders: Vec<(&'static str, PathBuf)>,
    /// The capabilities this host can give, one bit for each.
    pub(crate) capabilities: u64,
    /// The most open files this host lets a process have.
    pub(crate) nofile_max: u64,
    /// Device nodes of the host; used by privileged containers only.
    pub(crate) devices: Vec<Device>,
    /// Mounts of the definition that go below `/dev`.
    pub(crate) late_mounts: Vec<LateMount>,
}

/// A device node to make in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) path: String,
    /// `c` or `b`.
    pub(crate) kind: char,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Where the cgroup of a container is, below the root of each hierarchy.
pub(crate) fn cgroup_path(spec: &ContainerSpec) -> String {
    format!("/longshore/{}/{}", spec.key.task, spec.key.container)
}

/// The whole specification. `root` is `rootfs`, beside `config.json`.
pub(crate) fn build(request: &Request, host: &Host) -> Result<Value, Failure> {
    let spec = &request.spec;
    let capabilities = Capabilities::of(spec, host.capabilities)?;
    Ok(json!({
        "ociVersion": "1.1.0",
        "root": { "path": "rootfs", "readonly": spec.readonly_root_filesystem },
        "hostname": request.hostname(),
        "process": process::process(request, host, &capabilities)?,
        "mounts": mounts::mounts(request, host),
        "linux": linux(request, host),
    }))
}

/// The filter of system calls; privileged containers have none. It is not in the
/// specification: libcontainer would compile it anew for each container, a quarter of all the
/// work that starting one takes.
pub(crate) fn filter(spec: &ContainerSpec, host: &Host) -> Result<Option<Filter>, Failure> {
    let capabilities = Capabilities::of(spec, host.capabilities)?;
    Ok((!spec.privileged).then(|| Filter::of(&capabilities)))
}

fn linux(request: &Request, host: &Host) -> Value {
    let spec = &request.spec;
    let mut linux = json!({
        "namespaces": namespaces(request, host.cgroup.version),
        "cgroupsPath": cgroup_path(spec),
        "resources": resources::resources(spec, host.cgroup),
        "rootfsPropagation": "private",
        "maskedPaths": [],
        "readonlyPaths": [],
    });
    if !spec.system_controls.is_empty() {
        linux["sysctl"] = json!(spec.system_controls);
    }
    if spec.privileged {
        linux["devices"] = host.devices.iter().map(device).collect();
    } else {
        linux["maskedPaths"] = json!(MASKED_PATHS);
        linux["readonlyPaths"] = json!(readonly_paths(host.cgroup.version));
    }
    linux
}

/// With version 2 also the mount of control groups, on top of its own option: a container must
/// not raise its limits. With version 1 each folder is bound read-only.
fn readonly_paths(cgroup: CgroupVersion) -> Vec<&'static str> {
    let mut paths = READONLY_PATHS.to_vec();
    if cgroup == CgroupVersion::V2 {
        paths.push(mounts::CGROUPS);
    }
    paths
}

fn namespaces(request: &Request, cgroup: CgroupVersion) -> Value {
    let of_spec = [("pid", request.spec.pid), ("ipc", request.spec.ipc)];
    let of_spec = of_spec.map(|(kind, mode)| namespace(kind, mode, request));
    let mut list: Vec<Value> = of_spec.into_iter().flatten().collect();
    list.extend([json!({ "type": "uts" }), json!({ "type": "mount" })]);
    // With version 1 the engines show a container its own folders by bind mounts instead.
    if cgroup == CgroupVersion::V2 {
        list.push(json!({ "type": "cgroup" }));
    }
    if let Some(path) = &request.network.namespace {
        list.push(json!({ "type": "network", "path": path }));
    }
    Value::Array(list)
}

/// One of its own, the task's, or none for the host's.
fn namespace(kind: &str, mode: NamespaceMode, request: &Request) -> Option<Value> {
    match mode {
        NamespaceMode::Own => Some(json!({ "type": kind })),
        NamespaceMode::Task => {
            Some(json!({ "type": kind, "path": request.shared_namespace(kind) }))
        }
        NamespaceMode::Host => None,
    }
}

fn device(device: &Device) -> Value {
    json!({
        "path": device.path,
        "type": device.kind.to_string(),
        "major": device.major,
        "minor": device.minor,
        "fileMode": device.mode,
        "uid": device.uid,
        "gid": device.gid,
    })
}

/// Parts of the kernel's file systems that tell about the host or its other tenants.
pub(crate) const MASKED_PATHS: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Parts of `/proc` by which a container could change the host.
pub(crate) const READONLY_PATHS: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

#[cfg(test)]
#[path = "spec/tests.rs"]
mod tests;

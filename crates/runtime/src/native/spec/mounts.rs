//! What is mounted in a container besides its root.

use std::path::Path;

use model::container::NamespaceMode;
use serde_json::{Value, json};

use super::Host;
use super::resources::CgroupVersion;
use crate::native::container::holder::{SHARED_MEMORY, SHARED_MEMORY_MIB};
use crate::native::container::record::Request;
use crate::native::stage::{ETC, STAGE};
use crate::native::volume::LateMount;

/// Where control groups are shown.
pub(crate) const CGROUPS: &str = "/sys/fs/cgroup";

/// Size of `/dev`, as every engine has it.
const DEV_MIB: u32 = 64;

/// The kernel's file systems, then the three files that depend on the task's network.
pub(crate) fn mounts(request: &Request, host: &Host) -> Value {
    let access = if request.spec.privileged { "rw" } else { "ro" };
    let mut list = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount(
            "/dev",
            "tmpfs",
            &[
                "nosuid",
                "strictatime",
                "mode=755",
                &format!("size={DEV_MIB}m"),
            ],
        ),
        mount(
            "/dev/pts",
            "devpts",
            &[
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                "gid=5",
            ],
        ),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        shared_memory(request),
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", access]),
    ];
    list.extend(cgroups(host, access));
    for name in ETC {
        list.push(etc_file(request, name));
    }
    list.extend(host.late_mounts.iter().map(late));
    Value::Array(list)
}

/// It goes with the namespace of interprocess communication.
fn shared_memory(request: &Request) -> Value {
    let bound = |source: &Path| {
        let options = ["rbind", "rprivate", "nosuid", "noexec", "nodev"];
        json!({ "destination": "/dev/shm", "type": "bind", "source": source, "options": options })
    };
    let mib = request.spec.shared_memory_mib.filter(|mib| *mib > 0);
    match (request.spec.ipc, request.folder.parent()) {
        (NamespaceMode::Host, _) => bound(Path::new("/dev/shm")),
        (NamespaceMode::Task, Some(task)) => bound(&task.join(SHARED_MEMORY)),
        _ => mount(
            "/dev/shm",
            "tmpfs",
            &[
                "nosuid",
                "noexec",
                "nodev",
                "mode=1777",
                &format!("size={}m", mib.unwrap_or(SHARED_MEMORY_MIB)),
            ],
        ),
    }
}

fn mount(destination: &str, kind: &str, options: &[&str]) -> Value {
    json!({ "destination": destination, "type": kind, "source": kind, "options": options })
}

/// Programs size their heaps and thread pools by what they read here.
///
/// libcontainer's own mount of version 1 leaves the folders writable, and among them shows
/// the host's whole named hierarchy. So each folder is bound by hand, read-only.
fn cgroups(host: &Host, access: &str) -> Vec<Value> {
    let options = ["nosuid", "noexec", "nodev", access];
    if host.cgroup.version == CgroupVersion::V2 {
        return vec![mount(CGROUPS, "cgroup", &options)];
    }
    let mut list = vec![mount(
        CGROUPS,
        "tmpfs",
        &["nosuid", "noexec", "nodev", "mode=755", "size=64k"],
    )];
    list.extend(host.cgroup_folders.iter().map(|(name, folder)| {
        json!({
            "destination": format!("{CGROUPS}/{name}"),
            "type": "bind",
            "source": folder,
            "options": ["bind", "rprivate", "nosuid", "noexec", "nodev", access],
        })
    }));
    list
}

/// It is read-only already, if it is to be.
fn late(mount: &LateMount) -> Value {
    json!({
        "destination": mount.target,
        "type": "bind",
        "source": mount.source,
        "options": ["rbind", "rprivate"],
    })
}

/// Writable unless the root is not: programs such as VPN clients rewrite `resolv.conf`.
fn etc_file(request: &Request, name: &str) -> Value {
    let access = if request.spec.readonly_root_filesystem {
        "ro"
    } else {
        "rw"
    };
    json!({
        "destination": format!("/etc/{name}"),
        "type": "bind",
        "source": request.folder.join(STAGE).join("etc").join(name),
        "options": ["bind", "rprivate", access],
    })
}

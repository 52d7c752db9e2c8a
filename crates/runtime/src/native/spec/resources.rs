//! The cgroup limits of one container. Those of its task are set on the parent folder by
//! [`crate::native::cgroup`].

use model::container::ContainerSpec;
use serde_json::{Value, json};

/// Which generation of control groups the host mounts; hybrid counts as version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CgroupVersion {
    V1,
    V2,
}

/// What the host's control groups can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CgroupFacts {
    pub(crate) version: CgroupVersion,
    /// The host has swap space, and the kernel can limit it.
    pub(crate) limits_swap: bool,
}

/// Processes and threads a container may have. ECS has no member for it; a fork bomb should
/// not take the host down.
const PIDS_MAX: i64 = 8192;

/// The kernel's smallest share, and what ECS gives a container without `cpu`.
const CPU_SHARES_MIN: u32 = 2;
/// The kernel's largest share.
const CPU_SHARES_MAX: u32 = 262_144;

pub(crate) fn resources(spec: &ContainerSpec, facts: CgroupFacts) -> Value {
    json!({
        "devices": [{ "allow": spec.privileged, "access": "rwm" }],
        "cpu": { "shares": spec.cpu_units.clamp(CPU_SHARES_MIN, CPU_SHARES_MAX) },
        "memory": memory(spec, facts),
        "pids": { "limit": PIDS_MAX },
    })
}

fn memory(spec: &ContainerSpec, facts: CgroupFacts) -> Value {
    let bytes = |mib: u32| i64::from(mib) << 20;
    let mut memory = json!({});
    if let Some(mib) = spec.memory_mib {
        memory["limit"] = json!(bytes(mib));
        // Memory and swap together: a limit that swap stretches would hide what the task needs.
        if facts.limits_swap {
            memory["swap"] = json!(bytes(mib));
        }
    }
    if let Some(mib) = spec.memory_reservation_mib {
        memory["reservation"] = json!(bytes(mib));
    }
    memory
}

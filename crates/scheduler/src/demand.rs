//! What one task needs from its host.

/// Amounts are taken at placement and given back when the task is STOPPED.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// 1024 per core.
    pub cpu_units: u32,
    pub memory_mib: u32,
    /// Static host ports; dynamic ones are not reserved.
    pub tcp_ports: Vec<u16>,
    pub udp_ports: Vec<u16>,
    /// Whole devices; which ones is decided by the placement.
    pub gpus: u32,
    /// 1 for a task in network mode `awsvpc`.
    pub network_interfaces: u32,
}

/// An attribute that the task definition requires (`requiresAttributes`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredAttribute<'a> {
    pub name: &'a str,
    /// `None`: any value, or none, will do.
    pub value: Option<&'a str>,
}

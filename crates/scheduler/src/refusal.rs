//! Why a host may not run a task.

use std::fmt;
use std::sync::Arc;

/// The first check a host failed. The text form is ECS's reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    Agent,
    /// The name of the first required attribute that is missing or has another value.
    Attribute(Arc<str>),
    Resource(Resource),
    /// The host's zone, which none of the given subnets is in.
    Location {
        zone: Option<Arc<str>>,
    },
    MemberOf {
        expression: Arc<str>,
    },
    DistinctInstance {
        group: Arc<str>,
    },
}

/// Asked and free amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    Cpu { asked: u32, free: u32 },
    Memory { asked: u32, free: u32 },
    Ports(PortRefusal),
    Gpu { asked: u32, free: u32 },
    Eni { asked: u32, free: u32 },
}

/// The first port that a task cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortRefusal {
    TcpInUse(u16),
    UdpInUse(u16),
    /// The host would have more than 100 ports of one protocol in use.
    TooMany,
}

impl Refusal {
    /// ECS's reason, as it stands in `failures`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Attribute(_) => "ATTRIBUTE",
            Self::Resource(Resource::Cpu { .. }) => "RESOURCE:CPU",
            Self::Resource(Resource::Memory { .. }) => "RESOURCE:MEMORY",
            Self::Resource(Resource::Ports(_)) => "RESOURCE:PORTS",
            Self::Resource(Resource::Gpu { .. }) => "RESOURCE:GPU",
            Self::Resource(Resource::Eni { .. }) => "RESOURCE:ENI",
            Self::Location { .. } => "LOCATION",
            Self::MemberOf { .. } => "MemberOf placement constraint unsatisfied.",
            Self::DistinctInstance { .. } => "DistinctInstance placement constraint unsatisfied.",
        }
    }

    /// What missed, with numbers and names, for people.
    pub fn detail(&self) -> String {
        match self {
            Self::Agent => "the agent is not connected".to_owned(),
            Self::Attribute(name) => format!("attribute {name} is missing or has another value"),
            Self::Resource(resource) => resource.detail(),
            Self::Location { zone: Some(zone) } => format!("no given subnet is in zone {zone}"),
            Self::Location { zone: None } => "the host is in no zone".to_owned(),
            Self::MemberOf { expression } => format!("not a member of {expression}"),
            Self::DistinctInstance { group } => format!("has a task of group {group}"),
        }
    }
}

impl Resource {
    fn detail(self) -> String {
        match self {
            Self::Cpu { asked, free } => format!("asked {asked} CPU units, free {free}"),
            Self::Memory { asked, free } => format!("asked {asked} MiB, free {free}"),
            Self::Ports(PortRefusal::TcpInUse(port)) => format!("TCP port {port} is in use"),
            Self::Ports(PortRefusal::UdpInUse(port)) => format!("UDP port {port} is in use"),
            Self::Ports(PortRefusal::TooMany) => "more than 100 ports in use".to_owned(),
            Self::Gpu { asked, free } => format!("asked {asked} GPUs, free {free}"),
            Self::Eni { asked, free } => format!("asked {asked} network interfaces, free {free}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

//! May this host run this task? One function per rule; each says why not.

use std::fmt;

use crate::{Demand, Fleet, Host, RequiredAttribute};

/// Host ports in use on one host, reserved ones included (`placement.md` §6).
const PORTS_MAX: usize = 100;

/// The first check a host failed. The text form is ECS's reason code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    Agent,
    Attribute(String),
    Resource(Resource),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Asked and free amounts.
    Cpu {
        asked: u32,
        free: u32,
    },
    Memory {
        asked: u32,
        free: u32,
    },
    Ports,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "AGENT",
            Self::Attribute(_) => "ATTRIBUTE",
            Self::Resource(Resource::Cpu { .. }) => "RESOURCE:CPU",
            Self::Resource(Resource::Memory { .. }) => "RESOURCE:MEMORY",
            Self::Resource(Resource::Ports) => "RESOURCE:PORTS",
        })
    }
}

/// All checks in the order of `placement.md` §1; the first failure is the refusal.
pub(crate) fn check(
    fleet: &Fleet,
    host: &Host,
    demand: &Demand,
    attributes: &[RequiredAttribute<'_>],
) -> Result<(), Refusal> {
    agent(host)?;
    required_attributes(host, attributes)?;
    let (cpu_free, memory_free) = fleet.free_amounts(host);
    cpu(demand, cpu_free)?;
    memory(demand, memory_free)?;
    ports(fleet, host, demand)
}

fn agent(host: &Host) -> Result<(), Refusal> {
    if host.agent_connected {
        Ok(())
    } else {
        Err(Refusal::Agent)
    }
}

fn required_attributes(host: &Host, wanted: &[RequiredAttribute<'_>]) -> Result<(), Refusal> {
    let missing = wanted
        .iter()
        .find(|attribute| match host.attributes.get(attribute.name) {
            None => true,
            Some(value) => attribute.value.is_some() && value.as_deref() != attribute.value,
        });
    missing.map_or(Ok(()), |attribute| {
        Err(Refusal::Attribute(attribute.name.to_owned()))
    })
}

fn cpu(demand: &Demand, free: u32) -> Result<(), Refusal> {
    let asked = demand.cpu_units;
    if asked <= free {
        Ok(())
    } else {
        Err(Refusal::Resource(Resource::Cpu { asked, free }))
    }
}

fn memory(demand: &Demand, free: u32) -> Result<(), Refusal> {
    let asked = demand.memory_mib;
    if asked <= free {
        Ok(())
    } else {
        Err(Refusal::Resource(Resource::Memory { asked, free }))
    }
}

fn ports(fleet: &Fleet, host: &Host, demand: &Demand) -> Result<(), Refusal> {
    if fleet.ports_fit(host, demand, PORTS_MAX) {
        Ok(())
    } else {
        Err(Refusal::Resource(Resource::Ports))
    }
}

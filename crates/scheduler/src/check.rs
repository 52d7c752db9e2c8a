//! May this host run this task? One function per rule; each says why not.

use crate::Host;
use crate::account::Account;
use crate::host::ZONE;
use crate::limits::HOST_PORTS_MAX;
use crate::member::is_member;
use crate::refusal::{PortRefusal, Refusal, Resource};
use crate::request::{Constraint, Request};

type Check = fn(&Account, &Request<'_>) -> Option<Refusal>;

/// In the order of `placement.md` §1. The status is no check: [`crate::Pool`] holds ACTIVE
/// hosts only.
const CHECKS: [Check; 10] = [
    |account, _| agent(&account.host),
    |account, request| required_attributes(&account.host, request),
    cpu,
    memory,
    ports,
    gpus,
    network_interfaces,
    |account, request| location(&account.host, request),
    member_of,
    distinct_instance,
];

/// The first check that the host fails.
pub(crate) fn check(account: &Account, request: &Request<'_>) -> Result<(), Refusal> {
    let refusal = CHECKS.iter().find_map(|check| check(account, request));
    refusal.map_or(Ok(()), Err)
}

/// Every check that the host fails, in order.
pub(crate) fn check_all(account: &Account, request: &Request<'_>) -> Vec<Refusal> {
    let refusals = CHECKS.iter().filter_map(|check| check(account, request));
    refusals.collect()
}

pub(crate) fn agent(host: &Host) -> Option<Refusal> {
    (!host.agent_connected).then_some(Refusal::Agent)
}

pub(crate) fn required_attributes(host: &Host, request: &Request<'_>) -> Option<Refusal> {
    let has = &host.attributes;
    let missing = |wanted: &&crate::RequiredAttribute<'_>| match has.get(wanted.name) {
        None => true,
        Some(value) => wanted.value.is_some() && value.as_deref() != wanted.value,
    };
    let wanted = request.attributes.iter().find(missing)?;
    Some(Refusal::Attribute(wanted.name.into()))
}

fn cpu(account: &Account, request: &Request<'_>) -> Option<Refusal> {
    let (asked, free) = (request.demand.cpu_units, account.cpu_free());
    (asked > free).then_some(Refusal::Resource(Resource::Cpu { asked, free }))
}

fn memory(account: &Account, request: &Request<'_>) -> Option<Refusal> {
    let (asked, free) = (request.demand.memory_mib, account.memory_free());
    (asked > free).then_some(Refusal::Resource(Resource::Memory { asked, free }))
}

pub(crate) fn ports(account: &Account, request: &Request<'_>) -> Option<Refusal> {
    let (tcp, udp) = (&request.demand.tcp_ports, &request.demand.udp_ports);
    if tcp.is_empty() && udp.is_empty() {
        return None;
    }
    let tcp_taken = tcp.iter().find(|port| account.uses_tcp(**port));
    let udp_taken = udp.iter().find(|port| account.uses_udp(**port));
    let (tcp_in_use, udp_in_use) = account.ports_in_use();
    let too_many = |wanted: usize, in_use: usize| wanted > 0 && wanted + in_use > HOST_PORTS_MAX;
    let refusal = match (tcp_taken, udp_taken) {
        (Some(port), _) => PortRefusal::TcpInUse(*port),
        (None, Some(port)) => PortRefusal::UdpInUse(*port),
        (None, None) if too_many(tcp.len(), tcp_in_use) || too_many(udp.len(), udp_in_use) => {
            PortRefusal::TooMany
        }
        (None, None) => return None,
    };
    Some(Refusal::Resource(Resource::Ports(refusal)))
}

fn gpus(account: &Account, request: &Request<'_>) -> Option<Refusal> {
    let asked = request.demand.gpus;
    if asked == 0 {
        return None;
    }
    let free = account.free_gpus().count() as u32;
    (asked > free).then_some(Refusal::Resource(Resource::Gpu { asked, free }))
}

fn network_interfaces(account: &Account, request: &Request<'_>) -> Option<Refusal> {
    let (asked, free) = (
        request.demand.network_interfaces,
        account.interfaces_free()?,
    );
    (asked > free).then_some(Refusal::Resource(Resource::Eni { asked, free }))
}

pub(crate) fn location(host: &Host, request: &Request<'_>) -> Option<Refusal> {
    if request.zones.is_empty() {
        return None;
    }
    let zone = host.attributes.get(ZONE).and_then(Option::as_deref);
    let is_wanted = zone.is_some_and(|zone| request.zones.contains(&zone));
    let zone = zone.map(Into::into);
    (!is_wanted).then_some(Refusal::Location { zone })
}

fn member_of(account: &Account, request: &Request<'_>) -> Option<Refusal> {
    let expressions = request
        .constraints
        .iter()
        .filter_map(|constraint| match constraint {
            Constraint::MemberOf(expression) => Some(expression),
            Constraint::DistinctInstance => None,
        });
    let mut failed = expressions.filter(|expression| !is_member(account, expression));
    let expression = failed.next()?.text().into();
    Some(Refusal::MemberOf { expression })
}

fn distinct_instance(account: &Account, request: &Request<'_>) -> Option<Refusal> {
    let is_asked = |constraint: &Constraint| matches!(constraint, Constraint::DistinctInstance);
    if !request.constraints.iter().any(is_asked) || account.tasks_of(request.group) == 0 {
        return None;
    }
    let group = request.group.into();
    Some(Refusal::DistinctInstance { group })
}

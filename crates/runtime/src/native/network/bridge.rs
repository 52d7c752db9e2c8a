//! The bridge of this server's tasks: found or made when the first task needs it.
//!
//! Several servers can share a host: each claims a bridge of its own from the configured
//! pool. A claim is an abstract socket, which the kernel keeps per network namespace and
//! drops with its process; the link's alias tells whose tasks a bridge still carries when
//! its server is away.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use ipnet::Ipv4Net;
use model::container::{Failure, FailureName};
use nix::libc;

use super::NetworkConfig;
use super::address::{Addresses, gateway};
use super::failure;
use super::link::{Link, Links, Mac, Veth};
use super::namespace::Namespace;
use super::nftables::{PublishedPort, Table};
use super::reaper::Reaper;

/// `IFALIASZ` of the kernel, less a margin.
const ALIAS_BYTES_MAX: usize = 250;
/// The interface inside a task, as container runtimes call it.
const TASK_INTERFACE: &str = "eth0";

#[derive(Debug)]
pub(super) struct Bridge {
    pub(super) name: String,
    index: u32,
    pub(super) addresses: Addresses,
    pub(super) table: Table,
    pub(super) reaper: Reaper,
    _claim: UnixDatagram,
}

impl Bridge {
    /// The bridge that carries this directory's tasks, else the first free one of the pool.
    pub(super) fn claim(
        links: &mut Links,
        config: &NetworkConfig,
        directory: &Path,
    ) -> Result<Self, Failure> {
        let alias = alias(directory)?;
        let all = links
            .all()
            .map_err(|error| failure("list network links", &error))?;
        let (ours, others): (Vec<_>, Vec<_>) =
            candidates(config).partition(|(name, _)| alias_of(&all, name) == Some(alias.as_str()));
        let mut refusals = Vec::new();
        for (name, subnet) in ours.into_iter().chain(others) {
            match Self::try_claim(links, &all, &alias, &name, subnet) {
                Ok(Some(bridge)) => return Ok(bridge),
                Ok(None) => refusals.push(format!("{name} belongs to another server")),
                Err(Refusal::Overlap(route)) => {
                    refusals.push(format!("the host routes {route}, which overlaps {subnet}"));
                }
                Err(Refusal::Error(error)) => return Err(failure("make the bridge", &error)),
            }
        }
        Err(Failure::new(
            FailureName::ContainerNetworkingError,
            format!(
                "no bridge is free in {}: {}; configure another pool of addresses",
                config.pool,
                refusals.join(", ")
            ),
        ))
    }

    /// Whether a bridge from a former life of this directory is there.
    pub(super) fn exists(
        links: &mut Links,
        config: &NetworkConfig,
        directory: &Path,
    ) -> Result<bool, Failure> {
        let Ok(alias) = alias(directory) else {
            return Ok(false);
        };
        let all = links
            .all()
            .map_err(|error| failure("list network links", &error))?;
        Ok(candidates(config).any(|(name, _)| alias_of(&all, &name) == Some(alias.as_str())))
    }

    fn try_claim(
        links: &mut Links,
        all: &[Link],
        alias: &str,
        name: &str,
        subnet: Ipv4Net,
    ) -> Result<Option<Self>, Refusal> {
        let Some(claim) = hold_claim(name)? else {
            return Ok(None);
        };
        let found = all.iter().find(|link| link.name == name);
        let index = match found {
            Some(link) if link.alias.as_deref() == Some(alias) => link.index,
            Some(link) if !is_abandoned(link, all) => return Ok(None),
            _ => make(links, found, alias, name, subnet)?,
        };
        let bridge = (|| {
            links.add_address(
                index,
                Ipv4Net::new_assert(gateway(subnet), subnet.prefix_len()),
            )?;
            links.up(index)?;
            prepare_kernel(name)?;
            Ok(Self {
                name: name.to_owned(),
                index,
                addresses: Addresses::new(subnet),
                table: Table::open(name)?,
                reaper: Reaper::start(name)?,
                _claim: claim,
            })
        })();
        let fresh = found.is_none_or(|link| link.alias.as_deref() != Some(alias));
        if bridge.is_err() && fresh {
            let _ = links.delete(name);
        }
        bridge.map(Some).map_err(Refusal::Error)
    }

    /// Puts the table in place with exactly these ports.
    pub(super) fn install(&mut self, ports: &[PublishedPort]) -> io::Result<()> {
        self.table.replace(self.addresses.subnet(), ports)?;
        self.table.admit_forwarding()
    }

    pub(super) fn allocate(&mut self) -> Option<Ipv4Addr> {
        for address in self.reaper.returned() {
            self.addresses.release(address);
        }
        self.addresses.allocate()
    }

    /// Connects a namespace: a veth pair, the address, the default route.
    pub(super) fn connect(
        &self,
        links: &mut Links,
        namespace: &mut Namespace,
        address: Ipv4Addr,
    ) -> io::Result<()> {
        let name = port_name(address);
        self.add_port(links, namespace, &name, address)?;
        links.hairpin(&name)?;
        let inside = &mut namespace.links;
        let interface = inside
            .find(TASK_INTERFACE)?
            .ok_or(io::ErrorKind::NotFound)?;
        let prefix_length = self.addresses.subnet().prefix_len();
        inside.add_address(interface.index, Ipv4Net::new_assert(address, prefix_length))?;
        inside.up(interface.index)?;
        inside.add_default_route(self.addresses.gateway())
    }

    fn add_port(
        &self,
        links: &mut Links,
        namespace: &Namespace,
        name: &str,
        address: Ipv4Addr,
    ) -> io::Result<()> {
        let veth = Veth {
            name,
            bridge: self.index,
            peer_name: TASK_INTERFACE,
            peer_mac: Mac::of(address),
            peer_namespace: std::os::fd::AsFd::as_fd(namespace),
        };
        match links.add_veth(&veth) {
            // The kernel has not finished removing the pair of the address's former owner.
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {
                links.delete(name)?;
                links.add_veth(&veth)
            }
            result => result,
        }
    }

    /// Deletes ports of the bridge whose address no task has.
    pub(super) fn remove_strays(
        &self,
        links: &mut Links,
        used: impl Fn(&str) -> bool,
    ) -> io::Result<()> {
        let ports = links
            .all()?
            .into_iter()
            .filter(|link| link.controller == Some(self.index));
        ports
            .filter(|port| !used(&port.name))
            .try_for_each(|port| links.delete(&port.name))
    }

    /// Removes bridge and table, once the last redirection is gone.
    pub(super) fn remove(mut self, links: &mut Links) -> io::Result<()> {
        self.reaper.settle();
        self.table.remove()?;
        links.delete(&self.name)
    }
}

#[derive(Debug)]
enum Refusal {
    Overlap(Ipv4Net),
    Error(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Error(error)
    }
}

/// Name of the host's end of a task's veth pair: unique, and within the 15 bytes of a link name.
pub(super) fn port_name(address: Ipv4Addr) -> String {
    format!("lsh{:08x}", u32::from(address))
}

fn candidates(config: &NetworkConfig) -> impl Iterator<Item = (String, Ipv4Net)> {
    let length = config.bridge_prefix_length.max(config.pool.prefix_len());
    let subnets = config.pool.trunc().subnets(length).into_iter().flatten();
    let name = config.bridge.clone();
    subnets
        .take(BRIDGES_MAX)
        .enumerate()
        .map(move |(slot, subnet)| (format!("{name}{slot}"), subnet))
}

/// More servers than this on one host are taken for leftovers.
const BRIDGES_MAX: usize = 64;

fn alias(directory: &Path) -> Result<String, Failure> {
    let alias = directory.to_string_lossy().into_owned();
    if alias.len() > ALIAS_BYTES_MAX {
        return Err(Failure::new(
            FailureName::ContainerNetworkingError,
            format!(
                "the path of the data directory is longer than {ALIAS_BYTES_MAX} bytes: choose a shorter one"
            ),
        ));
    }
    Ok(alias)
}

fn alias_of<'a>(links: &'a [Link], name: &str) -> Option<&'a str> {
    links
        .iter()
        .find(|link| link.name == name)?
        .alias
        .as_deref()
}

/// A bridge whose data directory is gone, or that was never given to one and carries nothing.
fn is_abandoned(bridge: &Link, all: &[Link]) -> bool {
    match &bridge.alias {
        Some(owner) => Path::new(owner).is_absolute() && !Path::new(owner).exists(),
        None => all.iter().all(|link| link.controller != Some(bridge.index)),
    }
}

fn hold_claim(name: &str) -> io::Result<Option<UnixDatagram>> {
    let address = SocketAddr::from_abstract_name(format!("longshore/bridge/{name}"))?;
    match UnixDatagram::bind_addr(&address) {
        Ok(claim) => Ok(Some(claim)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error),
    }
}

fn make(
    links: &mut Links,
    abandoned: Option<&Link>,
    alias: &str,
    name: &str,
    subnet: Ipv4Net,
) -> Result<u32, Refusal> {
    if abandoned.is_some() {
        links.delete(name)?;
    }
    let overlaps = |route: &Ipv4Net| {
        route.prefix_len() > 0 && (route.contains(&subnet) || subnet.contains(route))
    };
    if let Some((route, _)) = links
        .routes()?
        .into_iter()
        .find(|(route, _)| overlaps(route))
    {
        return Err(Refusal::Overlap(route));
    }
    Ok(links
        .add_bridge(name, Mac::of(gateway(subnet)), alias)?
        .index)
}

/// Switches of the kernel that the redirections need.
fn prepare_kernel(bridge: &str) -> io::Result<()> {
    // A host port must answer on 127.0.0.1 too; the guard chain keeps tasks out of it.
    fs::write(
        format!("/proc/sys/net/ipv4/conf/{bridge}/route_localnet"),
        "1",
    )?;
    // Tasks have IPv4 only; a kernel without IPv6 has no such file.
    let _ = fs::write(
        format!("/proc/sys/net/ipv6/conf/{bridge}/disable_ipv6"),
        "1",
    );
    let forward = "/proc/sys/net/ipv4/ip_forward";
    if fs::read_to_string(forward)?.trim() != "1" {
        tracing::info!("switching on net.ipv4.ip_forward, which tasks need to reach other hosts");
        fs::write(forward, "1")?;
    }
    Ok(())
}

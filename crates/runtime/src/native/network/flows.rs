//! UDP flows that the kernel remembers. A redirection decides only about the first packet
//! of a flow, and a client that keeps sending keeps its flow alive: without this, it would
//! go on talking to a task that is gone, or to nobody.

use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;

use model::payload::Protocol;
use nix::libc;

use super::link::Links;
use super::netlink::{Attributes, DUMP, Message, Reply, Socket};
use super::nftables::PublishedPort;

/// linux/netfilter/nfnetlink_conntrack.h
const SUBSYSTEM: u8 = 1;
const GET: u8 = 1;
const DELETE: u8 = 2;
const TUPLE_ORIGINAL: u16 = 1;
/// `struct nfgenmsg`.
const HEADER_BYTES: usize = 4;

/// Makes the kernel forget UDP flows to these host ports.
pub(super) fn forget(ports: &[PublishedPort]) -> io::Result<()> {
    let udp = ports.iter().filter(|port| port.protocol == Protocol::Udp);
    let ports: BTreeSet<u16> = udp.map(|port| port.host_port).collect();
    if ports.is_empty() {
        return Ok(());
    }
    let local: BTreeSet<Ipv4Addr> = Links::open()?.addresses()?.into_iter().collect();
    let mut socket = Socket::netfilter()?;
    let flows = socket.dump(message(GET, DUMP))?;
    for tuple in flows.iter().filter_map(original_tuple) {
        let stale = Flow::read(tuple).is_some_and(|flow| {
            flow.protocol == libc::IPPROTO_UDP as u8
                && ports.contains(&flow.port)
                && (flow.destination.is_loopback() || local.contains(&flow.destination))
        });
        if stale {
            match socket.request(message(DELETE, 0).nest(TUPLE_ORIGINAL, |nest| nest.raw(tuple))) {
                Err(error) if error.raw_os_error() != Some(libc::ENOENT) => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn message(kind: u8, flags: u16) -> Message {
    let header = [libc::AF_INET as u8, 0, 0, 0];
    Message::new(u16::from_be_bytes([SUBSYSTEM, kind]), flags, &header)
}

fn original_tuple(reply: &Reply) -> Option<&[u8]> {
    reply.attributes(HEADER_BYTES).find(TUPLE_ORIGINAL)
}

/// Where the first packet of a flow went, before any redirection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    protocol: u8,
    destination: Ipv4Addr,
    port: u16,
}

impl Flow {
    fn read(tuple: &[u8]) -> Option<Self> {
        let addresses = Attributes::of(Attributes::of(tuple).find(1)?);
        let protocol = Attributes::of(Attributes::of(tuple).find(2)?);
        Some(Self {
            protocol: *protocol.find(1)?.first()?,
            destination: Ipv4Addr::from(*addresses.find(2)?.first_chunk::<4>()?),
            port: u16::from_be_bytes(*protocol.find(3)?.first_chunk::<2>()?),
        })
    }
}

//! The nf_tables table of one bridge: it publishes ports, hides task addresses behind the
//! host's, and keeps tasks away from the host's loopback. Named after the bridge.
//!
//! In the words of `nft`, for bridge `longshore0` and subnet 10.231.0.0/20:
//!
//! ```text
//! map tcp_ports { type inet_service : ipv4_addr . inet_service }    # udp_ports likewise
//! chain prerouting  { type nat hook prerouting priority -105      # before dstnat
//!   fib daddr type local dnat ip to tcp dport map @tcp_ports }      # udp likewise
//! chain output      { type nat hook output priority -105; the same two rules }
//! chain postrouting { type nat hook postrouting priority 100
//!   ip saddr 10.231.0.0/20 oifname != longshore0 masquerade       # out into the world
//!   ip saddr 127.0.0.0/8 oifname longshore0 masquerade            # localhost:port on the host
//!   ip saddr 10.231.0.0/20 oifname longshore0 ct status dnat masquerade }   # own host port
//! chain guard       { type filter hook prerouting priority -300
//!   iifname longshore0 ip daddr 127.0.0.0/8 drop                  # route_localnet is on
//!   iifname longshore0 ip saddr != 10.231.0.0/20 drop }           # no forged sources
//! chain forward     { type filter hook forward priority 0         # published ports only
//!   iifname longshore0 accept
//!   oifname longshore0 ct state established,related accept
//!   oifname longshore0 ct status dnat accept
//!   oifname longshore0 drop }
//! ```

mod expression;
mod forward;

use std::io;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use model::payload::Protocol;
use nix::libc;

use self::expression::{Expression, Verdict};
pub use self::forward::{Firewall, firewall};
use super::netlink::{APPEND, CREATE, Message, Socket};

/// Numbers of linux/netfilter/nf_tables.h, which `libc` has only in part.
const NEW_TABLE: u8 = 0;
const DELETE_TABLE: u8 = 2;
const NEW_CHAIN: u8 = 3;
const NEW_RULE: u8 = 6;
const NEW_SET: u8 = 9;
const NEW_ELEMENTS: u8 = 12;
const DELETE_ELEMENTS: u8 = 14;

const FAMILY_IPV4: u8 = libc::NFPROTO_IPV4 as u8;
const SUBSYSTEM: u8 = libc::NFNL_SUBSYS_NFTABLES as u8;

/// Data types of the `nft` program, so that it can list our maps: service, address . service.
const TYPE_SERVICE: u32 = 13;
const TYPE_ADDRESS_SERVICE: u32 = (7 << 6) | 13;

/// Elements of one message; the kernel reads at most 64 KiB per attribute.
const ELEMENTS_PER_MESSAGE: usize = 1000;

/// A published port: what reaches `host_port` goes to `address:container_port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PublishedPort {
    pub(super) protocol: Protocol,
    pub(super) host_port: u16,
    pub(super) address: Ipv4Addr,
    pub(super) container_port: u16,
}

/// Requests about the table of one bridge.
#[derive(Debug)]
pub(super) struct Table {
    /// Also the name of the bridge.
    name: String,
    socket: Socket,
}

impl Table {
    pub(super) fn open(bridge: &str) -> io::Result<Self> {
        Ok(Self {
            name: bridge.to_owned(),
            socket: Socket::netfilter()?,
        })
    }

    /// Puts the whole table in place in one step, whatever was there before.
    pub(super) fn replace(&mut self, subnet: Ipv4Net, ports: &[PublishedPort]) -> io::Result<()> {
        let messages = [
            table_messages(&self.name, subnet),
            add_messages(&self.name, ports),
        ];
        commit(&mut self.socket, messages.concat())
    }

    pub(super) fn add(&mut self, ports: &[PublishedPort]) -> io::Result<()> {
        commit(&mut self.socket, add_messages(&self.name, ports))
    }

    /// Takes some 15 ms, because the kernel waits until no packet can see the elements.
    pub(super) fn delete(&mut self, ports: &[PublishedPort]) -> io::Result<()> {
        let all = commit(&mut self.socket, delete_messages(&self.name, ports));
        if !all.as_ref().is_err_and(is_missing) || ports.len() < 2 {
            return all.or_else(|error| {
                if is_missing(&error) {
                    Ok(())
                } else {
                    Err(error)
                }
            });
        }
        // One missing element fails a whole batch; somebody flushed the table.
        ports
            .iter()
            .try_for_each(|port| self.delete(std::slice::from_ref(port)))
    }

    /// Removes the table; succeeds if there is none.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        let messages = vec![
            table_message(NEW_TABLE, &self.name),
            table_message(DELETE_TABLE, &self.name),
        ];
        commit(&mut self.socket, messages)?;
        forward::withdraw(&mut self.socket, &self.name)
    }

    /// Opens the forward path where Docker closes it; does nothing without Docker.
    pub(super) fn admit_forwarding(&mut self) -> io::Result<()> {
        forward::admit(&mut self.socket, &self.name)
    }
}

/// Whether a request failed because the table or an element is not there.
pub(super) fn is_missing(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOENT)
}

/// Carries out all messages or none.
fn commit(socket: &mut Socket, messages: Vec<Message>) -> io::Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    socket.framed_batch(
        frame(libc::NFNL_MSG_BATCH_BEGIN as u16),
        messages,
        frame(libc::NFNL_MSG_BATCH_END as u16),
    )
}

fn frame(kind: u16) -> Message {
    Message::new(kind, 0, &[0, 0, 0, SUBSYSTEM])
}

fn message(kind: u8, flags: u16, family: u8) -> Message {
    Message::new(
        u16::from_be_bytes([SUBSYSTEM, kind]),
        flags,
        &[family, 0, 0, 0],
    )
}

fn table_message(kind: u8, table: &str) -> Message {
    let flags = if kind == NEW_TABLE { CREATE } else { 0 };
    message(kind, flags, FAMILY_IPV4)
        .text(1, table)
        .attribute(2, &0u32.to_be_bytes())
}

fn map_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp_ports",
        Protocol::Udp => "udp_ports",
    }
}

/// The id names a map inside the batch that makes it.
fn map_message(table: &str, protocol: Protocol, id: u32) -> Message {
    let map_flag = libc::NFT_SET_MAP as u32;
    message(NEW_SET, CREATE, FAMILY_IPV4)
        .text(1, table)
        .text(2, map_name(protocol))
        .attribute(3, &map_flag.to_be_bytes())
        .attribute(4, &TYPE_SERVICE.to_be_bytes())
        .attribute(5, &2u32.to_be_bytes())
        .attribute(6, &TYPE_ADDRESS_SERVICE.to_be_bytes())
        .attribute(7, &8u32.to_be_bytes())
        .attribute(10, &id.to_be_bytes())
}

fn chain_message(table: &str, name: &str, kind: &str, hook: i32, priority: i32) -> Message {
    message(NEW_CHAIN, CREATE, FAMILY_IPV4)
        .text(1, table)
        .text(3, name)
        .text(7, kind)
        .nest(4, |h| {
            h.attribute(1, &hook.to_be_bytes())
                .attribute(2, &priority.to_be_bytes())
        })
}

fn rule_message(table: &str, chain: &str, expressions: &[Expression<'_>]) -> Message {
    let head = message(NEW_RULE, CREATE | APPEND, FAMILY_IPV4)
        .text(1, table)
        .text(2, chain);
    expression::attach(head, expressions)
}

/// Everything but elements. The first two messages clear what a former life left.
fn table_messages(table: &str, subnet: Ipv4Net) -> Vec<Message> {
    let mut messages = vec![
        table_message(NEW_TABLE, table),
        table_message(DELETE_TABLE, table),
        table_message(NEW_TABLE, table),
        map_message(table, Protocol::Tcp, 1),
        map_message(table, Protocol::Udp, 2),
    ];
    messages.extend(publish_chain(
        table,
        "prerouting",
        libc::NF_INET_PRE_ROUTING,
    ));
    messages.extend(publish_chain(table, "output", libc::NF_INET_LOCAL_OUT));
    messages.extend(postrouting_chain(table, subnet));
    messages.extend(guard_chain(table, subnet));
    messages.extend(forward_chain(table));
    messages
}

/// Just before the usual priority of destination NAT, so that nobody's rules come first.
const PUBLISH_PRIORITY: i32 = -105;

fn publish_chain(table: &str, name: &str, hook: i32) -> Vec<Message> {
    let rule = |protocol| {
        rule_message(
            table,
            name,
            &expression::redirect(map_name(protocol), protocol),
        )
    };
    vec![
        chain_message(table, name, "nat", hook, PUBLISH_PRIORITY),
        rule(Protocol::Tcp),
        rule(Protocol::Udp),
    ]
}

fn postrouting_chain(table: &str, subnet: Ipv4Net) -> Vec<Message> {
    let name = "postrouting";
    let masquerade = |matches: [Vec<Expression<'_>>; 3]| {
        rule_message(
            table,
            name,
            &[matches.concat(), vec![Expression::Masquerade]].concat(),
        )
    };
    let ours = expression::source_in(subnet, true);
    let loopback = expression::source_in(expression::LOOPBACK, true);
    vec![
        chain_message(table, name, "nat", libc::NF_INET_POST_ROUTING, 100),
        masquerade([ours.clone(), expression::leaving_by(table, false), vec![]]),
        masquerade([loopback, expression::leaving_by(table, true), vec![]]),
        masquerade([
            ours,
            expression::leaving_by(table, true),
            expression::redirected(),
        ]),
    ]
}

/// Before connection tracking, where packets still carry the addresses their sender wrote.
const GUARD_PRIORITY: i32 = -300;

fn guard_chain(table: &str, subnet: Ipv4Net) -> Vec<Message> {
    let drop = |matches: Vec<Expression<'_>>| {
        let from_task = expression::entering_by(table);
        rule_message(
            table,
            "guard",
            &[from_task, matches, vec![Expression::Verdict(Verdict::Drop)]].concat(),
        )
    };
    vec![
        chain_message(
            table,
            "guard",
            "filter",
            libc::NF_INET_PRE_ROUTING,
            GUARD_PRIORITY,
        ),
        drop(expression::destination_in(expression::LOOPBACK)),
        drop(expression::source_in(subnet, false)),
    ]
}

fn forward_chain(table: &str) -> Vec<Message> {
    let rule = |matches: [Vec<Expression<'_>>; 2], verdict| {
        let all = [matches.concat(), vec![Expression::Verdict(verdict)]].concat();
        rule_message(table, "forward", &all)
    };
    let to_task = || expression::leaving_by(table, true);
    vec![
        chain_message(table, "forward", "filter", libc::NF_INET_FORWARD, 0),
        rule([expression::entering_by(table), vec![]], Verdict::Accept),
        rule(
            [to_task(), expression::of_known_connection()],
            Verdict::Accept,
        ),
        rule([to_task(), expression::redirected()], Verdict::Accept),
        rule([to_task(), vec![]], Verdict::Drop),
    ]
}

fn add_messages(table: &str, ports: &[PublishedPort]) -> Vec<Message> {
    element_messages(NEW_ELEMENTS, CREATE, table, ports)
}

fn delete_messages(table: &str, ports: &[PublishedPort]) -> Vec<Message> {
    element_messages(DELETE_ELEMENTS, 0, table, ports)
}

fn element_messages(kind: u8, flags: u16, table: &str, ports: &[PublishedPort]) -> Vec<Message> {
    let mut messages = Vec::new();
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        let of_map: Vec<_> = ports
            .iter()
            .filter(|port| port.protocol == protocol)
            .collect();
        for chunk in of_map.chunks(ELEMENTS_PER_MESSAGE) {
            let head = message(kind, flags, FAMILY_IPV4)
                .text(1, table)
                .text(2, map_name(protocol));
            messages.push(head.nest(3, |list| {
                chunk.iter().fold(list, |list, port| element(list, port))
            }));
        }
    }
    messages
}

fn element(list: Message, port: &PublishedPort) -> Message {
    let mut target = [0; 8];
    target[..4].copy_from_slice(&port.address.octets());
    target[4..6].copy_from_slice(&port.container_port.to_be_bytes());
    list.nest(1, |element| {
        element
            .nest(1, |key| key.attribute(1, &port.host_port.to_be_bytes()))
            .nest(2, |data| data.attribute(1, &target))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: PublishedPort = PublishedPort {
        protocol: Protocol::Tcp,
        host_port: 8080,
        address: Ipv4Addr::new(10, 231, 0, 5),
        container_port: 80,
    };

    /// The bytes that `nft --debug=mnl add element ip longshore0 tcp_ports { 8080 : 10.231.0.5 . 80 }`
    /// shows, without the set id it adds.
    #[test]
    fn an_element_has_the_bytes_of_nft() {
        let messages = add_messages("longshore0", &[WEB]);
        let [message] = <[Message; 1]>::try_from(messages).unwrap();
        let bytes = message.finish(0);
        let expected: Vec<u8> = [
            &[2, 0, 0, 0][..],
            &[15, 0, 1, 0],
            b"longshore0\0\0",
            &[14, 0, 2, 0],
            b"tcp_ports\0\0\0",
            &[36, 0, 3, 0x80],
            &[32, 0, 1, 0x80],
            &[12, 0, 1, 0x80, 6, 0, 1, 0, 0x1f, 0x90, 0, 0],
            &[16, 0, 2, 0x80, 12, 0, 1, 0, 10, 231, 0, 5, 0, 80, 0, 0],
        ]
        .concat();
        assert_eq!(bytes[4..6], 2572u16.to_ne_bytes());
        assert_eq!(bytes[16..], expected);
    }

    #[test]
    fn a_chain_has_the_bytes_of_nft() {
        let bytes = chain_message("longshore0", "prerouting", "nat", 0, -105).finish(0);
        let expected: Vec<u8> = [
            &[2, 0, 0, 0, 15, 0, 1, 0][..],
            b"longshore0\0\0",
            &[15, 0, 3, 0],
            b"prerouting\0\0",
            &[8, 0, 7, 0],
            b"nat\0",
            &[
                20, 0, 4, 0x80, 8, 0, 1, 0, 0, 0, 0, 0, 8, 0, 2, 0, 0xff, 0xff, 0xff, 0x97,
            ],
        ]
        .concat();
        assert_eq!(bytes[16..], expected);
    }

    #[test]
    fn many_elements_are_cut_into_messages() {
        let ports: Vec<_> = (1..=2500)
            .map(|host_port| PublishedPort { host_port, ..WEB })
            .collect();
        assert_eq!(add_messages("longshore0", &ports).len(), 3);
        assert_eq!(add_messages("longshore0", &[]).len(), 0);
    }
}

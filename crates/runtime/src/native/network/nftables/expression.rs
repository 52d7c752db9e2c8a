//! Expressions of nf_tables rules, and the matches this table is made of.
//! All of them work on register 1, as the rules that `nft` compiles do.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use model::payload::Protocol;
use nix::libc;

use crate::native::network::netlink::Message;

pub(super) const LOOPBACK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);

const REGISTER: [u8; 4] = (libc::NFT_REG_1 as u32).to_be_bytes();
/// The second word of the eight bytes that a map lookup puts into register 1: the port.
const PORT_REGISTER: [u8; 4] = (libc::NFT_REG32_01 as u32).to_be_bytes();
const VERDICT_REGISTER: [u8; 4] = [0; 4];

/// `NFT_FIB_RESULT_ADDRTYPE` and `NFTA_FIB_F_DADDR`, linux/netfilter/nf_tables.h.
const FIB_ADDRESS_TYPE: u32 = 3;
const FIB_DESTINATION: u32 = 2;
/// `IPS_DST_NAT`; `NF_CT_STATE_BIT` of established and related.
const STATUS_DST_NAT: u32 = 1 << 5;
const STATE_KNOWN: u32 = 0b110;

const SOURCE_OFFSET: u32 = 12;
const DESTINATION_OFFSET: u32 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    Drop,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression<'a> {
    /// Loads the type of the destination address.
    DestinationType,
    Meta(i32),
    Connection(i32),
    NetworkHeader {
        offset: u32,
    },
    DestinationPort,
    Mask([u8; 4]),
    Equal(Vec<u8>),
    NotEqual(Vec<u8>),
    Lookup(&'a str),
    /// To the address and port a lookup found.
    DestinationNat,
    Masquerade,
    Counter,
    Verdict(Verdict),
}

/// `fib daddr type local dnat ip to <protocol> dport map @<map>`
pub(super) fn redirect(map: &str, protocol: Protocol) -> Vec<Expression<'_>> {
    let number = match protocol {
        Protocol::Tcp => libc::IPPROTO_TCP as u8,
        Protocol::Udp => libc::IPPROTO_UDP as u8,
    };
    vec![
        Expression::DestinationType,
        Expression::Equal(u32::from(libc::RTN_LOCAL).to_ne_bytes().to_vec()),
        Expression::Meta(libc::NFT_META_L4PROTO),
        Expression::Equal(vec![number]),
        Expression::DestinationPort,
        Expression::Lookup(map),
        Expression::DestinationNat,
    ]
}

/// `ip saddr <subnet>`, or its opposite.
pub(super) fn source_in<'a>(subnet: Ipv4Net, inside: bool) -> Vec<Expression<'a>> {
    address_in(SOURCE_OFFSET, subnet, inside)
}

pub(super) fn destination_in<'a>(subnet: Ipv4Net) -> Vec<Expression<'a>> {
    address_in(DESTINATION_OFFSET, subnet, true)
}

fn address_in<'a>(offset: u32, subnet: Ipv4Net, inside: bool) -> Vec<Expression<'a>> {
    let network = subnet.network().octets().to_vec();
    vec![
        Expression::NetworkHeader { offset },
        Expression::Mask(subnet.netmask().octets()),
        if inside {
            Expression::Equal(network)
        } else {
            Expression::NotEqual(network)
        },
    ]
}

pub(super) fn entering_by<'a>(link: &str) -> Vec<Expression<'a>> {
    vec![
        Expression::Meta(libc::NFT_META_IIFNAME),
        Expression::Equal(link_name(link)),
    ]
}

pub(super) fn leaving_by<'a>(link: &str, equal: bool) -> Vec<Expression<'a>> {
    let name = link_name(link);
    vec![
        Expression::Meta(libc::NFT_META_OIFNAME),
        if equal {
            Expression::Equal(name)
        } else {
            Expression::NotEqual(name)
        },
    ]
}

/// `ct status dnat`
pub(super) fn redirected<'a>() -> Vec<Expression<'a>> {
    connection_bits(libc::NFT_CT_STATUS, STATUS_DST_NAT)
}

/// `ct state established,related`
pub(super) fn of_known_connection<'a>() -> Vec<Expression<'a>> {
    connection_bits(libc::NFT_CT_STATE, STATE_KNOWN)
}

fn connection_bits<'a>(key: i32, bits: u32) -> Vec<Expression<'a>> {
    vec![
        Expression::Connection(key),
        Expression::Mask(bits.to_ne_bytes()),
        Expression::NotEqual(vec![0; 4]),
    ]
}

/// `IFNAMSIZ` bytes, filled with zeros.
fn link_name(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(libc::IFNAMSIZ, 0);
    bytes
}

/// Adds the expressions to a rule message.
pub(super) fn attach(rule: Message, expressions: &[Expression<'_>]) -> Message {
    rule.nest(4, |list| {
        expressions.iter().fold(list, |list, expression| {
            list.nest(1, |item| expression.emit(item))
        })
    })
}

impl Expression<'_> {
    fn emit(&self, item: Message) -> Message {
        let item = item.text(1, self.name());
        if matches!(self, Self::Masquerade | Self::Counter) {
            return item;
        }
        item.nest(2, |data| self.emit_data(data))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::DestinationType => "fib",
            Self::Meta(_) => "meta",
            Self::Connection(_) => "ct",
            Self::NetworkHeader { .. } | Self::DestinationPort => "payload",
            Self::Mask(_) => "bitwise",
            Self::Equal(_) | Self::NotEqual(_) => "cmp",
            Self::Lookup(_) => "lookup",
            Self::DestinationNat => "nat",
            Self::Masquerade => "masq",
            Self::Counter => "counter",
            Self::Verdict(_) => "immediate",
        }
    }

    fn emit_data(&self, data: Message) -> Message {
        match self {
            Self::DestinationType => data
                .attribute(1, &REGISTER)
                .attribute(2, &FIB_ADDRESS_TYPE.to_be_bytes())
                .attribute(3, &FIB_DESTINATION.to_be_bytes()),
            Self::Meta(key) | Self::Connection(key) => data
                .attribute(1, &REGISTER)
                .attribute(2, &key.to_be_bytes()),
            Self::NetworkHeader { offset } => {
                payload(data, libc::NFT_PAYLOAD_NETWORK_HEADER, *offset, 4)
            }
            Self::DestinationPort => payload(data, libc::NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
            Self::Mask(mask) => data
                .attribute(1, &REGISTER)
                .attribute(2, &REGISTER)
                .attribute(3, &4u32.to_be_bytes())
                .nest(4, |value| value.attribute(1, mask))
                .nest(5, |value| value.attribute(1, &[0; 4])),
            Self::Equal(bytes) => compare(data, libc::NFT_CMP_EQ, bytes),
            Self::NotEqual(bytes) => compare(data, libc::NFT_CMP_NEQ, bytes),
            Self::Lookup(map) => data
                .text(1, map)
                .attribute(2, &REGISTER)
                .attribute(3, &REGISTER),
            Self::DestinationNat => data
                .attribute(1, &libc::NFT_NAT_DNAT.to_be_bytes())
                .attribute(2, &libc::NFPROTO_IPV4.to_be_bytes())
                .attribute(3, &REGISTER)
                .attribute(5, &PORT_REGISTER),
            Self::Masquerade | Self::Counter => data,
            Self::Verdict(verdict) => {
                let code: u32 = match verdict {
                    Verdict::Accept => libc::NF_ACCEPT as u32,
                    Verdict::Drop => libc::NF_DROP as u32,
                };
                data.attribute(1, &VERDICT_REGISTER).nest(2, |value| {
                    value.nest(2, |inner| inner.attribute(1, &code.to_be_bytes()))
                })
            }
        }
    }
}

fn payload(data: Message, base: i32, offset: u32, length: u32) -> Message {
    data.attribute(1, &REGISTER)
        .attribute(2, &base.to_be_bytes())
        .attribute(3, &offset.to_be_bytes())
        .attribute(4, &length.to_be_bytes())
}

fn compare(data: Message, operator: i32, bytes: &[u8]) -> Message {
    data.attribute(1, &REGISTER)
        .attribute(2, &operator.to_be_bytes())
        .nest(3, |value| value.attribute(1, bytes))
}

//! Links, addresses and routes of one network namespace, over rtnetlink.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

use ipnet::Ipv4Net;
use nix::libc;

use super::netlink::{Attributes, CREATE, DUMP, EXCLUSIVE, Message, Reply, Socket, number};

/// `struct ifinfomsg`, `struct ifaddrmsg` and `struct rtmsg`.
const LINK_HEADER_BYTES: usize = 16;
const ADDRESS_HEADER_BYTES: usize = 8;
const ROUTE_HEADER_BYTES: usize = 12;
const LOOPBACK_INDEX: u32 = 1;
/// `VETH_INFO_PEER`, linux/veth.h.
const PEER: u16 = 1;
/// `IFLA_BRPORT_MODE`, linux/if_link.h.
const HAIRPIN: u16 = 4;

/// A link as far as this module looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) alias: Option<String>,
    /// The bridge it is a port of.
    pub(super) controller: Option<u32>,
}

/// A veth pair to make: one end here on a bridge, the other in a task's namespace.
#[derive(Clone, Debug)]
pub(super) struct Veth<'a> {
    pub(super) name: &'a str,
    pub(super) bridge: u32,
    pub(super) peer_name: &'a str,
    pub(super) peer_mac: Mac,
    pub(super) peer_namespace: BorrowedFd<'a>,
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mac(pub(super) [u8; 6]);

impl Mac {
    /// Locally administered and made from the address, so that an address that is
    /// given out again keeps its neighbour entries valid.
    pub(super) fn of(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        Self([0x02, 0x4c, a, b, c, d])
    }
}

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Requests to the namespace in which the socket was opened.
#[derive(Debug)]
pub(super) struct Links {
    socket: Socket,
}

impl Links {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self {
            socket: Socket::route()?,
        })
    }

    pub(super) fn all(&mut self) -> io::Result<Vec<Link>> {
        let answers =
            self.socket
                .dump(Message::new(libc::RTM_GETLINK, DUMP, &link_header(0, 0)))?;
        Ok(answers.iter().map(read_link).collect())
    }

    pub(super) fn find(&mut self, name: &str) -> io::Result<Option<Link>> {
        let question = Message::new(libc::RTM_GETLINK, 0, &link_header(0, 0))
            .asking_for_answer()
            .text(libc::IFLA_IFNAME, name);
        match self.socket.dump(question) {
            Ok(answers) => Ok(answers.first().map(read_link)),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn up(&mut self, index: u32) -> io::Result<()> {
        let header = link_header(index, libc::IFF_UP as u32);
        self.socket
            .request(Message::new(libc::RTM_NEWLINK, 0, &header))
    }

    pub(super) fn loopback_up(&mut self) -> io::Result<()> {
        self.up(LOOPBACK_INDEX)
    }

    /// The alias says whose bridge it is. The kernel takes it only for links that exist.
    pub(super) fn add_bridge(&mut self, name: &str, mac: Mac, alias: &str) -> io::Result<Link> {
        let create = Message::new(
            libc::RTM_NEWLINK,
            CREATE | EXCLUSIVE,
            &link_header(0, libc::IFF_UP as u32),
        )
        .text(libc::IFLA_IFNAME, name)
        // Fixed, or the bridge would take the lowest address of its ports, which come and go.
        .attribute(libc::IFLA_ADDRESS, &mac.0)
        .nest(libc::IFLA_LINKINFO, |info| {
            info.text(libc::IFLA_INFO_KIND, "bridge")
        });
        self.socket.request(create)?;
        let link = self.find(name)?.ok_or(io::ErrorKind::NotFound)?;
        let owner = Message::new(libc::RTM_NEWLINK, 0, &link_header(link.index, 0))
            .text(libc::IFLA_IFALIAS, alias);
        self.socket.request(owner)?;
        Ok(Link {
            alias: Some(alias.to_owned()),
            ..link
        })
    }

    /// Makes the pair with its far end already in the other namespace: moving it there
    /// afterwards takes ten times as long. The far end must be set up from inside.
    pub(super) fn add_veth(&mut self, veth: &Veth<'_>) -> io::Result<()> {
        let fd = veth.peer_namespace.as_raw_fd().to_ne_bytes();
        let create = Message::new(
            libc::RTM_NEWLINK,
            CREATE | EXCLUSIVE,
            &link_header(0, libc::IFF_UP as u32),
        )
        .text(libc::IFLA_IFNAME, veth.name)
        .attribute(libc::IFLA_MASTER, &veth.bridge.to_ne_bytes())
        .nest(libc::IFLA_LINKINFO, |info| {
            info.text(libc::IFLA_INFO_KIND, "veth")
                .nest(libc::IFLA_INFO_DATA, |data| {
                    data.nest(PEER, |peer| {
                        peer.raw(&link_header(0, 0))
                            .text(libc::IFLA_IFNAME, veth.peer_name)
                            .attribute(libc::IFLA_ADDRESS, &veth.peer_mac.0)
                            .attribute(libc::IFLA_NET_NS_FD, &fd)
                    })
                })
        });
        self.socket.request(create)
    }

    /// Lets a bridge send a frame back through the port it came from, which a container
    /// that calls its own host port needs where bridged frames pass the firewall.
    pub(super) fn hairpin(&mut self, name: &str) -> io::Result<()> {
        let change = Message::new(libc::RTM_NEWLINK, 0, &link_header(0, 0))
            .text(libc::IFLA_IFNAME, name)
            .nest(libc::IFLA_LINKINFO, |info| {
                info.text(libc::IFLA_INFO_SLAVE_KIND, "bridge")
                    .nest(libc::IFLA_INFO_SLAVE_DATA, |port| {
                        port.attribute(HAIRPIN, &[1])
                    })
            });
        self.socket.request(change)
    }

    pub(super) fn delete(&mut self, name: &str) -> io::Result<()> {
        let request =
            Message::new(libc::RTM_DELLINK, 0, &link_header(0, 0)).text(libc::IFLA_IFNAME, name);
        match self.socket.request(request) {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(()),
            result => result,
        }
    }

    pub(super) fn add_address(&mut self, index: u32, address: Ipv4Net) -> io::Result<()> {
        let mut header = vec![
            libc::AF_INET as u8,
            address.prefix_len(),
            0,
            libc::RT_SCOPE_UNIVERSE,
        ];
        header.extend_from_slice(&index.to_ne_bytes());
        let octets = address.addr().octets();
        let request = Message::new(libc::RTM_NEWADDR, CREATE | EXCLUSIVE, &header)
            .attribute(libc::IFA_LOCAL, &octets)
            .attribute(libc::IFA_ADDRESS, &octets)
            .attribute(libc::IFA_BROADCAST, &address.broadcast().octets());
        match self.socket.request(request) {
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
            result => result,
        }
    }

    /// The IPv4 addresses of all links.
    pub(super) fn addresses(&mut self) -> io::Result<Vec<Ipv4Addr>> {
        let mut header = [0; ADDRESS_HEADER_BYTES];
        header[0] = libc::AF_INET as u8;
        let answers = self
            .socket
            .dump(Message::new(libc::RTM_GETADDR, DUMP, &header))?;
        let address = |reply: &Reply| {
            let octets = reply
                .attributes(ADDRESS_HEADER_BYTES)
                .find(libc::IFA_LOCAL)?;
            Some(Ipv4Addr::from(*octets.first_chunk::<4>()?))
        };
        Ok(answers.iter().filter_map(address).collect())
    }

    pub(super) fn add_default_route(&mut self, gateway: Ipv4Addr) -> io::Result<()> {
        let mut header = [0; ROUTE_HEADER_BYTES];
        header[0] = libc::AF_INET as u8;
        header[4] = libc::RT_TABLE_MAIN;
        header[5] = libc::RTPROT_STATIC;
        header[6] = libc::RT_SCOPE_UNIVERSE;
        header[7] = libc::RTN_UNICAST;
        let request = Message::new(libc::RTM_NEWROUTE, CREATE | EXCLUSIVE, &header)
            .attribute(libc::RTA_GATEWAY, &gateway.octets());
        self.socket.request(request)
    }

    /// Destinations in the host's IPv4 routing tables, without default routes, and their links.
    pub(super) fn routes(&mut self) -> io::Result<Vec<(Ipv4Net, u32)>> {
        let mut header = [0; ROUTE_HEADER_BYTES];
        header[0] = libc::AF_INET as u8;
        let answers = self
            .socket
            .dump(Message::new(libc::RTM_GETROUTE, DUMP, &header))?;
        Ok(answers.iter().filter_map(read_route).collect())
    }
}

fn link_header(index: u32, flags: u32) -> [u8; LINK_HEADER_BYTES] {
    let mut header = [0; LINK_HEADER_BYTES];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..16].copy_from_slice(&flags.to_ne_bytes());
    header
}

fn read_link(reply: &Reply) -> Link {
    let attributes: Attributes<'_> = reply.attributes(LINK_HEADER_BYTES);
    Link {
        index: number(&reply.payload, 4),
        name: attributes.find_text(libc::IFLA_IFNAME).unwrap_or_default(),
        alias: attributes.find_text(libc::IFLA_IFALIAS),
        controller: attributes
            .find(libc::IFLA_MASTER)
            .map(|value| number(value, 0)),
    }
}

fn read_route(reply: &Reply) -> Option<(Ipv4Net, u32)> {
    let attributes = reply.attributes(ROUTE_HEADER_BYTES);
    let octets = attributes.find(libc::RTA_DST)?.first_chunk::<4>()?;
    let prefix_length = *reply.payload.get(1)?;
    let link = attributes
        .find(libc::RTA_OIF)
        .map_or(0, |value| number(value, 0));
    Some((
        Ipv4Net::new(Ipv4Addr::from(*octets), prefix_length).ok()?,
        link,
    ))
}

//! Host ports, each held by a bound socket: a rule of the firewall alone would take
//! the traffic of another program that opens the same port.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, OwnedFd};

use model::payload::Protocol;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, Shutdown, SockFlag, SockType, SockaddrIn, bind, listen, setsockopt,
    shutdown, socket, sockopt,
};

/// A port that no other program on the host can bind while this value lives. It does
/// not listen: connections are redirected before they could reach it.
#[derive(Debug)]
pub(super) struct HeldPort {
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    _socket: OwnedFd,
}

impl HeldPort {
    /// `EADDRINUSE` if any program has the port on any address.
    pub(super) fn hold(protocol: Protocol, port: u16) -> Result<Self, Errno> {
        let kind = match protocol {
            Protocol::Tcp => SockType::Stream,
            Protocol::Udp => SockType::Datagram,
        };
        let fd = socket(AddressFamily::Inet, kind, SockFlag::SOCK_CLOEXEC, None)?;
        match protocol {
            Protocol::Tcp => claim_tcp(&fd, port)?,
            Protocol::Udp => claim_udp(&fd, port)?,
        }
        Ok(Self {
            protocol,
            port,
            _socket: fd,
        })
    }
}

/// Binds with SO_REUSEADDR, or connections that a former program closed would keep the port
/// busy for a minute. Left on, it would let any program that sets it too bind beside us; and
/// the kernel remembers it with the port until a socket listens there. So: listen for a
/// moment, stop, and switch it off.
fn claim_tcp(fd: &OwnedFd, port: u16) -> Result<(), Errno> {
    setsockopt(fd, sockopt::ReuseAddr, &true)?;
    bind(fd.as_raw_fd(), &any_address(port))?;
    listen(fd, Backlog::new(0)?)?;
    shutdown(fd.as_raw_fd(), Shutdown::Both)?;
    setsockopt(fd, sockopt::ReuseAddr, &false)
}

fn claim_udp(fd: &OwnedFd, port: u16) -> Result<(), Errno> {
    // Datagrams that pass the redirection (broadcasts) must not pile up; the kernel rounds
    // up to its minimum.
    setsockopt(fd, sockopt::RcvBuf, &0)?;
    bind(fd.as_raw_fd(), &any_address(port))
}

fn any_address(port: u16) -> SockaddrIn {
    SockaddrIn::new(0, 0, 0, 0, port)
}

/// Picks dynamic ports from a range, one after the other, so that a port that was just
/// released is not given to the next task at once.
#[derive(Clone, Debug)]
pub(super) struct PortPicker {
    range: RangeInclusive<u16>,
    next: BTreeMap<Protocol, u16>,
}

impl PortPicker {
    pub(super) fn new(range: RangeInclusive<u16>) -> Self {
        Self {
            range,
            next: BTreeMap::new(),
        }
    }

    /// `None` when every port of the range is in use.
    pub(super) fn hold_any(&mut self, protocol: Protocol) -> Result<Option<HeldPort>, Errno> {
        let (low, high) = (*self.range.start(), *self.range.end());
        let start = self.next.get(&protocol).copied().unwrap_or(low);
        for port in (start..=high).chain(low..start) {
            match HeldPort::hold(protocol, port) {
                Ok(held) => {
                    let next = port.checked_add(1).filter(|next| self.range.contains(next));
                    self.next.insert(protocol, next.unwrap_or(low));
                    return Ok(Some(held));
                }
                Err(Errno::EADDRINUSE) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// `tcp` or `udp`, as error messages say it.
pub(super) fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn a_held_port_cannot_be_bound_by_others() {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let held = PortPicker::new(20000..=29999)
                .hold_any(protocol)
                .unwrap()
                .unwrap();
            let bound = match protocol {
                Protocol::Tcp => TcpListener::bind(("127.0.0.1", held.port)).is_ok(),
                Protocol::Udp => UdpSocket::bind(("127.0.0.1", held.port)).is_ok(),
            };
            assert!(!bound);
            assert_eq!(
                HeldPort::hold(protocol, held.port).err(),
                Some(Errno::EADDRINUSE)
            );
        }
    }

    #[test]
    fn a_taken_port_cannot_be_held() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(
            HeldPort::hold(Protocol::Tcp, port).err(),
            Some(Errno::EADDRINUSE)
        );
        assert!(
            PortPicker::new(port..=port)
                .hold_any(Protocol::Tcp)
                .unwrap()
                .is_none()
        );
    }

    /// A server that closed its connection leaves it in TIME_WAIT.
    #[test]
    fn a_port_that_a_server_just_left_can_be_held() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        drop(listener.accept().unwrap());
        drop((client, listener));
        let held = HeldPort::hold(Protocol::Tcp, address.port()).unwrap();
        assert!(TcpListener::bind(address).is_err());
        assert!(TcpStream::connect(address).is_err(), "it does not listen");
        drop(held);
        assert!(TcpListener::bind(address).is_ok());
    }
}

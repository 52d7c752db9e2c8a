//! Netlink: the messages this module sends and the socket they travel on.
//!
//! Written here rather than taken from a crate: nf_tables needs a message
//! builder in any case (no permissive crate speaks it), the same forty lines
//! serve the handful of route requests, and the calls are made on threads where
//! an async connection would only be in the way.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

const HEADER_BYTES: usize = 16;
/// The kernel fills at most 32 KiB of a dump at once.
const RECEIVE_BYTES: usize = 64 * 1024;
/// Room for one batch with the published ports of every task after a restart.
const SEND_BYTES: usize = 4 * 1024 * 1024;
/// The kernel answers within milliseconds; a lost answer must not hang the thread.
const ANSWER_SECONDS: i64 = 20;

pub(super) const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
pub(super) const ACK: u16 = libc::NLM_F_ACK as u16;
pub(super) const CREATE: u16 = libc::NLM_F_CREATE as u16;
pub(super) const EXCLUSIVE: u16 = libc::NLM_F_EXCL as u16;
pub(super) const APPEND: u16 = libc::NLM_F_APPEND as u16;
pub(super) const DUMP: u16 = libc::NLM_F_DUMP as u16;
/// Marks an attribute that holds attributes; the mask takes both flag bits off a kind.
const NESTED: u16 = 1 << 15;
const KIND_MASK: u16 = 0x3fff;

/// One message under construction. Numbers go in as bytes, because route
/// attributes are in host order and nf_tables attributes in network order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// `header` is the fixed part that follows the netlink header (`ifinfomsg`, `nfgenmsg`, …).
    pub(super) fn new(kind: u16, flags: u16, header: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        bytes.extend_from_slice(header);
        Self { bytes }
    }

    pub(super) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + 4).expect("attributes are cut below 64 KiB");
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.pad()
    }

    /// A string with the NUL byte that the kernel wants at its end.
    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        self.attribute(kind, &[value.as_bytes(), &[0]].concat())
    }

    pub(super) fn nest(mut self, kind: u16, fill: impl FnOnce(Self) -> Self) -> Self {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&(kind | NESTED).to_ne_bytes());
        let mut filled = fill(self);
        let length =
            u16::try_from(filled.bytes.len() - start).expect("attributes are cut below 64 KiB");
        filled.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        filled
    }

    /// Bytes without a frame, for the struct that opens a nested message.
    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self.pad()
    }

    pub(super) fn asking_for_answer(mut self) -> Self {
        self.bytes[6] |= ACK as u8;
        self
    }

    fn pad(mut self) -> Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// The finished bytes under the given sequence number.
    pub(super) fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).expect("messages are cut below 4 GiB");
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

/// A netlink socket. It stays in the network namespace in which it was opened,
/// whichever thread uses it later.
#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    pub(super) fn route() -> io::Result<Self> {
        Self::open(SockProtocol::NetlinkRoute)
    }

    pub(super) fn netfilter() -> io::Result<Self> {
        let socket = Self::open(SockProtocol::NetlinkNetFilter)?;
        // Needs CAP_NET_ADMIN, as every request on this socket does.
        setsockopt(&socket.fd, sockopt::SndBufForce, &SEND_BYTES)?;
        Ok(socket)
    }

    fn open(protocol: SockProtocol) -> io::Result<Self> {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            protocol,
        )?;
        setsockopt(
            &fd,
            sockopt::ReceiveTimeout,
            &TimeVal::seconds(ANSWER_SECONDS),
        )?;
        Ok(Self {
            fd,
            sequence: 0,
            buffer: vec![0; RECEIVE_BYTES],
        })
    }

    /// Sends one request and waits until the kernel has carried it out.
    pub(super) fn request(&mut self, message: Message) -> io::Result<()> {
        self.batch(vec![message]).map(|_| ())
    }

    /// Sends messages together and waits for the answer to the last.
    pub(super) fn batch(&mut self, messages: Vec<Message>) -> io::Result<()> {
        let first = self.sequence + 1;
        let answered = messages.len().saturating_sub(1);
        let mut bytes = Vec::new();
        for (position, message) in messages.into_iter().enumerate() {
            self.sequence += 1;
            let message = if position == answered {
                message.asking_for_answer()
            } else {
                message
            };
            bytes.extend(message.finish(self.sequence));
        }
        self.exchange(&bytes, first, self.sequence)
    }

    /// As `batch`, framed by an opening and a closing message that get no answer of their own.
    pub(super) fn framed_batch(
        &mut self,
        open: Message,
        messages: Vec<Message>,
        close: Message,
    ) -> io::Result<()> {
        let first = self.sequence + 1;
        let last =
            first + u32::try_from(messages.len()).expect("batches are bounded by the subnet");
        let mut bytes = open.finish(first);
        for (message, sequence) in messages.into_iter().zip(first + 1..) {
            let message = if sequence == last {
                message.asking_for_answer()
            } else {
                message
            };
            bytes.extend(message.finish(sequence));
        }
        self.sequence = last + 1;
        bytes.extend(close.finish(self.sequence));
        self.exchange(&bytes, first, last)
    }

    /// Waits for the answer to `last`; an error for any message since `first` ends the wait.
    fn exchange(&mut self, bytes: &[u8], first: u32, last: u32) -> io::Result<()> {
        send(self.fd.as_raw_fd(), bytes, MsgFlags::empty())?;
        loop {
            for reply in self.receive()? {
                match reply.error()? {
                    _ if !(first..=last).contains(&reply.sequence) => {}
                    Some(0) if reply.sequence < last => {}
                    Some(0) => return Ok(()),
                    Some(errno) => return Err(io::Error::from_raw_os_error(errno)),
                    None => {}
                }
            }
        }
    }

    /// Sends a request that is answered by messages, and returns all of them.
    pub(super) fn dump(&mut self, message: Message) -> io::Result<Vec<Reply>> {
        self.sequence += 1;
        let sequence = self.sequence;
        send(
            self.fd.as_raw_fd(),
            &message.finish(sequence),
            MsgFlags::empty(),
        )?;
        let mut answers = Vec::new();
        loop {
            for reply in self.receive()? {
                match reply.error()? {
                    _ if reply.sequence != sequence => {}
                    Some(0) => return Ok(answers),
                    Some(errno) => return Err(io::Error::from_raw_os_error(errno)),
                    None if reply.kind == libc::NLMSG_DONE as u16 => return Ok(answers),
                    None => answers.push(reply),
                }
            }
        }
    }

    fn receive(&mut self) -> io::Result<Vec<Reply>> {
        let length = recv(self.fd.as_raw_fd(), &mut self.buffer, MsgFlags::empty())?;
        Reply::split(&self.buffer[..length])
    }
}

/// One message from the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) kind: u16,
    sequence: u32,
    /// What follows the netlink header.
    pub(super) payload: Vec<u8>,
}

impl Reply {
    fn split(mut bytes: &[u8]) -> io::Result<Vec<Self>> {
        let mut replies = Vec::new();
        while bytes.len() >= HEADER_BYTES {
            let length = number(bytes, 0) as usize;
            // An error answer repeats the request, which may not fit the buffer: its head is enough.
            let end = length.min(bytes.len());
            if length < HEADER_BYTES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "netlink: short message",
                ));
            }
            replies.push(Self {
                kind: u16::from_ne_bytes([bytes[4], bytes[5]]),
                sequence: number(bytes, 8),
                payload: bytes[HEADER_BYTES..end].to_vec(),
            });
            bytes = &bytes[end.next_multiple_of(4).min(bytes.len())..];
        }
        Ok(replies)
    }

    /// The errno of an answer; `Some(0)` is success, `None` another kind of message.
    fn error(&self) -> io::Result<Option<i32>> {
        if self.kind != libc::NLMSG_ERROR as u16 {
            return Ok(None);
        }
        match self.payload.first_chunk::<4>() {
            Some(bytes) => Ok(Some(-i32::from_ne_bytes(*bytes))),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "netlink: short answer",
            )),
        }
    }

    /// The attributes behind a fixed part of `header` bytes.
    pub(super) fn attributes(&self, header: usize) -> Attributes<'_> {
        Attributes {
            bytes: self.payload.get(header..).unwrap_or_default(),
        }
    }
}

/// Walks over attributes and skips what is malformed, since a newer kernel may say more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a> {
    bytes: &'a [u8],
}

impl<'a> Attributes<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn find(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find_map(|(found, value)| (found == kind).then_some(value))
    }

    pub(super) fn find_text(self, kind: u16) -> Option<String> {
        self.find(kind).map(|bytes| {
            let end = bytes
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let head = self.bytes.first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let kind = u16::from_ne_bytes([head[2], head[3]]) & KIND_MASK;
        let value = self.bytes.get(4..length)?;
        self.bytes = self
            .bytes
            .get(length.next_multiple_of(4)..)
            .unwrap_or_default();
        Some((kind, value))
    }
}

/// A number in host order; 0 beyond the end.
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<4>())
        .map_or(0, |four| u32::from_ne_bytes(*four))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn attributes_are_framed_padded_and_nested() {
        let message = Message::new(7, ACK, &[1, 0, 0, 0])
            .text(3, "ab")
            .nest(5, |inner| {
                inner.attribute(1, &[9]).attribute(2, &[8, 8, 8, 8])
            });
        let expected: Vec<u8> = [
            &48u32.to_ne_bytes()[..],
            &7u16.to_ne_bytes(),
            &5u16.to_ne_bytes(),
            &77u32.to_ne_bytes(),
            &[0, 0, 0, 0],
            &[1, 0, 0, 0],
            &[7, 0, 3, 0, b'a', b'b', 0, 0],
            &[20, 0, 5, 0x80],
            &[5, 0, 1, 0, 9, 0, 0, 0],
            &[8, 0, 2, 0, 8, 8, 8, 8],
        ]
        .concat();
        assert_eq!(message.finish(77), expected);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_walked(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let seen: usize = Attributes::of(&bytes).map(|(_, value)| value.len() + 4).sum();
            prop_assert!(seen <= bytes.len());
            let _ = Reply::split(&bytes);
        }

        #[test]
        fn what_is_written_is_read(kind in 0u16..0x3fff, value in proptest::collection::vec(any::<u8>(), 0..64)) {
            let bytes = Message::new(1, 0, &[]).attribute(kind, &value).finish(1);
            prop_assert_eq!(Attributes::of(&bytes[16..]).find(kind), Some(&value[..]));
        }
    }
}

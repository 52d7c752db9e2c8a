//! The server's end of the shim that others are copies of; see `shim/template.rs`.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};

use super::launch::command;

/// Dropping it ends the template, not its copies.
#[derive(Debug)]
pub(crate) struct Template {
    shim: Vec<OsString>,
    socket: Mutex<OwnedFd>,
}

impl Template {
    pub(crate) fn start(shim: &[OsString]) -> io::Result<Self> {
        Ok(Self {
            shim: shim.to_vec(),
            socket: Mutex::new(spawn(shim)?),
        })
    }

    /// Starts a shim for the folder with these standard streams, and the request behind them.
    pub(crate) fn copy(&self, folder: &Path, files: [BorrowedFd<'_>; 4]) -> io::Result<()> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        match order(&socket, folder, &files) {
            // Somebody killed the template.
            Err(Errno::PIPE | Errno::CONNRESET) => {
                *socket = spawn(&self.shim)?;
                Ok(order(&socket, folder, &files)?)
            }
            ordered => Ok(ordered?),
        }
    }
}

fn spawn(shim: &[OsString]) -> io::Result<OwnedFd> {
    // Messages keep their bounds, so that an order comes whole.
    let (server, template) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let mut command = command(shim)?;
    let streams = command.stdin(template).stdout(Stdio::null());
    // Dropped, it goes on: the runtime reaps it when it ends.
    streams.stderr(Stdio::null()).arg("template").spawn()?;
    Ok(server)
}

fn order(socket: &OwnedFd, folder: &Path, files: &[BorrowedFd<'_>; 4]) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(Errno::NOBUFS);
    }
    let path = [IoSlice::new(folder.as_os_str().as_bytes())];
    sendmsg(socket, &path, &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

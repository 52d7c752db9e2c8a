//! A shim that waits, and of which each container's shim is a copy: what a start of this
//! program costs (mapping it, relocating it, the first touch of each page) is paid once.
//!
//! The server sends the folder of a container and four descriptors: the copy's standard streams,
//! and the request. When the server's end of the socket closes, the template ends; its
//! copies go on.
#![expect(unsafe_code, reason = "fork and signal dispositions have no safe form")]

use std::ffi::OsString;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, fork};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

/// What one copy begins with.
struct Order {
    folder: PathBuf,
    /// Standard input, output and error; the request.
    files: [OwnedFd; 4],
}

/// Returns in each copy too, when its container has ended.
pub(super) fn main() -> ExitCode {
    // Signals for the server's terminal are not for containers.
    let _ = rustix::process::setsid();
    let Ok(server) = io::stdin().as_fd().try_clone_to_owned() else {
        return ExitCode::FAILURE;
    };
    // Copies that end need not be waited for.
    set_children(SigHandler::SigIgn);
    loop {
        let order = match receive(&server) {
            Ok(Some(order)) => order,
            Ok(None) => return ExitCode::SUCCESS,
            Err(_) => return ExitCode::FAILURE,
        };
        // SAFETY: this process has one thread, so the child may do all that it may.
        match unsafe { fork() } {
            Ok(ForkResult::Child) => {
                drop(server);
                return begin(order);
            }
            Ok(ForkResult::Parent { .. }) => {}
            // The server sees the pipe for the report end, and says so.
            Err(_) => {}
        }
    }
}

fn begin(order: Order) -> ExitCode {
    set_children(SigHandler::SigDfl);
    let [input, output, error, request] = order.files;
    let moved = dup2_stdin(&input)
        .and_then(|()| dup2_stdout(&output))
        .and_then(|()| dup2_stderr(&error));
    if moved.is_err() {
        return ExitCode::FAILURE;
    }
    drop((input, output, error));
    super::main(&order.folder, request.into())
}

fn set_children(handler: SigHandler) {
    // SAFETY: neither disposition runs a handler.
    let _ = unsafe { signal(Signal::SIGCHLD, handler) };
}

/// `None` when the server is gone.
fn receive(server: &OwnedFd) -> io::Result<Option<Order>> {
    let mut path = vec![0; libc::PATH_MAX as usize];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut parts = [IoSliceMut::new(&mut path)];
        match recvmsg(server, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            received => break received?,
        }
    };
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sent) = message {
            descriptors.extend(sent);
        }
    }
    if received.bytes == 0 {
        return Ok(None);
    }
    path.truncate(received.bytes);
    let files = descriptors
        .try_into()
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let folder = PathBuf::from(OsString::from_vec(path));
    Ok(Some(Order { folder, files }))
}

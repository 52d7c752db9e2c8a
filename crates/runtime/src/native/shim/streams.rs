//! The standard streams of a container: pipes, or a terminal that both outputs go to.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use libcontainer::container::builder::ContainerBuilder;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::output::Pipe;
use super::program::pipe;
use crate::native::container::folder::Folder;
use crate::native::container::record::Request;

/// Where the container's own process sends the terminal that it makes.
const SOCKET: &str = "console";

/// The container's ends.
pub(super) enum Streams {
    Pipes {
        input: OwnedFd,
        output: OwnedFd,
        errors: OwnedFd,
    },
    Terminal {
        listener: UnixListener,
        path: PathBuf,
    },
}

/// The shim's ends.
pub(super) struct Ends {
    pub(super) pipes: Vec<Pipe>,
    /// Held for a program that reads what nobody writes.
    pub(super) input: Option<OwnedFd>,
}

pub(super) fn open(folder: &Folder, request: &Request) -> io::Result<(Streams, Ends)> {
    let mut ends = Ends {
        pipes: Vec::new(),
        input: None,
    };
    if request.spec.terminal {
        return Ok((terminal(folder)?, ends));
    }
    let input = match request.spec.interactive {
        true => {
            let (read, write) = pipe()?;
            ends.input = Some(write);
            read
        }
        false => File::open("/dev/null")?.into(),
    };
    let ((out, output), (err, errors)) = (pipe()?, pipe()?);
    ends.pipes = vec![Pipe::new(out)?, Pipe::new(err)?];
    let streams = Streams::Pipes {
        input,
        output,
        errors,
    };
    Ok((streams, ends))
}

/// The name of a socket is short, and the folder's is not: it is bound from within.
fn terminal(folder: &Folder) -> io::Result<Streams> {
    std::env::set_current_dir(folder.path())?;
    let listener = UnixListener::bind(SOCKET);
    std::env::set_current_dir("/")?;
    Ok(Streams::Terminal {
        listener: listener?,
        path: folder.join(SOCKET),
    })
}

impl Streams {
    /// Hands the container its ends; what is left is to be kept until it is made.
    pub(super) fn give(
        self,
        builder: ContainerBuilder,
    ) -> (ContainerBuilder, Option<UnixListener>) {
        match self {
            Self::Pipes {
                input,
                output,
                errors,
            } => {
                let builder = builder.with_stdin(input).with_stdout(output);
                (builder.with_stderr(errors), None)
            }
            Self::Terminal { listener, path } => {
                (builder.with_console_socket(Some(path)), Some(listener))
            }
        }
    }
}

/// The end of the terminal that what the container writes is read from. It was sent before the
/// container counted as made.
pub(super) fn receive(listener: &UnixListener) -> io::Result<Pipe> {
    listener.set_nonblocking(true)?;
    let (socket, _) = listener.accept()?;
    let mut name = [0; 64];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut name)];
    recvmsg(&socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut sent) = message
            && let Some(master) = sent.next()
        {
            return Pipe::terminal(master);
        }
    }
    Err(io::Error::other("the container sent no terminal"))
}

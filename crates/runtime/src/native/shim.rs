//! The process that owns one container: makes it, reads its output, waits for it, and writes
//! down how it ended. It outlives the server that started it.
//!
//! libcontainer forks by the bare system call and changes the calling process, so a shim has
//! one thread and no async runtime. The server gives it a clean environment, the lock of the
//! container's folder as standard input, and a pipe for its one report as standard output;
//! standard error is a file for last words. What to make is in a file in memory: neither that nor
//! the specification, both with secrets in them, is ever on the disk.

mod create;
mod execute;
mod filter;
mod hold;
mod init;
mod output;
mod program;
mod streams;
mod template;
mod watch;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;

use model::container::{Failure, FailureName};
use rustix::stdio::{dup2_stdin, dup2_stdout};

use super::container::folder::Folder;
use super::container::process::Process;
use super::container::record::Report;

/// The hidden subcommand: `template` runs a container for each order, `exec DIR` a command inside
/// one, `hold DIR MIB` keeps the namespaces that a task shares.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match arguments.as_slice() {
        [word] if word == "template" => template::main(),
        [word, folder] if word == "exec" => execute::main(Path::new(folder)),
        [word, task, mib] if word == "hold" => hold::main(Path::new(task), &mib.to_string_lossy()),
        _ => ExitCode::from(2),
    }
}

/// Runs one container in its folder as the request says, from creation to its exit record.
fn main(folder: &Path, request: File) -> ExitCode {
    let folder = Folder::new(folder.to_owned());
    let Ok(streams) = Streams::take() else {
        return ExitCode::FAILURE;
    };
    let made = begin(&folder)
        .map_err(internal)
        .and_then(|()| create::container(&folder, request));
    match made {
        Ok(running) => {
            streams.report(&Report::Started(running.started.clone()));
            running.watch(&folder)
        }
        Err(failure) => {
            streams.report(&Report::Failed(failure));
            ExitCode::FAILURE
        }
    }
}

/// Leaves the session of the server and writes down who the shim is.
fn begin(folder: &Folder) -> io::Result<()> {
    // Fails for the leader of a group: then it has a session of its own already.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from(0o022));
    folder.write("shim.json", &Process::of(std::process::id().cast_signed())?)
}

fn internal(error: io::Error) -> Failure {
    create::refused(
        FailureName::CannotCreateContainerError,
        "the shim cannot begin",
        error,
    )
}

/// What the server handed over as standard streams, moved out of the container's way.
struct Streams {
    /// Held until the report is written: a second start of the same container waits for it.
    _lock: OwnedFd,
    report: File,
}

impl Streams {
    fn take() -> io::Result<Self> {
        let lock = io::stdin().as_fd().try_clone_to_owned()?;
        let report = io::stdout().as_fd().try_clone_to_owned()?;
        let null = File::options().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        Ok(Self {
            _lock: lock,
            report: report.into(),
        })
    }

    /// Consumes the streams: the lock is free and the pipe at its end afterwards.
    fn report(mut self, report: &Report) {
        // A server that ended meanwhile finds `started.json`, or nothing and starts afresh.
        if let Ok(text) = serde_json::to_vec(report) {
            let _ = self.report.write_all(&text);
        }
    }
}

//! A command inside a running container, for health checks: a short-lived process of its own,
//! because libcontainer needs a single thread here too.
//!
//! Standard input is the request, standard output the command's output, standard error the
//! report.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use model::container::{Failure, FailureName};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, WaitOptions, pidfd_open, waitpid};
use rustix::stdio::dup2_stderr;

use super::create::refused;
use super::filter::Compiled;
use super::program::{Program, Style};
use crate::native::container::folder::Folder;
use crate::native::container::process::exit_code;
use crate::native::container::record::{ExecuteReport, ExecuteRequest};
use crate::native::stage::STAGE;
use crate::native::{rootfs, stage};

pub(super) fn main(folder: &Path) -> ExitCode {
    let folder = Folder::new(folder.to_owned());
    let Ok(report) = io::stderr().as_fd().try_clone_to_owned() else {
        return ExitCode::FAILURE;
    };
    let outcome = read_request().and_then(|request| execute(&folder, &request));
    let told = serde_json::to_vec(&outcome.unwrap_or_else(ExecuteReport::Failed))
        .map_err(io::Error::from)
        .and_then(|text| std::fs::File::from(report).write_all(&text));
    ExitCode::from(u8::from(told.is_err()))
}

fn read_request() -> Result<ExecuteRequest, Failure> {
    let mut text = Vec::new();
    io::stdin()
        .read_to_end(&mut text)
        .and_then(|_| serde_json::from_slice(&text).map_err(io::Error::from))
        .map_err(|error| cannot("the command cannot be read", error))
}

fn execute(folder: &Folder, request: &ExecuteRequest) -> Result<ExecuteReport, Failure> {
    let pid = start(folder, request)?;
    if ended_within(pid, Duration::from_millis(request.timeout_millis)) {
        return collect(pid).map(ExecuteReport::Exited);
    }
    // The command leads a process group: what it started goes too.
    let _ = killpg(pid, Signal::SIGKILL);
    collect(pid).map(|_| ExecuteReport::TimedOut)
}

fn start(folder: &Folder, request: &ExecuteRequest) -> Result<Pid, Failure> {
    let streams = streams().map_err(|error| cannot("the output cannot be opened", error))?;
    let [null, stdout, stderr] = streams;
    let id = container_id(folder).map_err(|error| cannot("the container is not known", error))?;
    let process = ProcessFile::write(folder, request)
        .map_err(|error| cannot("the command cannot be written down", error))?;
    let filter = filter(folder, process.confined)
        .map_err(|error| cannot("the filter of system calls cannot be read", error))?;
    let (program, complaints) = Program::new(Style::Command, None, filter)
        .map_err(|error| cannot("no pipe for the start", error))?;
    let built = ContainerBuilder::new(id, SyscallType::default())
        .with_root_path(folder.join("state"))
        .map(|builder| {
            builder
                .with_executor(program)
                .with_stdin(null)
                .with_stdout(stdout)
                .with_stderr(stderr)
        })
        .and_then(|builder| {
            let tenant = builder.as_tenant().with_detach(true);
            tenant.with_process(Some(&process.path)).build()
        });
    match (built, complaints.read()) {
        (Ok(pid), None) => Ok(pid),
        (_, Some(sentence)) => Err(Failure::new(
            FailureName::CannotStartContainerError,
            sentence,
        )),
        (Err(error), None) => Err(cannot("the command cannot be started", error)),
    }
}

fn filter(folder: &Folder, confined: bool) -> io::Result<Option<Compiled>> {
    match (Compiled::read(&folder.join("filter"))?, confined) {
        (None, true) => Err(io::ErrorKind::NotFound.into()),
        (filter, _) => Ok(filter),
    }
}

/// The container's own process with another command: same user, folder and rights. It has the
/// environment in it, and is in a stage in memory that ends with this process.
struct ProcessFile {
    path: PathBuf,
    /// Not privileged: the container has a filter of system calls, and so have its commands.
    confined: bool,
}

impl ProcessFile {
    fn write(folder: &Folder, request: &ExecuteRequest) -> io::Result<Self> {
        let shim = folder
            .shim()
            .filter(|shim| matches!(shim.open(), Ok(Some(_))));
        let shim = shim.ok_or_else(|| io::Error::other("its shim does not run"))?;
        rootfs::own_mount_namespace()?;
        let text = stage::copy(folder.path(), shim.pid)?;
        let mut specification: serde_json::Value = serde_json::from_slice(&text)?;
        let masked = specification["linux"]["maskedPaths"].as_array();
        let confined = masked.is_some_and(|paths| !paths.is_empty());
        let process = &mut specification["process"];
        // Its output is a pipe, whatever the container's is.
        process["terminal"] = serde_json::json!(false);
        process["args"] = serde_json::json!(request.command);
        let stage = Folder::new(folder.join(STAGE));
        stage.write("process.json", process)?;
        Ok(Self {
            path: stage.join("process.json"),
            confined,
        })
    }
}

/// Never the standard descriptors themselves: the builder closes what it is given.
fn streams() -> io::Result<[OwnedFd; 3]> {
    let null = || {
        std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
    };
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    let stderr = stdout.try_clone()?;
    dup2_stderr(null()?)?;
    Ok([null()?.into(), stdout, stderr])
}

/// The only entry of the state folder.
fn container_id(folder: &Folder) -> io::Result<String> {
    let mut states = std::fs::read_dir(folder.join("state"))?;
    let state = states
        .next()
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))??;
    state
        .file_name()
        .into_string()
        .map_err(|_| io::ErrorKind::InvalidData.into())
}

fn ended_within(pid: Pid, timeout: Duration) -> bool {
    let Some(descriptor) = rustix::process::Pid::from_raw(pid.as_raw())
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
    else {
        return true;
    };
    let timeout = Timespec::try_from(timeout).ok();
    loop {
        let mut watched = [PollFd::new(&descriptor, PollFlags::IN)];
        match poll(&mut watched, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            result => return result != Ok(0),
        }
    }
}

fn collect(pid: Pid) -> Result<i32, Failure> {
    let pid = rustix::process::Pid::from_raw(pid.as_raw());
    loop {
        match waitpid(pid, WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(exit_code(status.as_raw())),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                return Err(cannot(
                    "the command's end was not seen",
                    io::Error::from(error),
                ));
            }
        }
    }
}

fn cannot(what: &str, error: impl std::error::Error) -> Failure {
    refused(FailureName::CannotInspectContainerError, what, error)
}

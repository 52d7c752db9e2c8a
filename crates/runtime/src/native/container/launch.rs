//! Starting a shim and reading its one report.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;

use model::container::{ContainerKey, Failure, FailureName, Started};
use rustix::fs::{FlockOperation, MemfdFlags, flock};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::process::Command;
use tokio::task::spawn_blocking;

use super::folder::Folder;
use super::record::{Report, Request, StartedRecord};
use super::template::Template;
use crate::native::cgroup::Cgroups;

/// A report is a record of a start or one sentence; an error chain may be long.
const REPORT_BYTES_MAX: u64 = 64 * 1024;

/// How much of a crashed shim's last words is passed on.
const LAST_WORDS_BYTES: usize = 512;

/// Starts the container, or finds that it was started before.
///
/// The folder's lock is handed to the shim, which frees it with its report. So whoever gets
/// the lock sees either a started container or what a start that failed left behind, also
/// when the server that began the start is gone.
pub(crate) async fn start(
    template: &Template,
    folder: &Folder,
    cgroups: &Cgroups,
    request: &Request,
) -> Result<Started, Failure> {
    let key = &request.spec.key;
    let lock = locked(folder.clone()).await?;
    if let Some(record) = folder.started() {
        return Ok(started(key, &record));
    }
    prepare(folder, cgroups, key).map_err(refused("the container's folder cannot be prepared"))?;
    let pipe = spawn(template, folder, lock, request)
        .map_err(refused("the shim cannot be started; restart the server"))?;
    match report(pipe, folder).await {
        Report::Started(record) => Ok(started(key, &record)),
        Report::Failed(failure) => {
            let folder = folder.clone();
            // What cannot be removed now is removed when the task is torn down.
            let _ = spawn_blocking(move || folder.remove()).await;
            Err(failure)
        }
    }
}

pub(crate) fn started(key: &ContainerKey, record: &StartedRecord) -> Started {
    Started {
        runtime_id: key.runtime_id(),
        at: record.at,
    }
}

async fn locked(folder: Folder) -> Result<File, Failure> {
    let lock = move || -> io::Result<File> {
        folder.create()?;
        let lock = folder.open_lock()?;
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(lock)
    };
    let joined = spawn_blocking(lock).await.map_err(io::Error::other);
    joined
        .and_then(|locked| locked)
        .map_err(refused("the container's folder cannot be locked"))
}

/// Waits until no start of the container is under way; the lock keeps the next one out.
/// `None` if there is no folder.
pub(crate) async fn settled(folder: &Folder) -> Result<Option<File>, Failure> {
    match folder.path().exists() {
        true => locked(folder.clone()).await.map(Some),
        false => Ok(None),
    }
}

/// Removes what a start that failed may have left.
fn prepare(folder: &Folder, cgroups: &Cgroups, key: &ContainerKey) -> io::Result<()> {
    cgroups.remove_container(key)?;
    folder.clear()
}

/// A file in memory, for it holds secrets; it ends with its last descriptor.
fn written(request: &Request) -> io::Result<File> {
    let file = rustix::fs::memfd_create("request", MemfdFlags::CLOEXEC)?;
    let mut file = File::from(file);
    file.write_all(&serde_json::to_vec(request)?)?;
    file.rewind()?;
    Ok(file)
}

/// Answers the pipe for the report. The lock stays with the shim alone.
fn spawn(
    template: &Template,
    folder: &Folder,
    lock: File,
    request: &Request,
) -> io::Result<Receiver> {
    let request = written(request)?;
    let mut words = OpenOptions::new();
    let words = words.write(true).create(true).truncate(true).mode(0o600);
    let words = words.open(folder.join("shim.log"))?;
    let (report, report_end) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&report, true)?;
    let files = [
        lock.as_fd(),
        report_end.as_fd(),
        words.as_fd(),
        request.as_fd(),
    ];
    template.copy(folder.path(), files)?;
    Receiver::from_owned_fd(report)
}

/// A shim's command without its arguments; its environment is empty.
pub(super) fn command(shim: &[OsString]) -> io::Result<Command> {
    let (program, arguments) = shim
        .split_first()
        .ok_or_else(|| io::Error::other("no shim program is configured"))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/");
    Ok(command)
}

async fn report(pipe: Receiver, folder: &Folder) -> Report {
    let mut text = Vec::new();
    // A report that was cut short does not parse, and is answered as none.
    let _ = pipe.take(REPORT_BYTES_MAX).read_to_end(&mut text).await;
    serde_json::from_slice(&text).unwrap_or_else(|_| {
        let words = std::fs::read(folder.join("shim.log")).unwrap_or_default();
        let words = &words[..words.len().min(LAST_WORDS_BYTES)];
        let detail = format!(
            "the shim ended without a report: {}",
            String::from_utf8_lossy(words).trim()
        );
        Report::Failed(Failure::new(
            FailureName::CannotCreateContainerError,
            detail,
        ))
    })
}

fn refused(what: &str) -> impl Fn(io::Error) -> Failure {
    move |error| {
        Failure::new(
            FailureName::CannotCreateContainerError,
            format!("{what}: {error}"),
        )
    }
}

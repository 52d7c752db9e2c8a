//! The namespaces that the containers of a task share, from the server's side; see `shim/hold.rs`.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;

use model::container::{ContainerSpec, NamespaceMode};

use super::folder::Folder;
use super::launch::command;
use super::process::{Process, ended};

/// In the task's folder: the process.
pub(crate) const RECORD: &str = ".holder.json";

/// In the task's folder, seen from the holder's mount namespace only: shared memory.
pub(crate) const SHARED_MEMORY: &str = ".shm";

/// Size of shared memory unless the container says otherwise, as every engine has it.
pub(crate) const SHARED_MEMORY_MIB: u32 = 64;

/// Does the container need a holder?
pub(crate) fn is_needed(spec: &ContainerSpec) -> bool {
    spec.pid == NamespaceMode::Task || spec.ipc == NamespaceMode::Task
}

/// Finds the holder of the task, or starts it. One call at a time.
pub(crate) async fn find_or_start(
    shim: &[OsString],
    task: &Path,
    spec: &ContainerSpec,
) -> io::Result<Process> {
    let folder = Folder::new(task.to_owned());
    if let Some(holder) = alive(&folder)? {
        return Ok(holder);
    }
    folder.create()?;
    let mib = spec.shared_memory_mib.filter(|mib| *mib > 0);
    let mut command = command(shim)?;
    command.arg("hold").arg(task);
    command.arg(mib.unwrap_or(SHARED_MEMORY_MIB).to_string());
    let output = command.stdin(Stdio::null()).output().await?;
    let words = || io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned());
    match output.status.success() {
        true => alive(&folder)?.ok_or_else(words),
        false => Err(words()),
    }
}

/// Ends the holder of a task, and with it whatever is left in its process namespace.
pub(crate) async fn end(task: &Path) -> io::Result<()> {
    let folder = Folder::new(task.to_owned());
    let Some(holder) = folder.read::<Process>(RECORD) else {
        return Ok(());
    };
    if let Some(descriptor) = holder.open()? {
        holder.signal(rustix::process::Signal::KILL.as_raw())?;
        ended(&descriptor).await?;
    }
    Ok(())
}

fn alive(folder: &Folder) -> io::Result<Option<Process>> {
    let holder = folder.read::<Process>(RECORD);
    let is_alive = |holder: &Process| holder.open().map(|descriptor| descriptor.is_some());
    match holder {
        Some(holder) if is_alive(&holder)? => Ok(Some(holder)),
        _ => Ok(None),
    }
}

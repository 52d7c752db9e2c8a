//! How a container ended, also when its shim did not live to write it down.

use std::io;
use std::time::Duration;

use model::container::{ContainerKey, Exit};
use tokio::time::sleep;

use super::folder::Folder;
use super::process::{ended, exit_code, exit_status};
use crate::native::cgroup::Cgroups;
use crate::native::clock;

/// The code of SIGKILL.
const KILLED: i32 = 128 + 9;

/// The kernel tells the code of a process that is not our child once its parent has waited
/// for it. That parent is the host's first process, which may be busy: 5 s in all.
const ADOPTED_ATTEMPTS: u32 = 250;
const ADOPTED_PAUSE: Duration = Duration::from_millis(20);

/// The kernel also counts children it killed; only an end by SIGKILL is the container's own.
pub(crate) fn out_of_memory(code: Option<i32>, kills: u64) -> bool {
    code == Some(KILLED) && kills > 0
}

/// Waits for the end of a container and answers its exit record.
pub(crate) async fn wait(folder: &Folder, key: &ContainerKey, cgroups: &Cgroups) -> Exit {
    if let Some(exit) = folder.exit() {
        return exit;
    }
    // Earlier than the end of the shim, which has a mount namespace to take down.
    if let Ok(Some(life)) = folder.watch_life() {
        let _ = ended(&life).await;
        if let Some(exit) = folder.exit() {
            return exit;
        }
    }
    if let Ok(Some(shim)) = open(folder.shim()) {
        // If it cannot be watched, the container itself is: below.
        let _ = ended(&shim).await;
    }
    match folder.exit() {
        Some(exit) => exit,
        None => without_shim(folder, key, cgroups).await,
    }
}

/// The shim is gone without a record. The container may still run, as an orphan.
async fn without_shim(folder: &Folder, key: &ContainerKey, cgroups: &Cgroups) -> Exit {
    let process = folder.started().map(|started| started.process);
    let code = match open(process) {
        Ok(Some(container)) => {
            let _ = ended(&container).await;
            adopted_code(&container).await
        }
        _ => None,
    };
    let exit = Exit {
        code,
        out_of_memory: out_of_memory(code, cgroups.memory_kills(key)),
        at: clock::now(),
        reason: code.is_none().then(|| UNSEEN.to_owned()),
    };
    // Written down, so that it is the answer from now on; a failure only costs the next search.
    let _ = folder.write_exit(&exit).and_then(|file| file.sync_data());
    let _ = cgroups.remove_container(key);
    exit
}

async fn adopted_code(container: &std::os::fd::OwnedFd) -> Option<i32> {
    for _ in 0..ADOPTED_ATTEMPTS {
        if let Some(status) = exit_status(container) {
            return Some(exit_code(status));
        }
        sleep(ADOPTED_PAUSE).await;
    }
    None
}

fn open(process: Option<super::process::Process>) -> io::Result<Option<std::os::fd::OwnedFd>> {
    process.map_or(Ok(None), |process| process.open())
}

const UNSEEN: &str = "the exit code is unknown: the container's shim ended before it, \
    and the kernel did not tell how the container ended";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_by_sigkill_is_out_of_memory() {
        assert!(out_of_memory(Some(137), 1));
        assert!(!out_of_memory(Some(137), 0));
        assert!(!out_of_memory(Some(0), 1));
        assert!(!out_of_memory(None, 1));
    }
}

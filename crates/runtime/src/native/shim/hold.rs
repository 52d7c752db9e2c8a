//! The process that keeps the namespaces which the containers of a task share (`pidMode` and
//! `ipcMode` of `task`): the first process of the one, so that nothing of the task outlives it.
//!
//! Its mount namespace has the shared memory of the task, which no other process of the host
//! sees; shims that need it begin from there.
#![expect(unsafe_code, reason = "fork and signal dispositions have no safe form")]

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, chdir, fork, pause};
use rustix::mount::{MountFlags, mount};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use crate::native::container::folder::Folder;
use crate::native::container::holder::{RECORD, SHARED_MEMORY};
use crate::native::container::process::Process;
use crate::native::rootfs;

/// `task` is the task's folder. Ends when the namespaces are there.
pub(super) fn main(task: &Path, shared_memory_mib: &str) -> ExitCode {
    match hold(task, shared_memory_mib) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is the server's pipe.
            let _ = rustix::io::write(rustix::stdio::stderr(), error.to_string().as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn hold(task: &Path, shared_memory_mib: &str) -> io::Result<()> {
    let _ = rustix::process::setsid();
    rootfs::own_mount_namespace()?;
    let memory = task.join(SHARED_MEMORY);
    fs::create_dir_all(&memory)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let options = CString::new(format!("mode=1777,size={shared_memory_mib}m"))?;
    mount("shm", &memory, "tmpfs", flags, options.as_c_str())?;
    unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC)?;
    // SAFETY: this process has one thread, so the child may do all that it may.
    match unsafe { fork() }? {
        ForkResult::Child => wait_for_ever(),
        ForkResult::Parent { child } => {
            let process = Process::of(child.as_raw())?;
            Folder::new(task.to_owned()).write(RECORD, &process)
        }
    }
}

/// Children that end need not be waited for. As the first process of its namespace it is ended
/// by SIGKILL from outside only.
fn wait_for_ever() -> ! {
    let quiet = || -> io::Result<()> {
        let null = fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        Ok(dup2_stderr(&null)?)
    };
    let _ = quiet();
    let _ = chdir("/");
    // SAFETY: the disposition runs no handler.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) };
    loop {
        pause();
    }
}

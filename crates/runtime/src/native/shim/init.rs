//! A small init as a container's first process: it forwards signals to the program, reaps
//! what the program leaves behind, and ends with the program's code.
//!
//! It is this program's own code, already in memory when the container starts, so the image
//! needs to bring nothing.
#![expect(unsafe_code, reason = "fork and signal dispositions have no safe form")]

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, kill, pthread_sigmask, signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, close, fork};

/// Returns in the child, which is to become the program; the parent never returns.
pub(super) fn become_init() -> Result<(), Errno> {
    let all = SigSet::all();
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&all), Some(&mut before))?;
    // SAFETY: the process has one thread, so the child may call anything.
    match unsafe { fork() }? {
        ForkResult::Child => {
            // Its own group, so that it can be signalled with its children as an engine's init does.
            nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
            pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)
        }
        ForkResult::Parent { child } => {
            close_all();
            // Where it is not the first process of its namespace, orphans come to it all the same.
            let _ = nix::sys::prctl::set_child_subreaper(true);
            let code = serve(child, &all);
            std::process::exit(code)
        }
    }
}

/// The pipes for output stay with the program alone: else their readers would see no end.
fn close_all() {
    let open = std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    let numbers: Vec<i32> = open
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for number in numbers {
        let _ = close(number);
    }
}

/// Waits for signals one by one until the program has ended.
fn serve(program: Pid, signals: &SigSet) -> i32 {
    loop {
        match signals.wait() {
            Ok(Signal::SIGCHLD) => {
                if let Some(code) = reap(program) {
                    return code;
                }
            }
            Ok(other) => drop(kill(program, other)),
            Err(_) => {}
        }
    }
}

/// Takes every ended child; the code if the program was among them.
fn reap(program: Pid) -> Option<i32> {
    let mut code = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == program => code = Some(status),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => {
                code = Some(128 + signal as i32);
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return code,
            _ => {}
        }
    }
}

/// Sets SIGPIPE to what a program expects to find.
pub(super) fn default_sigpipe() {
    // SAFETY: the default disposition runs no handler.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}

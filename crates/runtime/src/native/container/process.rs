//! A process that is recognised again: its number together with its start time, because
//! numbers are used again. Waiting and signals go through a process descriptor, which
//! cannot mean another process later.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// Field 22 of `/proc/<pid>/stat`: clock ticks between the start of the host and its own.
    pub(crate) start_ticks: u64,
}

impl Process {
    /// The process that has this number now.
    pub(crate) fn of(pid: i32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let start_ticks = start_ticks(&stat)
            .ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat has an unknown form")))?;
        Ok(Self { pid, start_ticks })
    }

    /// A descriptor of the process, if it has not ended and been waited for.
    pub(crate) fn open(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(None);
        };
        let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            descriptor => descriptor?,
        };
        // Looked at after opening: if the start time is right, the descriptor is of this process.
        match Self::of(self.pid) {
            Ok(now) if now == self => Ok(Some(descriptor)),
            _ => Ok(None),
        }
    }

    /// Sends a signal, real-time ones too; `false` if the process is gone.
    pub(crate) fn signal(self, signal: i32) -> io::Result<bool> {
        if !(1..=SIGNAL_MAX).contains(&signal) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("no signal {signal}"),
            ));
        }
        let Some(descriptor) = self.open()? else {
            return Ok(false);
        };
        match kernel::pidfd_send_signal(descriptor.as_raw_fd(), signal) {
            Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => Ok(false),
            result => result.map(|()| true),
        }
    }
}

/// The last real-time signal.
const SIGNAL_MAX: i32 = 64;

/// The command may contain spaces and parentheses: fields are counted from the last one.
fn start_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Resolves when the process has ended.
pub(crate) async fn ended(descriptor: impl AsFd) -> io::Result<()> {
    let descriptor = descriptor.as_fd().try_clone_to_owned()?;
    let watched = kernel::watch(descriptor)?;
    let _ready = watched.readable().await?;
    Ok(())
}

/// The end of a process that need not be our child, in the form `wait` gives it.
///
/// `None` while it has not been waited for by its parent, and on kernels before 6.15.
pub(crate) fn exit_status(descriptor: &OwnedFd) -> Option<i32> {
    let info = kernel::pidfd_get_info(descriptor.as_raw_fd(), kernel::PIDFD_INFO_EXIT).ok()?;
    (info.mask & kernel::PIDFD_INFO_EXIT != 0).then_some(info.exit_code)
}

/// The code ECS reports for a wait status: that of `exit`, or 128 + n for signal n.
pub(crate) fn exit_code(status: i32) -> i32 {
    let signal = status & 0x7f;
    if signal == 0 {
        (status >> 8) & 0xff
    } else {
        128 + signal
    }
}

#[expect(
    unsafe_code,
    reason = "no crate wraps this ioctl, nor the watching of a descriptor"
)]
mod kernel {
    use std::io;
    use std::os::fd::{OwnedFd, RawFd};

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    pub(super) fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
        // SAFETY: an owned descriptor is open and stays the same until it is dropped, and the
        // result owns it.
        Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?)
    }

    pub(super) fn pidfd_send_signal(descriptor: RawFd, signal: i32) -> io::Result<()> {
        let no_details = std::ptr::null::<nix::libc::siginfo_t>();
        // SAFETY: the call takes numbers and, as details of the signal, nothing.
        let result = unsafe {
            nix::libc::syscall(
                nix::libc::SYS_pidfd_send_signal,
                descriptor,
                signal,
                no_details,
                0,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// `struct pidfd_info` of the kernel's `pidfd.h`, in its first published size.
    #[repr(C)]
    #[derive(Default)]
    pub(super) struct PidfdInfo {
        pub(super) mask: u64,
        cgroup_id: u64,
        ids: [u32; 11],
        pub(super) exit_code: i32,
    }

    pub(super) const PIDFD_INFO_EXIT: u64 = 1 << 3;

    nix::ioctl_readwrite!(raw_pidfd_get_info, 0xFF, 11, PidfdInfo);

    pub(super) fn pidfd_get_info(descriptor: RawFd, mask: u64) -> io::Result<PidfdInfo> {
        let mut info = PidfdInfo {
            mask,
            ..PidfdInfo::default()
        };
        // SAFETY: the structure has the size that is part of the ioctl's number, and the kernel
        // writes at most that many bytes into it.
        unsafe { raw_pidfd_get_info(descriptor, &raw mut info) }?;
        Ok(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stat: &str, expected: Option<u64>) {
        assert_eq!(start_ticks(stat), expected);
    }

    #[test]
    fn the_start_time_is_field_22_whatever_the_command_is_called() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20";
        check(&format!("42 (sh) {rest}"), Some(777));
        check(&format!("42 (a) b (c) {rest}"), Some(777));
        check("42 (sh) S 1 2", None);
        check("", None);
    }

    #[test]
    fn a_process_with_another_start_time_is_another_process() {
        let own = Process::of(std::process::id().cast_signed()).unwrap();
        assert!(own.open().unwrap().is_some());
        let other = Process {
            start_ticks: own.start_ticks + 1,
            ..own
        };
        assert!(other.open().unwrap().is_none());
        assert!(!other.signal(15).unwrap());
    }

    #[test]
    fn codes_follow_the_shell() {
        assert_eq!(exit_code(3 << 8), 3);
        assert_eq!(exit_code(9), 137);
        assert_eq!(exit_code(11 | 0x80), 139);
    }
}

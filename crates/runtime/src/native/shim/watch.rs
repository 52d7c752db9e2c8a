//! A running container: its output is read, its end is awaited and written down.

use std::os::fd::{AsFd as _, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use model::container::{ContainerKey, Exit};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, waitpid};

use super::output::{Pipe, Sink};
use crate::native::cgroup::Cgroups;
use crate::native::clock;
use crate::native::container::folder::Folder;
use crate::native::container::outcome;
use crate::native::container::process::exit_code;
use crate::native::container::record::StartedRecord;

/// How long output is read after the end. All processes of the container are gone then, so
/// the pipes end at once; only a descriptor passed out of the container could hold them open.
const DRAIN: Duration = Duration::from_secs(5);

/// As much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

pub(super) struct Running {
    pub(super) key: ContainerKey,
    pub(super) started: StartedRecord,
    pub(super) pipes: Vec<Pipe>,
    /// Kept open for a program that reads what nobody writes.
    pub(super) _input: Option<OwnedFd>,
    /// The container's processes do not end with the first of them.
    pub(super) leaves_processes: bool,
    pub(super) sink: Sink,
    pub(super) cgroups: Cgroups,
    /// Closed when the exit is written.
    pub(super) life: OwnedFd,
}

impl Running {
    /// Stays until the container has ended, its output is stored and its exit written down.
    pub(super) fn watch(mut self, folder: &Folder) -> ExitCode {
        let status = self.read_until_end();
        let at = clock::now();
        let kills = self.cgroups.memory_kills(&self.key);
        if self.leaves_processes {
            // What cannot be ended now is when the container is removed.
            let _ = self.cgroups.remove_container(&self.key);
        }
        self.drain();
        let code = status.map(exit_code);
        let reason = match (code, self.sink.lost()) {
            (None, _) => Some("the end of the process was seen by nobody".to_owned()),
            (Some(_), 0) => None,
            (Some(_), lost) => Some(format!("{lost} lines of output could not be stored")),
        };
        let exit = Exit {
            code,
            out_of_memory: outcome::out_of_memory(code, kills),
            at,
            reason,
        };
        // Stored before the exit is told: who sees the exit finds the whole log.
        drop(self.sink);
        let written = folder.write_exit(&exit);
        drop(self.life);
        // A server that is there has the exit in its own store by and by; the file is for the
        // next one.
        let synced = written.and_then(|file| file.sync_data());
        ExitCode::from(u8::from(synced.is_err()))
    }

    /// The wait status of the first process.
    fn read_until_end(&mut self) -> Option<i32> {
        let pid = Pid::from_raw(self.started.process.pid)?;
        let end = self.started.process.open().ok().flatten();
        let mut buffer = vec![0; READ_BYTES];
        while let Some(end) = &end {
            if self.read_ready(&mut buffer, Some(end), None) == Ready::Ended {
                break;
            }
        }
        loop {
            match waitpid(Some(pid), WaitOptions::empty()) {
                Ok(Some((_, status))) => return Some(status.as_raw()),
                Err(rustix::io::Errno::INTR) | Ok(None) => {}
                Err(_) => return None,
            }
        }
    }

    fn drain(&mut self) {
        let mut buffer = vec![0; READ_BYTES];
        while self.read_ready(&mut buffer, None, Some(DRAIN)) == Ready::Output {}
        for pipe in &mut self.pipes {
            pipe.end(&mut self.sink);
        }
    }

    /// Waits for output or the end, and reads each pipe that has something.
    fn read_ready(
        &mut self,
        buffer: &mut [u8],
        end: Option<&OwnedFd>,
        timeout: Option<Duration>,
    ) -> Ready {
        let ready: Vec<bool> = {
            let open = self.pipes.iter().filter_map(Pipe::descriptor);
            let watched = open.chain(end.map(|end| end.as_fd()));
            let mut watched: Vec<PollFd<'_>> = watched
                .map(|each| PollFd::from_borrowed_fd(each, PollFlags::IN))
                .collect();
            let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
            if watched.is_empty() || matches!(poll(&mut watched, timeout.as_ref()), Ok(0)) {
                return Ready::Nothing;
            }
            watched
                .iter()
                .map(|each| !each.revents().is_empty())
                .collect()
        };
        let mut ready = ready.into_iter();
        let open = self
            .pipes
            .iter_mut()
            .filter(|pipe| pipe.descriptor().is_some());
        for (pipe, ready) in open.zip(ready.by_ref()) {
            if ready {
                pipe.read(buffer, &mut self.sink);
            }
        }
        if ready.next() == Some(true) {
            Ready::Ended
        } else {
            Ready::Output
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ready {
    Output,
    Ended,
    Nothing,
}

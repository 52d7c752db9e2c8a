//! The driver that starts nothing: containers behave as a script says. For tests of
//! programs that call RunTask, and for benchmarks.
//!
//! # The script
//!
//! A container's script stands in its docker label [`SCRIPT_LABEL`]. Statements are
//! separated by `;` or line ends. Without a script a container starts at once and runs
//! until it is stopped.
//!
//! | Statement | Meaning |
//! |---|---|
//! | `pull DURATION` | the image pull takes so long |
//! | `pull fail TEXT` | it fails, after its duration: `CannotPullContainerError: TEXT` |
//! | `start DURATION` | the start takes so long |
//! | `start fail TEXT` | it fails, after its duration: `CannotStartContainerError: TEXT` |
//! | `stop-signal SIGNAL` | the stop signal of the image; SIGTERM otherwise |
//! | `log TEXT` | writes a line to the container's log |
//! | `run DURATION` | time passes before the next `log` or end |
//! | `exit CODE` | ends with this code, 0 to 255 |
//! | `oom` | ends with code 137, killed by the memory limit |
//! | `vanish` | ends without anyone knowing how: no exit code |
//! | `ignore SIGNAL` | the signal does nothing |
//! | `on SIGNAL exit CODE [after DURATION]` | the signal ends it like this |
//! | `health healthy\|unhealthy [after DURATION]` | what health checks find from this time after the start on |
//!
//! `log`, `run` and the end happen in the order written, counted from the start; all other
//! statements may stand anywhere. A script without an end runs until it is stopped: a
//! signal that it neither ignores nor answers ends it with code 128 + number (143 for
//! SIGTERM), SIGKILL always does. With `health` statements checks fail until the first one
//! applies; without any they pass.
//!
//! DURATION is a whole number with `ms`, `s`, `m` or `h`. SIGNAL is a name (`SIGTERM`,
//! `TERM`) or a number. TEXT goes to the end of the statement; in double quotes it may
//! hold `;`, `\"`, `\\` and `\n`. A script that cannot be read makes the start fail with
//! `CannotStartContainerError` and the place of the fault.
//!
//! # How it works
//!
//! A life is a function of the time since its start and of the signals received, so nothing
//! needs to run: [`Driver::wait`] sleeps from one moment of the script to the next and
//! writes the lines that are due. [`Scripted::persistent`] keeps what that function needs in
//! a journal, and so containers outlive the server: after a restart they are where they
//! would have been.

mod driver;
mod journal;
mod life;
mod networks;
mod script;
mod state;
mod words;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Capacity, Clock};
use journal::Journal;
use state::State;

/// The docker label that holds a container's script.
pub const SCRIPT_LABEL: &str = "longshore.script";

/// CPU and memory that no task fills: a million cores, a pebibyte.
const CPU_UNITS: u32 = 1_000_000 * 1024;
const MEMORY_MIB: u32 = 1024 * 1024 * 1024;

/// The scripted driver.
pub struct Scripted {
    clock: Arc<dyn Clock>,
    /// Root of the log store.
    logs: PathBuf,
    capacity: Capacity,
    state: Mutex<State>,
}

impl Scripted {
    /// Containers end with the process. `logs` is the root of the log store.
    pub fn in_memory(clock: Arc<dyn Clock>, logs: &Path) -> Self {
        Self::new(clock, logs, State::new(None))
    }

    /// Containers outlive the process, in `folder`.
    pub fn persistent(clock: Arc<dyn Clock>, logs: &Path, folder: &Path) -> io::Result<Self> {
        let (journal, entries) = Journal::open(folder)?;
        let mut state = State::new(Some(journal));
        state.restore(entries)?;
        Ok(Self::new(clock, logs, state))
    }

    /// Replaces the capacity, which is otherwise practically unlimited.
    #[must_use]
    pub fn with_capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = capacity;
        self
    }

    /// The tasks are on several hosts: who placed them has seen that their ports are free there,
    /// and here a port can be in use several times.
    #[must_use]
    pub fn for_many_hosts(self) -> Self {
        self.state().networks.stand_for_many_hosts();
        self
    }

    fn new(clock: Arc<dyn Clock>, logs: &Path, state: State) -> Self {
        let architecture = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            other => other,
        };
        let capacity = Capacity {
            cpu_units: CPU_UNITS,
            memory_mib: MEMORY_MIB,
            architecture: architecture.to_owned(),
        };
        Self {
            clock,
            logs: logs.to_owned(),
            capacity,
            state: Mutex::new(state),
        }
    }

    /// The state is whole between any two statements, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

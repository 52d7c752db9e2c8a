//! The end of a task: stop signals in reverse dependency order, SIGKILL after
//! `stopTimeout`, removal of the network, STOPPED (`task-lifecycle.md` §2.3, §3).

use model::Timestamp;
use model::container::Failure;
use model::payload::{HostStatus, NetworkMode, reason_text};

use crate::container::{Container, Phase, SIGKILL, StopStage};
use crate::dependency::earliest;
use crate::task::{Network, Task};
use crate::{ContainerIndex, Effect};

/// A process that survives SIGKILL hangs in the kernel; it is asked again this often.
const KILL_AGAIN_MILLIS: i64 = 10_000;
/// After so many failures the task counts as STOPPED: its callers must not wait for a
/// host that cannot clean up. What is left goes with the next start of the host.
const TEAR_DOWN_ATTEMPTS_MAX: u32 = 5;
const TEAR_DOWN_PAUSE_MILLIS: i64 = 1_000;

/// How the removal of a task's remains goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    attempts: u32,
    /// `None` while one is on its way.
    again_at: Option<Timestamp>,
}

impl Task {
    pub(crate) fn stop_containers(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.stop.is_none() {
            return;
        }
        for index in 0..self.containers.len() {
            let waits = matches!(
                self.containers[index].phase,
                Phase::Restarting { asked: false, .. }
            );
            if waits || self.containers[index].unstarted() {
                self.containers[index].give_up(None);
            }
        }
        for index in 0..self.containers.len() {
            let free = self.dependants_stopped(index);
            let timeout = i64::from(self.payload.containers[index].stop_timeout_seconds) * 1000;
            let container = &mut self.containers[index];
            if free && let Some(signal) = ask_to_stop(container, now, timeout) {
                effects.push(Effect::Signal(ContainerIndex(index), signal));
            }
            if kill_if_late(container, now) {
                effects.push(Effect::Signal(ContainerIndex(index), SIGKILL));
            }
        }
    }

    pub(crate) fn signal_failed(&mut self, index: usize, failure: &Failure, now: Timestamp) {
        let container = &mut self.containers[index];
        let Phase::Running(running) = &mut container.phase else {
            return;
        };
        if let StopStage::Signalled { kill_at } = &mut running.stop {
            *kill_at = (*kill_at).min(now);
        }
        container.reason = Some(reason_text(failure));
    }

    /// When all containers have ended, what they lived in goes too.
    pub(crate) fn remove_network(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        match self.network {
            Network::Ready | Network::Absent
                if self.stop.is_some() && self.containers.iter().all(Container::stopped) =>
            {
                self.execution_stopped_at.get_or_insert(self.last_end(now));
                if self.payload.network.mode == NetworkMode::Awsvpc
                    && self.status < HostStatus::Deprovisioning
                {
                    self.advance(HostStatus::Deprovisioning);
                }
                self.tear_down(1, effects);
            }
            Network::Removing(Removal {
                attempts,
                again_at: Some(at),
            }) if at <= now => {
                self.tear_down(attempts + 1, effects);
            }
            _ => {}
        }
    }

    fn tear_down(&mut self, attempts: u32, effects: &mut Vec<Effect>) {
        self.network = Network::Removing(Removal {
            attempts,
            again_at: None,
        });
        effects.push(Effect::TearDown);
    }

    pub(crate) fn torn_down(&mut self, result: Result<(), Failure>, now: Timestamp) {
        let Network::Removing(Removal {
            attempts,
            again_at: None,
        }) = self.network
        else {
            return;
        };
        if result.is_err() && attempts < TEAR_DOWN_ATTEMPTS_MAX {
            let pause = TEAR_DOWN_PAUSE_MILLIS << attempts;
            let again_at = Some(now.plus_millis(pause));
            self.network = Network::Removing(Removal { attempts, again_at });
        } else {
            self.network = Network::Removed;
            self.advance(HostStatus::Stopped);
        }
    }

    pub(crate) fn stop_deadline(&self) -> Option<Timestamp> {
        let kill =
            self.containers
                .iter()
                .filter_map(|container| match &container.phase {
                    Phase::Running(running) => match running.stop {
                        StopStage::NotAsked => None,
                        StopStage::Signalled { kill_at: at }
                        | StopStage::Killed { again_at: at } => Some(at),
                    },
                    _ => None,
                });
        let removal = match self.network {
            Network::Removing(Removal { again_at, .. }) => again_at,
            _ => None,
        };
        earliest(kill.min(), removal)
    }

    /// When the last process ended; `now` for a task that had none.
    fn last_end(&self, now: Timestamp) -> Timestamp {
        let ends = self
            .containers
            .iter()
            .filter_map(|c| c.exit())
            .map(|exit| exit.at);
        ends.max().unwrap_or(now)
    }
}

fn ask_to_stop(container: &mut Container, now: Timestamp, timeout_millis: i64) -> Option<i32> {
    let Phase::Running(running) = &mut container.phase else {
        return None;
    };
    if running.stop != StopStage::NotAsked {
        return None;
    }
    running.stop = StopStage::Signalled {
        kill_at: now.plus_millis(timeout_millis),
    };
    Some(container.stop_signal)
}

fn kill_if_late(container: &mut Container, now: Timestamp) -> bool {
    let Phase::Running(running) = &mut container.phase else {
        return false;
    };
    match running.stop {
        StopStage::Signalled { kill_at: at } | StopStage::Killed { again_at: at } if at <= now => {
            running.stop = StopStage::Killed {
                again_at: now.plus_millis(KILL_AGAIN_MILLIS),
            };
            true
        }
        _ => false,
    }
}

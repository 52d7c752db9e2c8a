//! One container of a task: where it stands, with exactly the data that state has.

use model::Timestamp;
use model::container::{Exit, Started};
use model::payload::{ContainerStatus, Health};

use crate::health::HealthWatch;

/// A container's place in the task definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerIndex(pub usize);

/// The signal that ends a container whose image names none.
pub(crate) const SIGTERM: i32 = 15;
pub(crate) const SIGKILL: i32 = 9;

#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) phase: Phase,
    pub(crate) digest: Option<String>,
    pub(crate) stop_signal: i32,
    pub(crate) reason: Option<String>,
    pub(crate) health: Health,
}

#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// The network comes first.
    Waiting,
    Pulling,
    /// The image is there; dependencies may be open.
    Pulled,
    Starting,
    Running(Running),
    /// Ended, and its `restartPolicy` starts it again; to callers it goes on running.
    Restarting {
        started: Started,
        /// Its last end, final if it cannot be started again.
        last: Exit,
        /// The driver has been asked, which needs the network.
        asked: bool,
    },
    /// Both `None` if it never started.
    Stopped {
        started: Option<Started>,
        exit: Option<Exit>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) started: Started,
    pub(crate) stop: StopStage,
    pub(crate) watch: Option<HealthWatch>,
}

/// How far the stop procedure of a running container has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopStage {
    NotAsked,
    Signalled { kill_at: Timestamp },
    Killed { again_at: Timestamp },
}

impl Container {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Waiting,
            digest: None,
            stop_signal: SIGTERM,
            reason: None,
            health: Health::Unknown,
        }
    }

    pub(crate) fn status(&self) -> ContainerStatus {
        match self.phase {
            Phase::Waiting | Phase::Pulling | Phase::Pulled | Phase::Starting => {
                ContainerStatus::Pending
            }
            Phase::Running(_) | Phase::Restarting { .. } => ContainerStatus::Running,
            Phase::Stopped { .. } => ContainerStatus::Stopped,
        }
    }

    pub(crate) fn stopped(&self) -> bool {
        matches!(self.phase, Phase::Stopped { .. })
    }

    /// Neither started nor being started, so ending it needs nobody's help.
    pub(crate) fn unstarted(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Pulling | Phase::Pulled)
    }

    pub(crate) fn started(&self) -> Option<&Started> {
        match &self.phase {
            Phase::Running(running) => Some(&running.started),
            Phase::Restarting { started, .. } => Some(started),
            Phase::Stopped { started, .. } => started.as_ref(),
            Phase::Waiting | Phase::Pulling | Phase::Pulled | Phase::Starting => None,
        }
    }

    pub(crate) fn exit(&self) -> Option<&Exit> {
        match &self.phase {
            Phase::Stopped { exit, .. } => exit.as_ref(),
            _ => None,
        }
    }

    /// Ends it without a process having run, or without knowing how it ended.
    pub(crate) fn give_up(&mut self, reason: Option<String>) {
        let exit = match &self.phase {
            Phase::Restarting { last, .. } => Some(last.clone()),
            _ => None,
        };
        self.phase = Phase::Stopped {
            started: self.started().cloned(),
            exit,
        };
        if reason.is_some() {
            self.reason = reason;
        }
    }
}

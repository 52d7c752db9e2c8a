//! `restartPolicy`: a container that ended is started again in its place, and its task knows
//! nothing of it (`task-lifecycle.md` §2.5).

use std::sync::Arc;

use model::Timestamp;
use model::container::{Exit, Failure, Started};
use model::payload::{Health, RestartPolicy, reason_text};

use crate::container::{Container, Phase};
use crate::task::{Network, Task};
use crate::{ContainerIndex, Effect};

/// Whether an end that nobody asked for is followed by another start.
pub(crate) fn is_wanted(policy: &RestartPolicy, started: &Started, exit: &Exit) -> bool {
    let ran_millis = exit.at.millis() - started.at.millis();
    let has_run_enough = ran_millis >= i64::from(policy.attempt_period_seconds) * 1000;
    let is_ignored = |code: i32| policy.ignored_exit_codes.contains(&code);
    has_run_enough && exit.code.is_some_and(|code| !is_ignored(code))
}

impl Container {
    /// Out of `Running`; another phase stays.
    pub(crate) fn restart(&mut self, last: Exit) {
        let Phase::Running(running) = &self.phase else {
            return;
        };
        self.phase = Phase::Restarting {
            started: running.started.clone(),
            last,
            asked: false,
        };
        self.health = Health::Unknown;
    }
}

impl Task {
    /// After a restart of the server the network is looked up first.
    pub(crate) fn restart_ended(&mut self, effects: &mut Vec<Effect>) {
        if self.stop.is_some() || self.network != Network::Ready {
            return;
        }
        for (index, container) in self.containers.iter_mut().enumerate() {
            if let Phase::Restarting { asked, .. } = &mut container.phase
                && !*asked
            {
                *asked = true;
                let network = Arc::clone(&self.addresses);
                effects.push(Effect::Restart(ContainerIndex(index), network));
            }
        }
    }

    /// Without a network none of them can come back.
    pub(crate) fn give_up_restarts(&mut self, failure: &Failure, now: Timestamp) {
        for index in 0..self.containers.len() {
            if matches!(self.containers[index].phase, Phase::Restarting { .. }) {
                self.not_restarted(index, failure, now);
            }
        }
    }

    /// Its last end becomes final. It ran once, so the task has not failed to start.
    pub(crate) fn not_restarted(&mut self, index: usize, failure: &Failure, now: Timestamp) {
        self.containers[index].give_up(Some(reason_text(failure)));
        self.after_end(index, now);
    }
}

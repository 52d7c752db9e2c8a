//! Health checks: when one is due and what its outcome means (`task-lifecycle.md` §2.4).
//! An UNHEALTHY container goes on running; only dependants and services care.

use std::time::Duration;

use model::Timestamp;
use model::payload::{Health, HealthCheck};

use crate::container::Phase;
use crate::task::Task;
use crate::{ContainerIndex, Effect, HealthOutcome};

/// The checks of one running container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HealthWatch {
    failures: u32,
    next: Next,
    /// Failures before this moment do not count; a success brings it forward.
    grace_until: Timestamp,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    At(Timestamp),
    /// A check is on its way; the driver bounds its time.
    Outcome,
}

impl HealthWatch {
    /// The first check comes one interval after the start, or after `now` when the
    /// container was found again.
    pub(crate) fn new(check: &HealthCheck, started: Timestamp, now: Timestamp) -> Self {
        Self {
            failures: 0,
            next: Next::At(
                started
                    .max(now)
                    .plus_millis(seconds(check.interval_seconds)),
            ),
            grace_until: started.plus_millis(seconds(check.start_period_seconds)),
        }
    }

    fn record(
        &mut self,
        check: &HealthCheck,
        outcome: HealthOutcome,
        now: Timestamp,
    ) -> Option<Health> {
        self.next = Next::At(now.plus_millis(seconds(check.interval_seconds)));
        match outcome {
            HealthOutcome::Passed => {
                self.failures = 0;
                self.grace_until = self.grace_until.min(now);
                Some(Health::Healthy)
            }
            HealthOutcome::Failed if now < self.grace_until => None,
            HealthOutcome::Failed => {
                self.failures = self.failures.saturating_add(1);
                (self.failures >= check.retries).then_some(Health::Unhealthy)
            }
        }
    }
}

impl Task {
    pub(crate) fn health_checked(&mut self, index: usize, outcome: HealthOutcome, now: Timestamp) {
        let check = self.payload.containers[index].health_check.as_ref();
        let container = &mut self.containers[index];
        let (Some(check), Phase::Running(running)) = (check, &mut container.phase) else {
            return;
        };
        let Some(watch) = &mut running.watch else {
            return;
        };
        if let Some(health) = watch.record(check, outcome, now) {
            container.health = health;
        }
    }

    /// Sends the checks that are due. A task that stops is no longer checked.
    pub(crate) fn check_health(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.stop.is_some() {
            return;
        }
        for (index, container) in self.containers.iter_mut().enumerate() {
            let Some(check) = &self.payload.containers[index].health_check else {
                continue;
            };
            let Phase::Running(running) = &mut container.phase else {
                continue;
            };
            let Some(watch) = &mut running.watch else {
                continue;
            };
            if matches!(watch.next, Next::At(at) if at <= now) {
                watch.next = Next::Outcome;
                let timeout = Duration::from_secs(check.timeout_seconds.into());
                let command = arguments(&check.command);
                effects.push(Effect::CheckHealth(ContainerIndex(index), command, timeout));
            }
        }
    }

    pub(crate) fn health_deadline(&self) -> Option<Timestamp> {
        if self.stop.is_some() {
            return None;
        }
        let due = self
            .containers
            .iter()
            .filter_map(|container| match &container.phase {
                Phase::Running(running) => match running.watch?.next {
                    Next::At(at) => Some(at),
                    Next::Outcome => None,
                },
                _ => None,
            });
        due.min()
    }
}

/// `["NONE"]` switches a check off.
pub(crate) fn enabled(check: &HealthCheck) -> bool {
    check.command.first().is_some_and(|word| word != "NONE")
}

/// The program to run: `CMD` is dropped, `CMD-SHELL` becomes a shell, a bare command stays.
fn arguments(command: &[String]) -> Vec<String> {
    match command.split_first() {
        Some((word, rest)) if word == "CMD" => rest.to_vec(),
        Some((word, rest)) if word == "CMD-SHELL" => {
            vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.join(" ")]
        }
        _ => command.to_vec(),
    }
}

fn seconds(count: u32) -> i64 {
    i64::from(count) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_arguments(command: &[&str], expected: &[&str]) {
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(arguments(&command), expected);
    }

    #[test]
    fn the_first_word_says_how_to_run_the_rest() {
        check_arguments(&["CMD", "curl", "-f", "x"], &["curl", "-f", "x"]);
        check_arguments(&["CMD-SHELL", "a || b"], &["/bin/sh", "-c", "a || b"]);
        check_arguments(&["/healthcheck"], &["/healthcheck"]);
        check_arguments(&["CMD"], &[]);
        check_arguments(&[], &[]);
    }
}

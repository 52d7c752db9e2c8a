//! What a run came to.

use std::time::Duration;

use model::Timestamp;
use model::shapes::{Container, Task, TaskStopCode};

use super::exit::{INTERRUPTED, NOT_RUN, TIMED_OUT, of_all};

/// The end of a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Completion {
    /// Why it ended.
    pub ending: Ending,
    /// The tasks in RunTask's order.
    pub tasks: Vec<TaskResult>,
    /// How many tasks fewer than asked for were started.
    pub missing: u32,
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// All tasks have stopped.
    Finished,
    /// The tasks cannot be followed any more; why. They may still run.
    Lost(String),
    /// The time was up. Why the tasks may still run, if they do.
    TimedOut { problem: Option<String> },
    /// The caller canceled it. Why the tasks may still run, if they do for another
    /// reason than that they were not to be stopped.
    Canceled { problem: Option<String> },
}

/// One task at the end of a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskResult {
    /// The last that was seen of it.
    pub task: Task,
    /// Its exit code by the policy of the run.
    pub exit_code: u8,
    pub containers: Vec<ContainerResult>,
}

/// One container at the end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerResult {
    pub name: String,
    /// `None` if it never started, or has not ended.
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
}

impl Completion {
    /// One number for all of it, as a command returns it: 124 if the time was up, 130 if
    /// canceled, 125 if the tasks were lost or a task could not be started, else the
    /// first exit code that is not 0.
    pub fn exit_code(&self) -> u8 {
        let codes = self.tasks.iter().map(|task| task.exit_code);
        match &self.ending {
            Ending::Finished => of_all(codes, self.missing == 0),
            Ending::Lost(_) => NOT_RUN,
            Ending::TimedOut { .. } => TIMED_OUT,
            Ending::Canceled { .. } => INTERRUPTED,
        }
    }

    /// Whether all tasks were started, ran, and ended with 0.
    pub fn is_success(&self) -> bool {
        self.exit_code() == 0
    }

    /// Why tasks may still run that should not.
    pub fn problem(&self) -> Option<&str> {
        match &self.ending {
            Ending::Finished => None,
            Ending::Lost(problem) => Some(problem),
            Ending::TimedOut { problem } | Ending::Canceled { problem } => problem.as_deref(),
        }
    }
}

impl TaskResult {
    pub(super) fn new(task: Task, exit_code: u8) -> Self {
        let containers = task.containers.iter().flatten().map(Into::into).collect();
        Self {
            task,
            exit_code,
            containers,
        }
    }

    /// The kind of its stop, if it has stopped.
    pub fn stop_code(&self) -> Option<&TaskStopCode> {
        self.task.stop_code.as_ref()
    }

    /// The reason of its stop, in the service's words.
    pub fn stopped_reason(&self) -> Option<&str> {
        self.task.stopped_reason.as_deref()
    }

    /// How long it ran; `None` if it did not, or has not ended.
    pub fn duration(&self) -> Option<Duration> {
        let millis = |at: Option<Timestamp>| at.map(Timestamp::millis);
        let end = millis(self.task.execution_stopped_at.or(self.task.stopped_at))?;
        let ran = end.saturating_sub(millis(self.task.started_at)?);
        // Clocks that disagree must not make a span negative.
        Some(Duration::from_millis(u64::try_from(ran).unwrap_or(0)))
    }
}

impl From<&Container> for ContainerResult {
    fn from(container: &Container) -> Self {
        Self {
            name: container.name.clone().unwrap_or_default(),
            exit_code: container.exit_code,
            reason: container.reason.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn result(task: Value) -> TaskResult {
        TaskResult::new(serde_json::from_value(task).unwrap(), 0)
    }

    #[test]
    fn a_task_tells_how_long_it_ran_and_which_container_never_did() {
        let containers = json!([{"name": "a", "exitCode": 3}, {"name": "b", "reason": "no image"}]);
        let ran = result(
            json!({"startedAt": 10, "executionStoppedAt": 14.25, "stoppedAt": 20,
            "containers": containers}),
        );
        assert_eq!(ran.duration(), Some(Duration::from_millis(4250)));
        let codes: Vec<_> = ran.containers.iter().map(|one| one.exit_code).collect();
        assert_eq!(codes, [Some(3), None]);
        assert_eq!(result(json!({"stoppedAt": 20})).duration(), None);
        let odd = result(json!({"startedAt": 21, "stoppedAt": 20}));
        assert_eq!(odd.duration(), Some(Duration::ZERO));
    }

    #[test]
    fn the_ending_comes_before_the_codes() {
        let check = |ending: Ending, missing: u32, expected: u8| {
            let tasks = vec![result(json!({}))];
            let completion = Completion {
                ending,
                tasks,
                missing,
            };
            assert_eq!(completion.exit_code(), expected, "{completion:?}");
            assert_eq!(completion.is_success(), expected == 0);
        };
        check(Ending::Finished, 0, 0);
        check(Ending::Finished, 1, NOT_RUN);
        check(Ending::Lost("gone".to_owned()), 0, NOT_RUN);
        check(Ending::TimedOut { problem: None }, 0, TIMED_OUT);
        check(Ending::Canceled { problem: None }, 0, INTERRUPTED);
    }
}

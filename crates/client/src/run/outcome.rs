//! What RunTask came to: an answer with status 200 may have placed nothing.

use std::fmt;

use model::shapes::{RunTaskInput, RunTaskOutput, Task};

use super::failure::{RetryHint, RunTaskFailure};

/// What became of the tasks that were asked for.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "tasks may not have been placed: match on it, or call `into_result`"]
pub enum RunTaskOutcome {
    /// As many tasks as were asked for.
    AllStarted { tasks: Vec<Task> },
    /// Some tasks, and `missing` fewer than were asked for.
    Partial {
        tasks: Vec<Task>,
        failures: Vec<RunTaskFailure>,
        missing: u32,
    },
    /// No task. Without failures too this breaks the protocol; see
    /// [`is_unexplained`](Self::is_unexplained).
    NoneStarted {
        failures: Vec<RunTaskFailure>,
        missing: u32,
    },
}

impl RunTaskOutcome {
    /// Compares an answer with what was asked for (`count`, 1 if not given).
    pub fn of(input: &RunTaskInput, output: &RunTaskOutput) -> Self {
        let tasks = output.tasks.clone().unwrap_or_default();
        let failures = output.failures.iter().flatten();
        Self::new(asked(input), tasks, failures.map(Into::into).collect())
    }

    pub(super) fn new(asked: u32, tasks: Vec<Task>, failures: Vec<RunTaskFailure>) -> Self {
        let started = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        match asked.saturating_sub(started) {
            missing if tasks.is_empty() => Self::NoneStarted { failures, missing },
            0 => Self::AllStarted { tasks },
            missing => Self::Partial {
                tasks,
                failures,
                missing,
            },
        }
    }

    /// The tasks that were started.
    pub fn tasks(&self) -> &[Task] {
        match self {
            Self::AllStarted { tasks } | Self::Partial { tasks, .. } => tasks,
            Self::NoneStarted { .. } => &[],
        }
    }

    /// Why tasks were not placed.
    pub fn failures(&self) -> &[RunTaskFailure] {
        match self {
            Self::AllStarted { .. } => &[],
            Self::Partial { failures, .. } | Self::NoneStarted { failures, .. } => failures,
        }
    }

    /// How many tasks fewer than asked for were started.
    pub fn missing(&self) -> u32 {
        match self {
            Self::AllStarted { .. } => 0,
            Self::Partial { missing, .. } | Self::NoneStarted { missing, .. } => *missing,
        }
    }

    /// Whether all tasks were started.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::AllStarted { .. })
    }

    /// Whether tasks are missing and the service does not say why.
    pub fn is_unexplained(&self) -> bool {
        !self.is_complete() && self.failures().is_empty()
    }

    /// Whether asking for the missing tasks again helps, which it does if one of the
    /// failures can pass. An unexplained lack is worth another try.
    pub fn retry_hint(&self) -> RetryHint {
        match self.is_complete() {
            true => RetryHint::Never,
            false => retry_hint(self.failures()),
        }
    }

    /// The tasks if all were started, else an error. The error has the tasks that were
    /// started; they run.
    pub fn into_result(self) -> Result<Vec<Task>, NotPlaced> {
        match self {
            Self::AllStarted { tasks } => Ok(tasks),
            Self::Partial {
                tasks,
                failures,
                missing,
            } => Err(NotPlaced {
                tasks,
                failures,
                missing,
            }),
            Self::NoneStarted { failures, missing } => Err(NotPlaced {
                tasks: Vec::new(),
                failures,
                missing,
            }),
        }
    }
}

/// The most hopeful of the hints.
pub(super) fn retry_hint(failures: &[RunTaskFailure]) -> RetryHint {
    let hints = failures.iter().map(RunTaskFailure::retry_hint);
    hints.max().unwrap_or(RetryHint::Now)
}

/// How many tasks an input asks for.
pub(super) fn asked(input: &RunTaskInput) -> u32 {
    u32::try_from(input.count.unwrap_or(1)).unwrap_or(0)
}

/// Not all tasks were placed. `Display` counts the reasons: `3 of 5 not placed:
/// 2× RESOURCE:MEMORY, 1× AGENT`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub struct NotPlaced {
    /// The tasks that were started; they run.
    pub tasks: Vec<Task>,
    /// Why the others were not.
    pub failures: Vec<RunTaskFailure>,
    /// How many were not.
    pub missing: u32,
}

impl fmt::Display for NotPlaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        summary(f, self.tasks.len(), self.missing, &self.failures)
    }
}

/// Says how many tasks were placed, and why the others were not.
impl fmt::Display for RunTaskOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllStarted { tasks } => write!(f, "{} placed", tasks.len()),
            _ => summary(f, self.tasks().len(), self.missing(), self.failures()),
        }
    }
}

fn summary(
    f: &mut fmt::Formatter<'_>,
    started: usize,
    missing: u32,
    failures: &[RunTaskFailure],
) -> fmt::Result {
    let asked = u64::from(missing).saturating_add(started as u64);
    write!(f, "{missing} of {asked} not placed: ")?;
    let mut groups: Vec<(usize, &str)> = Vec::new();
    for failure in failures {
        match groups
            .iter_mut()
            .find(|(_, known)| *known == failure.reason)
        {
            Some((times, _)) => *times += 1,
            None => groups.push((1, &failure.reason)),
        }
    }
    // The sort is stable: reasons as frequent as each other stay in the service's order.
    groups.sort_by_key(|(times, _)| std::cmp::Reverse(*times));
    if groups.is_empty() {
        return f.write_str("the service gave no reason");
    }
    for (index, (times, reason)) in groups.into_iter().enumerate() {
        let reason = if reason.is_empty() {
            "no reason given"
        } else {
            reason
        };
        write!(f, "{}{times}× {reason}", if index > 0 { ", " } else { "" })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn outcome(asked: Option<i32>, tasks: usize, reasons: &[&str]) -> RunTaskOutcome {
        let tasks: Vec<Value> = (0..tasks)
            .map(|n| json!({"taskArn": n.to_string()}))
            .collect();
        let failures: Vec<Value> = reasons
            .iter()
            .map(|reason| json!({"reason": reason}))
            .collect();
        let output = json!({"tasks": tasks, "failures": failures});
        let input = RunTaskInput {
            count: asked,
            ..Default::default()
        };
        RunTaskOutcome::of(&input, &serde_json::from_value(output).unwrap())
    }

    #[track_caller]
    fn check(asked: Option<i32>, tasks: usize, reasons: &[&str], text: &str, hint: RetryHint) {
        let outcome = outcome(asked, tasks, reasons);
        assert_eq!(outcome.to_string(), text);
        assert_eq!(outcome.retry_hint(), hint, "{text}");
        let expected = match (&outcome, tasks) {
            (RunTaskOutcome::AllStarted { .. }, _) => Ok(tasks),
            (RunTaskOutcome::NoneStarted { .. }, 0) | (RunTaskOutcome::Partial { .. }, 1..) => {
                Err(text.to_owned())
            }
            _ => panic!("{outcome:?}"),
        };
        let result = outcome.into_result();
        let result = result
            .map(|tasks| tasks.len())
            .map_err(|error| error.to_string());
        assert_eq!(result, expected);
    }

    #[test]
    fn all_some_and_none_are_told_apart() {
        use RetryHint::{Later, Never, Now};
        check(None, 1, &[], "1 placed", Never);
        check(Some(2), 2, &[], "2 placed", Never);
        check(
            Some(5),
            2,
            &["AGENT", "RESOURCE:MEMORY", "RESOURCE:MEMORY"],
            "3 of 5 not placed: 2× RESOURCE:MEMORY, 1× AGENT",
            Now,
        );
        check(
            Some(3),
            2,
            &["ATTRIBUTE", "RESOURCE:CPU"],
            "1 of 3 not placed: 1× ATTRIBUTE, 1× RESOURCE:CPU",
            Later,
        );
        check(
            None,
            0,
            &["ATTRIBUTE"],
            "1 of 1 not placed: 1× ATTRIBUTE",
            Never,
        );
        check(
            None,
            0,
            &[""],
            "1 of 1 not placed: 1× no reason given",
            Never,
        );
    }

    #[test]
    fn neither_tasks_nor_failures_is_told_as_unexplained() {
        let strange = outcome(Some(2), 0, &[]);
        assert!(strange.is_unexplained());
        check(
            Some(2),
            0,
            &[],
            "2 of 2 not placed: the service gave no reason",
            RetryHint::Now,
        );
        assert!(!outcome(None, 1, &[]).is_unexplained());
    }
}

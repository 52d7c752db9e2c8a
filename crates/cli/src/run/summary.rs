//! The last words on a task.

use client::ran_out_of_memory;
use model::shapes::{Container, Task, TaskDefinition};

use crate::{span, task_name};

/// Lines for stderr: how the task ended, then each container.
pub(crate) fn of(task: &Task, definition: Option<&TaskDefinition>) -> Vec<String> {
    let mut lines = vec![ending(task)];
    let containers = task.containers.iter().flatten();
    lines.extend(containers.map(|container| {
        let name = container.name.as_deref().unwrap_or_default();
        format!("  {name}: {}", of_container(container, task, definition))
    }));
    lines
}

fn ending(task: &Task) -> String {
    let name = task_name::short(task_name::id(task));
    let status = task
        .last_status
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    let code = task.stop_code.as_ref().map(|code| format!(": {code}"));
    let reason = task
        .stopped_reason
        .as_deref()
        .map(|reason| format!(": {reason}"));
    let (code, reason) = (code.unwrap_or_default(), reason.unwrap_or_default());
    format!("task {name}: {status} {}{code}{reason}", duration(task))
}

fn duration(task: &Task) -> String {
    let Some(end) = task.execution_stopped_at.or(task.stopped_at) else {
        return String::new();
    };
    match (task.started_at, task.created_at) {
        (Some(start), _) => format!("after running {}", span::exact(end.millis_since(start))),
        (None, Some(start)) => format!(
            "{} after its creation",
            span::exact(end.millis_since(start))
        ),
        (None, None) => String::new(),
    }
}

fn of_container(container: &Container, task: &Task, definition: Option<&TaskDefinition>) -> String {
    let reason = container
        .reason
        .as_deref()
        .map(|reason| format!(": {reason}"));
    let reason = reason.unwrap_or_default();
    match container.exit_code {
        Some(code) if ran_out_of_memory(container) => {
            let limit = memory_limit(container, task, definition);
            let limit = limit.map(|mib| format!(" at its limit of {mib} MiB"));
            let limit = limit.unwrap_or_default();
            format!("out of memory: killed{limit} (exit code {code})")
        }
        Some(code) => format!("exit code {code}{}{reason}", signal(code)),
        None if container.last_status.as_deref() == Some("STOPPED") => {
            format!("never started{reason}")
        }
        None => {
            let status = container.last_status.as_deref().unwrap_or("unknown");
            format!("{}{reason}", status.to_lowercase())
        }
    }
}

fn signal(code: i32) -> &'static str {
    match code {
        137 => " (SIGKILL)",
        139 => " (SIGSEGV)",
        143 => " (SIGTERM)",
        _ => "",
    }
}

/// The container's own limit, else the task's.
fn memory_limit(
    container: &Container,
    task: &Task,
    definition: Option<&TaskDefinition>,
) -> Option<String> {
    let defined = || {
        let mut all = definition?.container_definitions.iter().flatten();
        let own = all.find(|one| one.name == container.name)?;
        own.memory.map(|mib| mib.to_string())
    };
    container
        .memory
        .clone()
        .or_else(defined)
        .or_else(|| task.memory.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(task: Value, expected: &[&str]) {
        assert_eq!(of(&serde_json::from_value(task).unwrap(), None), expected);
    }

    #[test]
    fn ends_are_told_whole() {
        let arn = "arn:aws:ecs:r:0:task/default/0c9f3a64b1c8";
        check(
            json!({
                "taskArn": arn, "lastStatus": "STOPPED", "startedAt": 10, "stoppedAt": 14.23,
                "stopCode": "EssentialContainerExited",
                "stoppedReason": "Essential container in task exited",
                "containers": [
                    {"name": "app", "lastStatus": "STOPPED", "exitCode": 137, "memory": "16",
                        "reason": "OutOfMemoryError: Container killed due to memory usage"},
                    {"name": "db", "lastStatus": "STOPPED", "exitCode": 143},
                    {"name": "job", "lastStatus": "STOPPED"}
                ]
            }),
            &[
                "task 0c9f3a64: stopped after running 4.2 s: EssentialContainerExited: Essential \
                 container in task exited",
                "  app: out of memory: killed at its limit of 16 MiB (exit code 137)",
                "  db: exit code 143 (SIGTERM)",
                "  job: never started",
            ],
        );
        check(
            json!({
                "taskArn": arn, "lastStatus": "STOPPED", "createdAt": 10, "stoppedAt": 10.5,
                "stopCode": "TaskFailedToStart", "stoppedReason": "CannotPullContainerError: no",
                "containers": [{"name": "app", "lastStatus": "STOPPED",
                    "reason": "CannotPullContainerError: no"}]
            }),
            &[
                "task 0c9f3a64: stopped 0.50 s after its creation: TaskFailedToStart: \
                 CannotPullContainerError: no",
                "  app: never started: CannotPullContainerError: no",
            ],
        );
    }
}

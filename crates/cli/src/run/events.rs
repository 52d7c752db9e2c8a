//! `run --json`: a line of JSON for each event, and one for the end.

use client::{LogLine, RunEvent};
use model::shapes::{Failure, Task};
use serde::Serialize;
use serde_json::{Value, json};

use crate::failed::Failed;
use crate::terminal::Terminal;

/// The names that events, which count, are told with.
pub(super) struct Events {
    /// ARNs, in RunTask's order.
    tasks: Vec<String>,
    /// In the definition's order.
    containers: Vec<String>,
}

/// The last line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "event", rename = "ended")]
struct Ended {
    exit_code: u8,
    failures: Vec<Failure>,
    tasks: Vec<Task>,
}

impl Events {
    pub(super) fn new(tasks: &[Task], containers: &[&str]) -> Self {
        let arn = |task: &Task| task.task_arn.clone().unwrap_or_default();
        Self {
            tasks: tasks.iter().map(arn).collect(),
            containers: containers.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    pub(super) fn tell(&self, terminal: &mut Terminal, event: RunEvent) {
        let lines = match event {
            RunEvent::Lines { lines } => lines.iter().map(|line| self.log(line)).collect(),
            event => self.of(event).into_iter().collect::<Vec<_>>(),
        };
        lines.iter().for_each(|line| terminal.line(line));
        terminal.flush();
    }

    fn task(&self, index: usize) -> &str {
        self.tasks.get(index).map_or("", String::as_str)
    }

    fn log(&self, line: &LogLine) -> Value {
        let container = self.containers.get(line.container);
        json!({
            "event": "log", "taskArn": self.task(line.task), "container": container,
            "timestamp": line.time, "message": line.message,
        })
    }

    /// `None` for what this version does not know.
    fn of(&self, event: RunEvent) -> Option<Value> {
        Some(match event {
            RunEvent::Started { .. } => json!({"event": "started", "taskArns": self.tasks}),
            RunEvent::Task { task, .. } => json!({"event": "task", "task": task}),
            RunEvent::Container {
                index,
                name,
                status,
                exit_code,
                reason,
            } => json!({
                "event": "container", "taskArn": self.task(index), "container": name,
                "lastStatus": status, "exitCode": exit_code, "reason": reason,
            }),
            RunEvent::AttachmentFailed { index, attachment } => json!({
                "event": "attachmentFailed", "taskArn": self.task(index),
                "attachment": attachment,
            }),
            RunEvent::StopReason {
                index,
                code,
                reason,
            } => json!({
                "event": "stopReason", "taskArn": self.task(index), "stopCode": code,
                "reason": reason,
            }),
            RunEvent::PollFailed { error } => json!({"event": "pollFailed", "error": error}),
            RunEvent::Problem { text } => json!({"event": "problem", "text": text}),
            RunEvent::Stopping { reason } => json!({"event": "stopping", "reason": reason}),
            _ => return None,
        })
    }
}

/// The end, with the tasks as the API describes them.
pub(super) fn ended(
    terminal: &mut Terminal,
    exit_code: u8,
    tasks: Vec<Task>,
    failures: Vec<Failure>,
) -> Result<(), Failed> {
    let ended = Ended {
        exit_code,
        failures,
        tasks,
    };
    let line = serde_json::to_string(&ended);
    terminal.line(line.map_err(|error| Failed::new(format!("not to be had as JSON: {error}")))?);
    terminal.flush();
    Ok(())
}

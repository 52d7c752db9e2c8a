//! What a host tells of a task: the usual report of each status, with what a case says differs.

use control::record::Task;
use model::Timestamp;
use model::payload::{ContainerReport, ContainerStatus, Health, HostStatus, TaskReport};
use serde_json::Value;

/// The report of this status, in which `more` has overwritten what it names.
pub(crate) fn report(
    task: &Task,
    status: &str,
    more: &str,
    now: Timestamp,
) -> Result<TaskReport, String> {
    let usual = usual(task, host_status(status)?, now);
    let mut report = serde_json::to_value(usual).map_err(|error| error.to_string())?;
    let more = serde_json::from_str(more).map_err(|error| error.to_string())?;
    overwrite(&mut report, more);
    serde_json::from_value(report).map_err(|error| error.to_string())
}

fn host_status(word: &str) -> Result<HostStatus, String> {
    Ok(match word {
        "PROVISIONING" => HostStatus::Provisioning,
        "PENDING" => HostStatus::Pending,
        "RUNNING" => HostStatus::Running,
        "STOPPING" => HostStatus::Stopping,
        "DEPROVISIONING" => HostStatus::Deprovisioning,
        "STOPPED" => HostStatus::Stopped,
        other => return Err(format!("no host reports {other}")),
    })
}

/// Containers start with the task and end, with exit code 0, before it is DEPROVISIONING.
fn usual(task: &Task, status: HostStatus, now: Timestamp) -> TaskReport {
    let has_started = status >= HostStatus::Running;
    let has_ended = status >= HostStatus::Deprovisioning;
    let container = match (has_started, has_ended) {
        (_, true) => ContainerStatus::Stopped,
        (true, false) => ContainerStatus::Running,
        (false, false) => ContainerStatus::Pending,
    };
    let containers = task.containers.iter();
    let containers = containers.map(|one| ContainerReport {
        name: one.report.name.clone(),
        status: container,
        runtime_id: has_started.then(|| "0123456789abcdef-0000000001".to_owned()),
        image_digest: has_started.then(|| "sha256:00".to_owned()),
        exit_code: has_ended.then_some(0),
        reason: None,
        bindings: Vec::new(),
        ipv4: None,
        health: Health::Unknown,
    });
    TaskReport {
        task: task.id,
        status,
        containers: containers.collect(),
        interface: None,
        pull_started_at: has_started.then_some(now),
        pull_stopped_at: has_started.then_some(now),
        started_at: has_started.then_some(now),
        execution_stopped_at: has_ended.then_some(now),
        stop: None,
    }
}

/// Objects member by member, lists of equal length item by item; anything else is replaced.
fn overwrite(report: &mut Value, more: Value) {
    match (report, more) {
        (Value::Object(report), Value::Object(more)) => {
            for (member, value) in more {
                overwrite(report.entry(member).or_insert(Value::Null), value);
            }
        }
        (Value::Array(report), Value::Array(more)) if report.len() == more.len() => {
            for (item, value) in report.iter_mut().zip(more) {
                overwrite(item, value);
            }
        }
        (report, more) => *report = more,
    }
}

#[test]
fn what_differs_lies_over_the_usual() {
    let mut report = serde_json::json!({"a": [{"b": 1, "c": 2}], "d": []});
    overwrite(&mut report, serde_json::json!({"a": [{"c": 3}], "d": [4]}));
    assert_eq!(
        report,
        serde_json::json!({"a": [{"b": 1, "c": 3}], "d": [4]})
    );
}

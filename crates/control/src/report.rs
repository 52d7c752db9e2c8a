//! What a host tells of a task, written into the record. A report carries the
//! whole state, so repeating it changes nothing and an older one is ignored.

use std::sync::Arc;

use model::payload::{HostStatus, HostStop, TaskReport};

use crate::cx::Cx;
use crate::record::Task;
use crate::record::task::{Stop, StopCode, TaskStatus};

/// Applies a report. Unknown and already stopped tasks are left alone.
pub fn apply(cx: &mut Cx<'_>, report: &TaskReport) {
    let Some(before) = cx.state.tasks().get(&report.task).cloned() else {
        return;
    };
    if before.is_stopped() {
        return;
    }
    let mut task = Task::clone(&before);
    update(&mut task, report, cx.now);
    if task != *before {
        task.version += 1;
        cx.state.put_task(task);
    }
}

fn update(task: &mut Task, report: &TaskReport, now: model::Timestamp) {
    let times = &mut task.times;
    times.connectivity_at.get_or_insert(now);
    times.pull_started_at = times.pull_started_at.or(report.pull_started_at);
    times.pull_stopped_at = times.pull_stopped_at.or(report.pull_stopped_at);
    times.started_at = times.started_at.or(report.started_at);
    times.execution_stopped_at = times.execution_stopped_at.or(report.execution_stopped_at);
    for container in &mut task.containers {
        let told = report
            .containers
            .iter()
            .find(|told| told.name == container.report.name);
        if let Some(told) = told {
            container.report.clone_from(told);
        }
    }
    if let Some(attachment) = &mut task.attachment {
        attachment.interface = attachment
            .interface
            .take()
            .or_else(|| report.interface.clone());
    }
    if let Some(stop) = &report.stop {
        task.want_stopped(cause(stop), now);
    }
    let status = status_of(task, report.status);
    if status > task.status {
        task.advance(status, now);
    }
}

fn cause(stop: &HostStop) -> Stop {
    match stop {
        HostStop::EssentialContainerExited => Stop {
            code: StopCode::EssentialContainerExited,
            reason: "Essential container in task exited".to_owned(),
        },
        HostStop::FailedToStart(reason) => Stop {
            code: StopCode::TaskFailedToStart,
            reason: reason.clone(),
        },
    }
}

/// PROVISIONING and DEPROVISIONING are for tasks with an interface of their own.
fn status_of(task: &Task, status: HostStatus) -> TaskStatus {
    match status {
        HostStatus::Provisioning if task.attachment.is_some() => TaskStatus::Provisioning,
        HostStatus::Provisioning | HostStatus::Pending => TaskStatus::Pending,
        HostStatus::Running => TaskStatus::Running,
        HostStatus::Stopping => TaskStatus::Stopping,
        HostStatus::Deprovisioning if task.attachment.is_some() => TaskStatus::Deprovisioning,
        HostStatus::Deprovisioning => TaskStatus::Stopping,
        HostStatus::Stopped => TaskStatus::Stopped,
    }
}

/// The report that would lead to this record; `None` if the host never told anything.
pub fn last_of(task: &Arc<Task>) -> Option<TaskReport> {
    task.times.connectivity_at?;
    let stop = task.stop.as_ref().and_then(|stop| match stop.code {
        StopCode::EssentialContainerExited => Some(HostStop::EssentialContainerExited),
        StopCode::TaskFailedToStart => Some(HostStop::FailedToStart(stop.reason.clone())),
        StopCode::UserInitiated => None,
    });
    Some(TaskReport {
        task: task.id,
        status: match task.status {
            TaskStatus::Provisioning => HostStatus::Provisioning,
            TaskStatus::Pending => HostStatus::Pending,
            TaskStatus::Running => HostStatus::Running,
            TaskStatus::Stopping => HostStatus::Stopping,
            TaskStatus::Deprovisioning => HostStatus::Deprovisioning,
            TaskStatus::Stopped => HostStatus::Stopped,
        },
        containers: task
            .containers
            .iter()
            .map(|container| container.report.clone())
            .collect(),
        interface: task
            .attachment
            .as_ref()
            .and_then(|eni| eni.interface.clone()),
        pull_started_at: task.times.pull_started_at,
        pull_stopped_at: task.times.pull_stopped_at,
        started_at: task.times.started_at,
        execution_stopped_at: task.times.execution_stopped_at,
        stop,
    })
}

//! The end of a container instance: INACTIVE, its tasks STOPPED whatever its agent says.

use std::sync::Arc;

use model::payload::ContainerStatus;

use crate::cx::Cx;
use crate::record::instance::{Instance, InstanceStatus};
use crate::record::task::{Stop, StopCode, Task, TaskStatus};

/// Takes the instance out of its cluster. Tasks are marked STOPPED for this reason and are no
/// longer tracked; the instance stays describable for a while.
pub(crate) fn deregister(cx: &mut Cx<'_>, instance: &Instance, reason: &str) -> Arc<Instance> {
    let cause = |_: &Task| Stop {
        code: StopCode::UserInitiated,
        reason: reason.to_owned(),
    };
    take_out(cx, instance, cause)
}

/// The same, with a cause for each task.
pub(crate) fn take_out(
    cx: &mut Cx<'_>,
    instance: &Instance,
    cause: impl Fn(&Task) -> Stop,
) -> Arc<Instance> {
    let tasks: Vec<Arc<Task>> = cx.state.live_tasks_of(instance.id).cloned().collect();
    for task in tasks {
        end(cx, &task, cause(&task));
    }
    let mut instance = instance.clone();
    instance.status = InstanceStatus::Inactive;
    instance.agent_connected = false;
    instance.deregistered_at = Some(cx.now);
    instance.version += 1;
    cx.state.put_instance(instance)
}

/// Marks a task STOPPED whatever its host would tell of it.
pub(crate) fn end(cx: &mut Cx<'_>, task: &Task, cause: Stop) {
    let mut task = task.clone();
    task.want_stopped(cause, cx.now);
    task.advance(TaskStatus::Stopped, cx.now);
    for container in &mut task.containers {
        container.report.status = ContainerStatus::Stopped;
    }
    task.version += 1;
    cx.state.put_task(task);
}

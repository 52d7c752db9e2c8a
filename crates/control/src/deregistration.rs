//! The end of a container instance: INACTIVE, its tasks STOPPED whatever its agent says.

use std::sync::Arc;

use model::payload::ContainerStatus;

use crate::cx::Cx;
use crate::record::instance::{Instance, InstanceStatus};
use crate::record::task::{Stop, StopCode, Task, TaskStatus};

/// Takes the instance out of its cluster. Tasks are marked STOPPED for this reason and are no
/// longer tracked; the instance stays describable for a while.
pub(crate) fn deregister(cx: &mut Cx<'_>, instance: &Instance, reason: &str) -> Arc<Instance> {
    let tasks: Vec<Arc<Task>> = cx.state.live_tasks_of(instance.id).cloned().collect();
    for task in tasks {
        let mut task = Task::clone(&task);
        let cause = Stop {
            code: StopCode::UserInitiated,
            reason: reason.to_owned(),
        };
        task.want_stopped(cause, cx.now);
        task.advance(TaskStatus::Stopped, cx.now);
        for container in &mut task.containers {
            container.report.status = ContainerStatus::Stopped;
        }
        task.version += 1;
        cx.state.put_task(task);
    }
    let mut instance = instance.clone();
    instance.status = InstanceStatus::Inactive;
    instance.agent_connected = false;
    instance.deregistered_at = Some(cx.now);
    instance.version += 1;
    cx.state.put_instance(instance)
}

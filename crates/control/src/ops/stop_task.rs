//! StopTask: wishes a task to stop and answers at once (`task-lifecycle.md` §3.1).
//!
//! What surprises: the answer still shows the old `lastStatus`; stopping a task that is
//! already stopping or stopped succeeds and changes nothing.

use model::shapes::{StopTaskInput, StopTaskOutput};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{active_cluster, task_id};
use crate::limits::STOP_REASON_CHARS_MAX;
use crate::record::Task;
use crate::record::task::{Desired, Stop, StopCode};
use crate::view;
use crate::view::task::Tags;

pub(crate) fn stop_task(cx: &mut Cx<'_>, input: StopTaskInput) -> Result<StopTaskOutput, OpError> {
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let text = input.task.as_deref().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| OpError::invalid_parameter("Task can not be blank."))?;
    let id = task_id(cx.settings, &cluster.name, text)?;
    let found = cx
        .state
        .tasks()
        .get(&id)
        .filter(|task| task.cluster == cluster.name)
        .cloned();
    let not_found = || OpError::invalid_parameter("The referenced task was not found.");
    let mut task = found.ok_or_else(not_found)?;
    if task.desired == Desired::Running {
        let mut changed = Task::clone(&task);
        changed.want_stopped(user_initiated(input.reason)?, cx.now);
        changed.version += 1;
        task = cx.state.put_task(changed);
    }
    Ok(StopTaskOutput {
        task: Some(view::task::task(&cx.reading(), &task, Tags::Shown)),
    })
}

fn user_initiated(reason: Option<String>) -> Result<Stop, OpError> {
    let reason = reason.filter(|reason| !reason.is_empty());
    let reason = reason.unwrap_or_else(|| "Task stopped by user".to_owned());
    if reason.chars().count() > STOP_REASON_CHARS_MAX {
        let text = format!("reason longer than {STOP_REASON_CHARS_MAX}.");
        return Err(OpError::invalid_parameter(text));
    }
    Ok(Stop {
        code: StopCode::UserInitiated,
        reason,
    })
}

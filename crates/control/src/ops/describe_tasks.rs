//! DescribeTasks: up to 100 tasks by id or ARN; missing ones are `failures`, not errors.

use model::shapes::{DescribeTasksInput, DescribeTasksOutput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{active_cluster, task_id};
use crate::limits::DESCRIBE_MAX;
use crate::view;

pub(crate) fn describe_tasks(
    cx: &ReadCx<'_>,
    input: DescribeTasksInput,
) -> Result<DescribeTasksOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    let asked = input.tasks.unwrap_or_default();
    if asked.is_empty() {
        return Err(OpError::invalid_parameter("Tasks cannot be empty."));
    }
    if asked.len() > DESCRIBE_MAX {
        let text = format!("taskIds can have at most {DESCRIBE_MAX} items.");
        return Err(OpError::invalid_parameter(text));
    }
    let tags = view::tags_included(input.include.as_deref(), &["TAGS"])?;
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for text in &asked {
        let id = task_id(cx.settings, &cluster.name, text)?;
        match cx
            .state
            .tasks()
            .get(&id)
            .filter(|task| task.cluster == cluster.name)
        {
            Some(task) => tasks.push(view::task::task(cx, task, tags)),
            None => failures.push(view::missing(missing_arn(cx, &cluster.name, text, id))),
        }
    }
    Ok(DescribeTasksOutput {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}

/// The ARN the caller gave, or the one a bare id stands for.
fn missing_arn(cx: &ReadCx<'_>, cluster: &str, text: &str, id: model::TaskId) -> String {
    if text.starts_with("arn:") {
        text.to_owned()
    } else {
        cx.settings.task_arn(cluster, id)
    }
}

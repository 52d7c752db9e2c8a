//! The wish that a task stop, as calls express it. Its host carries it out.

use std::sync::Arc;

use crate::cx::Cx;
use crate::record::Task;
use crate::record::task::{Desired, Stop};

/// Wishes it, and answers with the task as it is then. One that is to stop already keeps its
/// first cause; one that waits for an instance has nobody to stop it and ends at once.
pub(crate) fn wish(cx: &mut Cx<'_>, task: Arc<Task>, cause: Stop) -> Arc<Task> {
    if task.desired == Desired::Stopped {
        return task;
    }
    let mut changed = Task::clone(&task);
    if changed.is_waiting() {
        changed.end_unplaced(cause, cx.now);
    } else {
        changed.want_stopped(cause, cx.now);
    }
    changed.version += 1;
    cx.state.put_task(changed)
}

//! What is forgotten, and when: stopped tasks after their retention, those of one call with a
//! token together; deleted definitions, clusters and capacity providers and deregistered
//! instances too. A token may be used anew after the shorter of 24 hours and its last task's end
//! plus one hour; its row goes with the last of its tasks.

use std::sync::Arc;

use model::{TaskId, Timestamp};
use store::{Record, Table};

use crate::cx::Cx;
use crate::limits::{
    INACTIVE_MILLIS, TOKEN_AFTER_STOP_MILLIS, TOKEN_LIFETIME_MILLIS, stopped_task_horizon,
};
use crate::record::definition::DefinitionStatus;
use crate::record::instance::InstanceStatus;
use crate::record::{Definition, Task, Token};
use crate::state::State;

/// Rows removed per call at most, so that a sweep never holds up the writer for long.
const SWEEP_MAX: usize = 1000;

/// Forgets what is due. Returns true if there may be more.
pub fn sweep(cx: &mut Cx<'_>) -> bool {
    let horizon = stopped_task_horizon(&cx.settings.limits, cx.now);
    let tasks: Vec<_> = cx
        .state
        .stopped_tasks()
        .take_while(|(stopped_at, _)| *stopped_at <= horizon)
        .filter(|(_, id)| is_due(cx, *id, horizon))
        .take(SWEEP_MAX)
        .collect();
    for (_, id) in &tasks {
        cx.state.remove_task(*id);
    }
    remove_deleted(cx, horizon);
    tasks.len() == SWEEP_MAX
}

/// While its token lives, a task is forgotten with the last one of the call: until then a
/// repetition of the call answers them all.
fn is_due(cx: &Cx<'_>, id: TaskId, horizon: Timestamp) -> bool {
    let Some(token) = cx.state.token_of(id) else {
        return true;
    };
    let is_over = |task: &Arc<Task>| {
        let stopped_at = task.times.stopped_at.filter(|_| task.is_stopped());
        stopped_at.is_some_and(|at| at <= horizon)
    };
    let mut tasks = token.tasks.iter().filter_map(|id| cx.state.tasks().get(id));
    is_too_old(token, cx.now) || tasks.all(is_over)
}

/// Drops what was deleted or deregistered long enough ago. Revisions are described for as long as
/// stopped tasks are; what a remembered task refers to stays with it, and nothing is left in
/// a deleted cluster.
fn remove_deleted(cx: &mut Cx<'_>, horizon: Timestamp) {
    let long_ago = cx.now.plus_millis(-INACTIVE_MILLIS);
    let is_past = |at: Option<Timestamp>| at.is_some_and(|at| at <= long_ago);
    let state = &mut *cx.state;
    let is_due = |one: &Definition| {
        let requested_at = one.shape.delete_requested_at;
        one.status == DefinitionStatus::DeleteInProgress && requested_at <= Some(horizon)
    };
    for key in keys(state.definitions(), |one| {
        is_due(one) && !state.is_used(&one.id)
    }) {
        state.remove_definition(&key);
    }
    for id in keys(state.instances(), |one| {
        let has_left = one.status == InstanceStatus::Inactive;
        has_left && is_past(one.deregistered_at) && !state.is_host(one.id)
    }) {
        state.remove_instance(&id);
    }
    for name in keys(state.capacity_providers(), |one| is_past(one.deleted_at)) {
        state.remove_capacity_provider(&name);
    }
    for name in keys(state.clusters(), |one| is_past(one.deleted_at)) {
        state.remove_cluster(&name);
    }
}

/// Keys of the rows that are due, as many as a call may remove.
fn keys<R: Record>(table: &Table<R>, is_due: impl Fn(&R) -> bool) -> Vec<R::Key> {
    let due = table.iter().filter(|row| is_due(row));
    due.map(|row| row.key()).take(SWEEP_MAX).collect()
}

/// May the token be used anew? A forgotten task does not keep it alive: by default tasks are
/// remembered for as long as the token is.
pub(crate) fn token_is_expired(state: &State, token: &Token, now: Timestamp) -> bool {
    if is_too_old(token, now) {
        return true;
    }
    token
        .tasks
        .iter()
        .filter_map(|id| state.tasks().get(id))
        .all(|task| {
            let stopped_at = task.times.stopped_at.filter(|_| task.is_stopped());
            stopped_at.is_some_and(|at| now.millis_since(at) >= TOKEN_AFTER_STOP_MILLIS)
        })
}

fn is_too_old(token: &Token, now: Timestamp) -> bool {
    now.millis_since(token.created_at) >= TOKEN_LIFETIME_MILLIS
}

#[cfg(test)]
mod tests {
    use super::SWEEP_MAX;
    use crate::testing::{World, app};

    #[test]
    fn a_sweep_takes_a_bounded_number_and_says_whether_there_may_be_more() {
        let mut world = World::with_app();
        for _ in 0..SWEEP_MAX / 10 + 1 {
            for id in world.run(&app(r#","count":10"#)) {
                world.exit(id, 0);
            }
        }
        assert!(!world.sweep());
        assert_eq!(world.state.tasks().len(), SWEEP_MAX + 10);
        world.pass_seconds(3600);
        assert!(world.sweep());
        assert_eq!(world.state.tasks().len(), 10);
        assert!(!world.sweep());
        assert_eq!(world.state.tasks().len(), 0);
    }

    #[test]
    fn an_instance_is_remembered_for_as_long_as_its_tasks() {
        let mut world = World::with_app();
        world.settings.limits.stopped_task_retention_seconds = 7200;
        let id = world.run(&app(""))[0];
        let host = world.task(id).instance.unwrap();
        world.exit(id, 0);
        let body = format!(r#"{{"containerInstance":"{host}"}}"#);
        world.ok("DeregisterContainerInstance", &body);
        world.pass_seconds(7199);
        world.sweep();
        let described = format!(r#"{{"tasks":["{id}"]}}"#);
        let arn = world.at("DescribeTasks", &described, "/tasks/0/containerInstanceArn");
        assert!(arn.as_str().unwrap().ends_with(&host.to_string()), "{arn}");
        world.pass_seconds(1);
        world.sweep();
        assert_eq!(world.state.instances().len(), 0);
    }

    #[test]
    fn the_retention_is_the_operators() {
        let mut world = World::with_app();
        world.settings.limits.stopped_task_retention_seconds = 10;
        let id = world.run(&app(r#","clientToken":"t""#))[0];
        world.exit(id, 0);
        world.pass_seconds(9);
        world.sweep();
        assert_eq!(world.state.tasks().len(), 1);
        world.pass_seconds(1);
        world.sweep();
        assert_eq!(
            (world.state.tasks().len(), world.state.tokens().len()),
            (0, 0)
        );
    }
}

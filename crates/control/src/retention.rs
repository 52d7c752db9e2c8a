//! What is forgotten, and when: stopped tasks after their retention, those of one call with a
//! token together; deleted definitions, clusters and capacity providers and deregistered
//! instances too. A token may be used anew after the shorter of 24 hours and its last task's end
//! plus one hour; its row goes with the last of its tasks.

use std::sync::Arc;

use model::{TaskId, Timestamp};

use crate::cx::Cx;
use crate::limits::{
    INACTIVE_MILLIS, TOKEN_AFTER_STOP_MILLIS, TOKEN_LIFETIME_MILLIS, stopped_task_horizon,
};
use crate::record::definition::DefinitionStatus;
use crate::record::instance::InstanceStatus;
use crate::record::{Definition, Instance, Task, Token};
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
    remove_deleted_definitions(cx, horizon);
    remove_inactive_instances(cx);
    remove_deleted_providers(cx);
    remove_deleted_clusters(cx);
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

/// Drops DELETE_IN_PROGRESS revisions that have been described for as long as a stopped task is
/// and that no remembered task refers to.
fn remove_deleted_definitions(cx: &mut Cx<'_>, horizon: Timestamp) {
    let due = |definition: &&Arc<Definition>| {
        definition.status == DefinitionStatus::DeleteInProgress
            && definition.shape.delete_requested_at <= Some(horizon)
            && !cx.state.is_used(&definition.id)
    };
    let definitions = cx.state.definitions().iter().filter(due);
    let keys: Vec<_> = definitions
        .map(|definition| definition.id.clone())
        .take(SWEEP_MAX)
        .collect();
    for key in &keys {
        cx.state.remove_definition(key);
    }
}

/// Drops instances that were deregistered a while ago and that no remembered task stood on.
fn remove_inactive_instances(cx: &mut Cx<'_>) {
    let horizon = cx.now.plus_millis(-INACTIVE_MILLIS);
    let due = |instance: &&Arc<Instance>| {
        let left = instance
            .deregistered_at
            .filter(|_| instance.status == InstanceStatus::Inactive);
        left.is_some_and(|at| at <= horizon) && !cx.state.is_host(instance.id)
    };
    let instances = cx
        .state
        .instances()
        .iter()
        .filter(due)
        .map(|instance| instance.id);
    let ids: Vec<_> = instances.take(SWEEP_MAX).collect();
    for id in &ids {
        cx.state.remove_instance(id);
    }
}

/// Drops capacity providers that were deleted a while ago.
fn remove_deleted_providers(cx: &mut Cx<'_>) {
    let horizon = cx.now.plus_millis(-INACTIVE_MILLIS);
    let providers = cx.state.capacity_providers().iter();
    let due = providers.filter(|one| one.deleted_at.is_some_and(|at| at <= horizon));
    let names: Vec<String> = due.map(|one| one.name.clone()).take(SWEEP_MAX).collect();
    for name in &names {
        cx.state.remove_capacity_provider(name);
    }
}

/// Drops clusters that were deleted a while ago; nothing is left in them.
fn remove_deleted_clusters(cx: &mut Cx<'_>) {
    let horizon = cx.now.plus_millis(-INACTIVE_MILLIS);
    let clusters = cx.state.clusters().iter();
    let due = clusters.filter(|one| one.deleted_at.is_some_and(|at| at <= horizon));
    let names: Vec<String> = due.map(|one| one.name.clone()).take(SWEEP_MAX).collect();
    for name in &names {
        cx.state.remove_cluster(name);
    }
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

//! Tasks that a fault rule keeps from being placed: told as failures, and never started.

use model::shapes::{Failure, RunTaskInput};

use crate::cx::Withheld;
use crate::ops::run_task::run_task;
use crate::testing::World;

/// Of a call for three tasks: how many start when so many are withheld, and what is told.
#[track_caller]
fn check(world: &mut World, token: &str, count: Option<usize>, started: usize, failed: usize) {
    let failure = Failure {
        reason: Some("RESOURCE:MEMORY".to_owned()),
        ..Failure::default()
    };
    let before = world.state.tasks().len();
    let input = || RunTaskInput {
        task_definition: Some("app".to_owned()),
        client_token: Some(token.to_owned()),
        count: Some(3),
        ..RunTaskInput::default()
    };
    let mut cx = world.cx();
    cx.withheld = Some(Withheld {
        failure: failure.clone(),
        count,
    });
    let answer = run_task(&mut cx, input()).unwrap();
    let tasks = answer.tasks.unwrap();
    assert_eq!(tasks.len(), started);
    assert_eq!(answer.failures.unwrap(), vec![failure; failed]);
    assert_eq!(world.state.tasks().len(), before + started);
    // A token is bound to what has started, so the rest is not made up for; it is free otherwise.
    let again = run_task(&mut world.cx(), input()).unwrap();
    let expected = if started > 0 { started } else { 3 };
    assert_eq!(again.tasks.unwrap().len(), expected);
    assert_eq!(again.failures, Some(Vec::new()));
}

#[test]
fn withheld_tasks_are_failures() {
    let mut world = World::with_app();
    check(&mut world, "one", Some(1), 2, 1);
    check(&mut world, "all", None, 0, 3);
    check(&mut world, "more", Some(9), 0, 3);
}

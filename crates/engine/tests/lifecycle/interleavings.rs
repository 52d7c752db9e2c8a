//! Every order in which the events of two containers can come, with a stop and with a
//! restart at every point.

use std::sync::Arc;

use engine::Task;
use model::payload::{Health, HostStatus, HostStop, NetworkMode, TaskPayload, TaskReport};

use crate::language::payload;
use crate::world::{Behaviour, World};

const DEFINITIONS: [&str; 10] = [
    "a; b",
    "a; b optional",
    "a optional; b optional",
    "a; b needs=a:START",
    "a optional; b needs=a:COMPLETE",
    "a optional; b needs=a:SUCCESS",
    "a optional start=60; b needs=a:SUCCESS",
    "a health=5/2/0; b needs=a:HEALTHY",
    "a restart=0/0; b",
    "a optional restart=0/0; b needs=a:COMPLETE",
];

const BEHAVIOURS: [Behaviour; 6] = [
    Behaviour::PullFails,
    Behaviour::StartFails,
    Behaviour::Exits(0),
    Behaviour::Exits(1),
    Behaviour::Serves,
    Behaviour::Stubborn,
];

/// Longer lives than this mean that a task does not come to its end.
pub(crate) const EVENTS_MAX: usize = 60;

/// Calls `visit` on every state that any order of events leads to.
fn explore(task: &Task, world: &World, depth: usize, visit: &mut impl FnMut(&Task, &World)) {
    assert!(depth < EVENTS_MAX, "no end: {:?}", world.reports.last());
    visit(task, world);
    if task.status() == HostStatus::Stopped {
        return;
    }
    for choice in world.choices() {
        let (mut task, mut world) = (task.clone(), world.clone());
        let event = world.event(&choice);
        let effects = task.step(world.now(), event);
        world.perform(effects);
        explore(&task, &world, depth + 1, visit);
    }
}

fn run_to_end(task: &mut Task, world: &mut World) {
    for _ in 0..EVENTS_MAX {
        if task.status() == HostStatus::Stopped {
            return;
        }
        let choice = world.canonical();
        let event = world.event(&choice);
        let effects = task.step(world.now(), event);
        world.perform(effects);
    }
    panic!("no end: {:?}", world.reports.last());
}

fn for_every_life(mode: NetworkMode, visit: &mut impl FnMut(&Task, &World)) {
    for definition in DEFINITIONS {
        for a in BEHAVIOURS {
            for b in BEHAVIOURS {
                let payload: Arc<TaskPayload> = payload(mode, definition);
                let mut world = World::new(Arc::clone(&payload), &[a, b]);
                let (task, effects) = Task::accept(payload, world.now());
                world.perform(effects);
                explore(&task, &world, 0, visit);
            }
        }
    }
}

/// What a report says of the task's end, without what depends on when the restart was:
/// times, addresses, a check under way, and how far a container had come that was never to run.
fn outcome(report: Option<&TaskReport>) -> TaskReport {
    let mut report = report.expect("a task reports").clone();
    report.interface = None;
    report.pull_stopped_at = None;
    for stamp in [
        &mut report.pull_started_at,
        &mut report.started_at,
        &mut report.execution_stopped_at,
    ] {
        *stamp = stamp.map(|_| Default::default());
    }
    let cause = match &report.stop {
        Some(HostStop::FailedToStart(text)) => Some(text.clone()),
        Some(HostStop::EssentialContainerExited) | None => None,
    };
    for container in &mut report.containers {
        container.ipv4 = None;
        container.health = Health::Unknown;
        if container.runtime_id.is_none() {
            container.image_digest = None;
            container.reason = container
                .reason
                .take()
                .filter(|text| Some(text) == cause.as_ref());
        }
    }
    report
}

/// The same point of a life, after the server was away.
pub(crate) fn restarted(world: &World, starts: bool, exits: bool) -> (Task, World) {
    let mut world = world.clone();
    let known = world.reports.last().cloned();
    let existing = world.restart(starts, exits);
    let (mut task, effects) =
        Task::resume(Arc::clone(&world.payload), known, &existing, world.now());
    world.perform(effects);
    if world.stop_given {
        let effects = task.step(world.now(), engine::Event::StopWanted);
        world.perform(effects);
    }
    (task, world)
}

#[test]
fn every_order_of_events_comes_to_its_end() {
    for mode in [NetworkMode::Bridge, NetworkMode::Awsvpc] {
        let mut ends = 0_u32;
        for_every_life(mode, &mut |task, world| {
            if task.status() == HostStatus::Stopped {
                world.check_end(task);
                ends += 1;
            }
        });
        assert!(ends > 10_000, "only {ends} lives");
    }
}

#[test]
fn a_restart_at_any_point_changes_nothing() {
    let mut points = 0_u32;
    for_every_life(NetworkMode::Bridge, &mut |task, world| {
        if task.status() == HostStatus::Stopped {
            return;
        }
        let (mut task, mut straight) = (task.clone(), world.clone());
        run_to_end(&mut task, &mut straight);
        for starts_happened in [false, true] {
            let (mut task, mut resumed) = restarted(world, starts_happened, false);
            run_to_end(&mut task, &mut resumed);
            let [expected, actual] = [&straight, &resumed].map(|w| outcome(w.reports.last()));
            // A start that was lost may come too late now, if another container fails.
            if starts_happened || !world.starting() {
                assert_eq!(
                    expected,
                    actual,
                    "{:?}\n{:#?}",
                    world.choices(),
                    world.reports
                );
            } else {
                assert_eq!(expected.stop, actual.stop);
            }
        }
        points += 1;
    });
    assert!(points > 10_000, "only {points} points");
}

#[test]
fn exits_during_a_restart_come_to_an_end_too() {
    for_every_life(NetworkMode::Awsvpc, &mut |task, world| {
        if task.status() == HostStatus::Stopped {
            return;
        }
        let (mut task, mut resumed) = restarted(world, true, true);
        run_to_end(&mut task, &mut resumed);
        let last = outcome(resumed.reports.last());
        assert_eq!(last.status, HostStatus::Stopped);
        assert!(
            last.containers
                .iter()
                .all(|c| c.exit_code.is_some() == c.runtime_id.is_some())
        );
    });
}

//! Larger tasks than can be enumerated: random dependencies, behaviours, orders, stops and
//! restarts. The world checks each effect; here the end is checked.

use std::fmt::Write as _;
use std::sync::Arc;

use engine::Task;
use model::payload::{ContainerStatus, HostStatus, NetworkMode};
use proptest::prelude::*;

use crate::interleavings::restarted;
use crate::language::payload;
use crate::world::{Behaviour, Choice, World};

/// Five containers need fewer events than this, even with stubborn ones.
const EVENTS_MAX: usize = 200;
/// Of 256 draws so many stop the task, and so many restart the server.
const STOPS: u8 = 6;
const RESTARTS: u8 = 16;

fn behaviour() -> impl Strategy<Value = Behaviour> {
    prop_oneof![
        1 => Just(Behaviour::PullFails),
        1 => Just(Behaviour::StartFails),
        4 => Just(Behaviour::Exits(0)),
        1 => Just(Behaviour::Exits(1)),
        4 => Just(Behaviour::Serves),
        1 => Just(Behaviour::Stubborn),
    ]
}

/// Container `c3 optional needs=c0:START,c1:SUCCESS …`: only earlier ones are needed.
fn container(
    number: usize,
    optional: bool,
    needs: &[(usize, u8)],
    starts: bool,
    restarts: bool,
) -> String {
    let mut text = format!("c{number}");
    if optional {
        text.push_str(" optional");
    }
    if starts {
        text.push_str(" start=30");
    }
    if restarts {
        text.push_str(" restart=0/0");
    }
    text.push_str(" stop=5 health=5/2/0");
    for (i, (target, condition)) in needs.iter().filter(|_| number > 0).enumerate() {
        let condition = ["START", "COMPLETE", "SUCCESS", "HEALTHY"][usize::from(condition % 4)];
        let separator = if i == 0 { " needs=" } else { "," };
        write!(text, "{separator}c{}:{condition}", target % number).unwrap();
    }
    text
}

fn definition() -> impl Strategy<Value = (String, Vec<Behaviour>)> {
    let needs = prop::collection::vec((0..5_usize, any::<u8>()), 0..3);
    let one = (
        any::<bool>(),
        needs,
        any::<bool>(),
        any::<bool>(),
        behaviour(),
    );
    prop::collection::vec(one, 1..6).prop_map(|containers| {
        let text = containers.iter().enumerate();
        let text = text.map(|(i, (optional, needs, starts, restarts, _))| {
            container(i, *optional && i > 0, needs, *starts, *restarts)
        });
        let text: Vec<_> = text.collect();
        (
            text.join("; "),
            containers.iter().map(|container| container.4).collect(),
        )
    })
}

/// The event that a draw picks; a stop only rarely, or nothing would come to run.
fn pick(world: &World, draw: u8) -> Choice {
    let mut choices = world.choices();
    if draw >= STOPS && choices.len() > 1 {
        choices.retain(|choice| *choice != Choice::Stop);
    }
    let place = usize::from(draw) % choices.len();
    choices.swap_remove(place)
}

fn begin(definition: &str, behaviours: &[Behaviour]) -> (Task, World) {
    let payload = payload(NetworkMode::Awsvpc, definition);
    let mut world = World::new(Arc::clone(&payload), behaviours);
    let (task, effects) = Task::accept(payload, world.now());
    world.perform(effects);
    (task, world)
}

fn advance(task: &mut Task, world: &mut World, draw: u8) {
    let choice = pick(world, draw);
    let event = world.event(&choice);
    let effects = task.step(world.now(), event);
    world.perform(effects);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn larger_tasks_come_to_their_end(
        (definition, behaviours) in definition(),
        draws in prop::collection::vec(any::<u8>(), EVENTS_MAX),
    ) {
        let (mut task, mut world) = begin(&definition, &behaviours);
        for draw in draws {
            if task.status() == HostStatus::Stopped {
                break;
            }
            advance(&mut task, &mut world, draw);
        }
        world.check_end(&task);
    }

    #[test]
    fn restarts_do_not_keep_them_from_it(
        (definition, behaviours) in definition(),
        draws in prop::collection::vec((any::<u8>(), any::<u8>()), EVENTS_MAX),
    ) {
        let (mut task, mut world) = begin(&definition, &behaviours);
        let mut restarts = 0;
        for (draw, chance) in draws {
            if task.status() == HostStatus::Stopped {
                break;
            }
            if chance < RESTARTS && restarts < 5 {
                restarts += 1;
                (task, world) = restarted(&world, chance % 2 == 0, chance % 4 < 2);
            } else {
                advance(&mut task, &mut world, draw);
            }
        }
        prop_assert_eq!(task.status(), HostStatus::Stopped);
        let last = world.reports.last().expect("a task reports");
        for container in &last.containers {
            prop_assert_eq!(container.status, ContainerStatus::Stopped);
            prop_assert_eq!(container.exit_code.is_some(), container.runtime_id.is_some());
        }
    }
}

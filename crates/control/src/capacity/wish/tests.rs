//! Rows and laws of the wish, and how it follows the queue.

use model::capacity::CAPACITY_PATH;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::World;

/// Needed and present instances, target percentage, least and largest step; what is wanted.
#[track_caller]
fn check_wanted(needed: u32, present: u32, scaling: (u32, u32, u32), expected: u32) {
    let (target_percent, step_min, step_max) = scaling;
    let scaling = ManagedScaling {
        target_percent,
        step_min,
        step_max,
        ..ManagedScaling::default()
    };
    assert_eq!(wanted(needed, present, &scaling), expected);
}

#[test]
fn the_target_leaves_room_and_steps_are_bounded() {
    let free = (100, 1, 10_000);
    check_wanted(0, 0, free, 0);
    check_wanted(1, 0, free, 1);
    check_wanted(3, 3, free, 3);
    check_wanted(5, 3, free, 5);
    check_wanted(1, 3, free, 1);
    check_wanted(0, 3, free, 0);
    check_wanted(4, 4, (80, 1, 10_000), 5);
    check_wanted(4, 5, (80, 1, 10_000), 5);
    check_wanted(1, 1, (50, 1, 10_000), 2);
    check_wanted(1, 1, (1, 1, 10_000), 100);
    check_wanted(9, 3, (100, 1, 2), 5);
    check_wanted(4, 3, (100, 3, 10), 6);
    check_wanted(1, 9, (100, 3, 3), 1);
}

#[test]
fn the_metric_follows_the_rule() {
    assert_eq!(reservation(0, 0), 100);
    assert_eq!(reservation(1, 0), 200);
    assert_eq!(reservation(3, 3), 100);
    assert_eq!(reservation(0, 3), 0);
    assert_eq!(reservation(1, 3), 33);
    assert_eq!(reservation(6, 3), 200);
}

fn room(cpu_units: u32, memory_mib: u32) -> Room {
    Room {
        cpu_units,
        memory_mib,
        network_interfaces: Some(2),
        gpus: 0,
        tcp_ports: BTreeSet::from([22]),
        udp_ports: BTreeSet::new(),
    }
}

fn task(cpu_units: u32, memory_mib: u32) -> Reserved {
    Reserved {
        cpu_units,
        memory_mib,
        ..Reserved::default()
    }
}

/// Instances with 4 CPU units, 8 MiB, two interfaces and SSH on port 22.
#[track_caller]
fn check_bins(tasks: &[Reserved], expected: u32) {
    let tasks: Vec<&Reserved> = tasks.iter().collect();
    assert_eq!(bins(&tasks, &room(4, 8)), expected);
}

#[test]
fn tasks_are_packed_on_everything_that_an_instance_has() {
    let on_port = |port| Reserved {
        tcp_ports: vec![port],
        ..task(1, 1)
    };
    let awsvpc = || Reserved {
        network_interfaces: 1,
        ..task(1, 1)
    };
    check_bins(&[], 0);
    check_bins(&[task(4, 8)], 1);
    check_bins(&[task(2, 1), task(2, 1), task(2, 1)], 2);
    check_bins(&[task(0, 3), task(0, 5), task(0, 3), task(0, 5)], 2);
    check_bins(&[task(5, 1)], 0);
    check_bins(&[task(1, 9), task(1, 1)], 1);
    check_bins(&[on_port(80), on_port(80), on_port(81)], 2);
    check_bins(&[on_port(22)], 0);
    check_bins(&[awsvpc(), awsvpc(), awsvpc()], 2);
}

proptest! {
    /// Laws: no fewer instances than the sums ask for, no more than there are tasks; the wish
    /// grows with the need and is met when it is granted.
    #[test]
    fn the_number_is_plausible(
        sizes in proptest::collection::vec((1u32..=4, 1u32..=8), 0..40),
        (needed, present) in (0u32..50, 0u32..50),
        target_percent in 1u32..=100,
    ) {
        let tasks: Vec<Reserved> = sizes.iter().map(|(cpu, memory)| task(*cpu, *memory)).collect();
        let tasks: Vec<&Reserved> = tasks.iter().collect();
        let bins = bins(&tasks, &room(4, 8));
        let cpu: u32 = sizes.iter().map(|size| size.0).sum();
        let memory: u32 = sizes.iter().map(|size| size.1).sum();
        prop_assert!(bins >= cpu.div_ceil(4).max(memory.div_ceil(8)));
        prop_assert!(bins as usize <= sizes.len());
        let scaling = ManagedScaling { target_percent, ..ManagedScaling::default() };
        let now = wanted(needed, present, &scaling);
        prop_assert!(now >= needed);
        prop_assert!(wanted(needed + 1, present, &scaling) >= now);
        prop_assert_eq!(wanted(needed, now, &scaling), now);
    }
}

#[test]
fn the_wish_grows_with_the_queue_and_is_told() {
    let mut world = World::with_app();
    world.provider("fleet", r#""status":"ENABLED""#);
    world.provider("fixed", "");
    world.associate("default", &["fleet", "fixed", "FARGATE"], "");
    let told = |world: &mut World| {
        let answer = world.extension(CAPACITY_PATH, "{}").unwrap();
        answer["capacityProviders"].clone()
    };
    let wish = |waiting: u32, instances: u32, reservation: u32, wanted: u32| {
        json!([{
            "cluster": "default",
            "capacityProvider": "fleet",
            "autoScalingGroup": "fleet",
            "instances": instances,
            "waitingTasks": waiting,
            "reservation": reservation,
            "wantedInstances": wanted,
        }])
    };
    assert_eq!(told(&mut world), wish(0, 0, 100, 0));
    let body = r#"{"taskDefinition":"app","count":5,
        "capacityProviderStrategy":[{"capacityProvider":"fleet"}]}"#;
    let tasks = world.run(body);
    assert_eq!(told(&mut world), wish(5, 0, 200, 1));
    let id = world.add_instance("default", 512, 1024);
    let mut instance = Instance::clone(world.state.instances().get(&id).unwrap());
    instance.capacity_provider = Some("fleet".to_owned());
    world.state.put_instance(instance);
    world.advance();
    assert_eq!(told(&mut world), wish(3, 1, 300, 3));
    for id in tasks {
        world.ok("StopTask", &format!(r#"{{"task":"{id}"}}"#));
        if !world.task(id).is_stopped() {
            world.exit(id, 0);
        }
    }
    assert_eq!(told(&mut world), wish(0, 1, 0, 0));
}

/// A launch type never waits, and never wishes for anything.
#[test]
fn a_launch_type_leaves_the_wish_alone() {
    let mut world = World::with_app();
    world.provider("fleet", r#""status":"ENABLED""#);
    world.associate(
        "default",
        &["fleet"],
        r#"{"capacityProvider":"fleet","weight":1}"#,
    );
    world.definition("big", r#","memory":"9000""#);
    let answer = world.ok("RunTask", r#"{"taskDefinition":"big","launchType":"EC2"}"#);
    assert_eq!(answer["tasks"], json!([]));
    assert_eq!(answer["failures"][0]["reason"], json!("RESOURCE:MEMORY"));
    assert_eq!(wishes(&world.state)[0].wanted_instances, 0);
    world.run(r#"{"taskDefinition":"big"}"#);
    assert_eq!(wishes(&world.state)[0].wanted_instances, 1);
}

//! Laws of the whole state, over random sequences of what can happen to it.

use std::collections::BTreeMap;

use imbl::OrdSet;
use model::TaskId;
use model::payload::HostStatus;
use proptest::prelude::*;
use serde_json::Value;

use super::State;
use crate::testing::{World, app, ids, web};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Run {
        what: usize,
        count: usize,
        token: Option<u8>,
    },
    Stop {
        which: prop::sample::Index,
    },
    Report {
        which: prop::sample::Index,
        status: HostStatus,
    },
    Pass {
        seconds: i64,
    },
    Sweep,
    Grow {
        memory_mib: u32,
    },
    Restart,
}

const STATUSES: [HostStatus; 6] = [
    HostStatus::Provisioning,
    HostStatus::Pending,
    HostStatus::Running,
    HostStatus::Stopping,
    HostStatus::Deprovisioning,
    HostStatus::Stopped,
];

fn step() -> impl Strategy<Value = Step> {
    let which = any::<prop::sample::Index>;
    prop_oneof![
        4 => (0..4usize, 1..5usize, proptest::option::of(0..3u8))
            .prop_map(|(what, count, token)| Step::Run { what, count, token }),
        2 => which().prop_map(|which| Step::Stop { which }),
        6 => (which(), 0..STATUSES.len())
            .prop_map(|(which, status)| Step::Report { which, status: STATUSES[status] }),
        1 => (1..90_000i64).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Sweep),
        1 => (500..9000u32).prop_map(|memory_mib| Step::Grow { memory_mib }),
        1 => Just(Step::Restart),
    ]
}

/// Tasks of every kind: with and without host ports, on both kinds of capacity, two clusters.
fn world() -> World {
    let mut world = World::with_app();
    let ports = r#"{"name":"main","image":"i","memory":100,"portMappings":[
        {"containerPort":80,"hostPort":8080},{"containerPort":53,"hostPort":53,"protocol":"udp"}]}"#;
    world.containers("ports", ports, "");
    world.ok("CreateCluster", r#"{"clusterName":"other"}"#);
    world.add_instance("default", 1024, 2048);
    world
}

fn run_body(what: usize, count: usize, token: Option<u8>) -> String {
    let token = token
        .map(|token| format!(r#","clientToken":"{token}""#))
        .unwrap_or_default();
    let more = format!(r#","count":{count}{token}"#);
    match what {
        0 => app(&more),
        1 => app(&more).replace("\"app\"", "\"ports\""),
        2 => web(&more),
        _ => web(&format!(r#"{more},"cluster":"other""#)),
    }
}

fn take(world: &mut World, known: &mut Vec<TaskId>, step: &Step) {
    let pick = |which: &prop::sample::Index, known: &[TaskId], world: &World| {
        let id = *which.get(known);
        world.state.tasks().contains(&id).then_some(id)
    };
    match step {
        Step::Run { what, count, token } => {
            let answer = world.call("RunTask", &run_body(*what, *count, *token));
            if let Ok(answer) = serde_json::from_str::<Value>(&answer) {
                known.extend(ids(&answer));
            }
        }
        Step::Stop { which } if !known.is_empty() => {
            let id = *which.get(known);
            for cluster in ["default", "other"] {
                world.call(
                    "StopTask",
                    &format!(r#"{{"task":"{id}","cluster":"{cluster}"}}"#),
                );
            }
        }
        Step::Report { which, status } if !known.is_empty() => {
            if let Some(id) = pick(which, known, world) {
                world.tell(id, *status);
            }
        }
        Step::Stop { .. } | Step::Report { .. } => {}
        Step::Pass { seconds } => world.pass_seconds(*seconds),
        Step::Sweep => {
            world.sweep();
        }
        Step::Grow { memory_mib } => {
            let machine = crate::testing::machine();
            world.register(crate::hosting::LocalMachine {
                memory_mib: *memory_mib,
                ..machine
            });
        }
        Step::Restart => world.restart(),
    }
}

/// What every host has left is what it registered minus what its live tasks reserved.
fn check_ledger(state: &State) {
    for instance in state.instances().iter() {
        let live = state
            .tasks()
            .iter()
            .filter(|task| task.instance == Some(instance.id) && !task.is_stopped());
        let (mut cpu, mut memory) = (0u32, 0u32);
        let mut tcp: OrdSet<u16> = instance.reserved_tcp_ports.iter().copied().collect();
        let mut udp: OrdSet<u16> = instance.reserved_udp_ports.iter().copied().collect();
        for task in live {
            cpu += task.reserved.cpu_units;
            memory += task.reserved.memory_mib;
            for (ports, taken) in [
                (&mut tcp, &task.reserved.tcp_ports),
                (&mut udp, &task.reserved.udp_ports),
            ] {
                for port in taken {
                    assert_eq!(ports.insert(*port), None, "a port is held by one task");
                }
            }
        }
        let free = state.fleet().free(&instance.id).unwrap();
        assert_eq!(free.cpu_units, instance.cpu_units.saturating_sub(cpu));
        assert_eq!(free.memory_mib, instance.memory_mib.saturating_sub(memory));
        assert_eq!((free.tcp_ports_in_use, free.udp_ports_in_use), (tcp, udp));
    }
}

/// All that callers can see of tasks, instances and clusters.
fn seen(world: &mut World, known: &[TaskId]) -> Vec<String> {
    let mut answers = Vec::new();
    for cluster in ["default", "other"] {
        for chunk in known.chunks(100) {
            let ids: Vec<String> = chunk.iter().map(TaskId::to_string).collect();
            let body = format!(r#"{{"tasks":{ids:?},"cluster":"{cluster}","include":["TAGS"]}}"#);
            answers.push(world.call("DescribeTasks", &body));
        }
        for status in ["RUNNING", "STOPPED"] {
            let body = format!(r#"{{"desiredStatus":"{status}","cluster":"{cluster}"}}"#);
            answers.push(world.call("ListTasks", &body));
        }
    }
    let instances = world.state.instances().iter().map(|one| one.id.to_string());
    let instances: Vec<String> = instances.collect();
    let body = format!(r#"{{"containerInstances":{instances:?}}}"#);
    answers.push(world.call("DescribeContainerInstances", &body));
    let clusters = r#"{"clusters":["default","other"],"include":["STATISTICS"]}"#;
    answers.push(world.call("DescribeClusters", clusters));
    answers
}

fn live_and_stopped(state: &State) -> BTreeMap<String, (usize, usize, usize)> {
    let count = |cluster: &str| {
        let all = state.tasks_of_cluster(cluster, None).count();
        let live = state.live_tasks_of_cluster(cluster, None).count();
        (all, live, state.stopped_tasks().count())
    };
    ["default", "other"]
        .map(|name| (name.to_owned(), count(name)))
        .into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Law: after any sequence the ledger is exact, versions and statuses never go back, and a
    /// restart finds the same state.
    #[test]
    fn ledger_and_restart_are_exact(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = world();
        let mut known = Vec::new();
        let mut last: BTreeMap<TaskId, (crate::record::task::TaskStatus, i64)> = BTreeMap::new();
        for step in &steps {
            take(&mut world, &mut known, step);
            check_ledger(&world.state);
            for task in world.state.tasks().iter() {
                let before = last.insert(task.id, (task.status, task.version));
                prop_assert!(before.is_none_or(|before| before <= (task.status, task.version)));
            }
        }
        let before = seen(&mut world, &known);
        let indexes = live_and_stopped(&world.state);
        world.restart();
        prop_assert_eq!(seen(&mut world, &known), before);
        prop_assert_eq!(live_and_stopped(&world.state), indexes);
        check_ledger(&world.state);
        // Nothing is left behind once everything has ended and its time has passed.
        for id in known {
            if world.state.tasks().contains(&id) {
                world.tell(id, HostStatus::Stopped);
            }
        }
        world.pass_seconds(90_000);
        while world.sweep() {}
        prop_assert_eq!((world.state.tasks().len(), world.state.tokens().len()), (0, 0));
    }
}

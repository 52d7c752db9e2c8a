//! A world whose cluster `default` has the providers `fleet`, which grows, and `fixed`, which
//! does not. Task `app` needs 256 CPU units and 512 MiB.

use std::sync::Arc;

use model::payload::HostStatus;
use model::{ContainerInstanceId, TaskId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::PATIENCE_MILLIS;
use crate::record::instance::InstanceStatus;
use crate::record::{Instance, Task};
use crate::testing::{World, ids};

fn world() -> World {
    let mut world = World::with_app();
    world.provider("fleet", r#""status":"ENABLED""#);
    world.provider("fixed", "");
    world.associate("default", &["fleet", "fixed"], "");
    world
}

/// A RunTask body for a family on a provider; `more` begins with a comma, or is empty.
fn on(provider: &str, family: &str, more: &str) -> String {
    format!(
        r#"{{"taskDefinition":"{family}",
            "capacityProviderStrategy":[{{"capacityProvider":"{provider}"}}]{more}}}"#
    )
}

/// Registers an instance of a provider, with room for so many tasks `app`.
fn instance(world: &mut World, provider: &str, tasks: u32) -> ContainerInstanceId {
    let id = world.add_instance("default", 256 * tasks, 512 * tasks);
    change(world, id, |instance| {
        instance.capacity_provider = Some(provider.to_owned());
    });
    id
}

fn change(world: &mut World, id: ContainerInstanceId, change: impl FnOnce(&mut Instance)) {
    let mut instance = Instance::clone(world.state.instances().get(&id).unwrap());
    change(&mut instance);
    world.state.put_instance(instance);
    world.advance();
}

/// What the first task of DescribeTasks shows.
fn shown(world: &mut World, id: TaskId) -> Value {
    let body = format!(r#"{{"tasks":["{id}"]}}"#);
    world.at("DescribeTasks", &body, "/tasks/0")
}

/// Which of the tasks have a host, as `1` and `0`.
fn placed(world: &World, tasks: &[TaskId]) -> String {
    let text = |id: &TaskId| {
        if world.task(*id).instance.is_some() {
            '1'
        } else {
            '0'
        }
    };
    tasks.iter().map(text).collect()
}

/// Runs `count` tasks, one call each, a second apart, so that their order is known.
fn run_each(world: &mut World, family: &str, count: usize) -> Vec<TaskId> {
    let run = |_| {
        world.pass_seconds(1);
        world.run(&on("fleet", family, ""))[0]
    };
    (0..count).map(run).collect()
}

#[test]
fn a_task_without_room_waits_and_is_placed_when_an_instance_comes() {
    let mut world = world();
    let answer = world.ok("RunTask", &on("fleet", "app", ""));
    assert_eq!(answer["failures"], json!([]));
    let task = &answer["tasks"][0];
    assert_eq!(task["lastStatus"], json!("PROVISIONING"));
    assert_eq!(task["desiredStatus"], json!("RUNNING"));
    assert_eq!(task["containerInstanceArn"], json!(null));
    assert_eq!(task["capacityProviderName"], json!("fleet"));
    assert_eq!(task["launchType"], json!("EC2"));
    assert_eq!(task["attachments"], json!([]));
    assert_eq!(task["version"], json!(1));
    let id = ids(&answer)[0];
    instance(&mut world, "fixed", 1);
    assert_eq!(placed(&world, &[id]), "0");
    let host = instance(&mut world, "fleet", 1);
    assert_eq!(world.task(id).instance, Some(host));
    let task = shown(&mut world, id);
    assert_eq!(task["lastStatus"], json!("PENDING"));
    assert_eq!(task["version"], json!(2));
    world.tell(id, HostStatus::Running);
    world.exit(id, 0);
    assert_eq!(world.state.fleet().free(&host).unwrap().cpu_units, 256);
}

#[test]
fn an_awsvpc_task_waits_with_its_attachment() {
    let mut world = world();
    world.definition("vpc", r#","networkMode":"awsvpc""#);
    let network = r#","networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1"]}}"#;
    let id = world.run(&on("fleet", "vpc", network))[0];
    let status = "/tasks/0/attachments/0/status";
    let body = format!(r#"{{"tasks":["{id}"]}}"#);
    assert_eq!(
        world.at("DescribeTasks", &body, status),
        json!("PRECREATED")
    );
    instance(&mut world, "fleet", 1);
    let task = shown(&mut world, id);
    assert_eq!(task["lastStatus"], json!("PROVISIONING"));
    assert_ne!(task["containerInstanceArn"], json!(null));
}

#[test]
fn the_oldest_comes_first_and_a_stopped_task_makes_room() {
    let mut world = world();
    instance(&mut world, "fleet", 1);
    let tasks = run_each(&mut world, "app", 4);
    assert_eq!(placed(&world, &tasks), "1000");
    world.exit(tasks[0], 0);
    assert_eq!(placed(&world, &tasks), "1100");
    world.exit(tasks[1], 0);
    instance(&mut world, "fleet", 1);
    assert_eq!(placed(&world, &tasks), "1111");
}

#[test]
fn a_draining_instance_takes_none_until_it_is_active_again() {
    let mut world = world();
    let host = instance(&mut world, "fleet", 1);
    change(&mut world, host, |one| {
        one.status = InstanceStatus::Draining
    });
    let tasks = run_each(&mut world, "app", 1);
    assert_eq!(placed(&world, &tasks), "0");
    change(&mut world, host, |one| one.status = InstanceStatus::Active);
    assert_eq!(placed(&world, &tasks), "1");
}

#[test]
fn what_binds_and_guides_the_placement_is_kept() {
    let mut world = world();
    let more = r#","placementConstraints":[{"type":"distinctInstance"}],
        "placementStrategy":[{"type":"binpack","field":"memory"}],"count":2"#;
    let tasks = world.run(&on("fleet", "app", more));
    world.restart();
    instance(&mut world, "fleet", 9);
    assert_eq!(placed(&world, &tasks).matches('1').count(), 1);
    instance(&mut world, "fleet", 9);
    assert_eq!(placed(&world, &tasks), "11");
}

#[test]
fn a_waiting_task_may_go_to_the_zone_of_any_of_its_subnets() {
    let mut world = world();
    for (subnet, zone) in [("subnet-a", "us-east-1a"), ("subnet-b", "us-east-1b")] {
        let zones = &mut world.settings.subnet_zones;
        zones.insert(subnet.to_owned(), zone.to_owned());
    }
    world.definition(
        "net",
        r#","networkMode":"awsvpc","cpu":"256","memory":"512""#,
    );
    let run = |world: &mut World, subnets: &str| {
        let more =
            format!(r#","networkConfiguration":{{"awsvpcConfiguration":{{"subnets":{subnets}}}}}"#);
        world.run(&on("fleet", "net", &more))[0]
    };
    let in_a = run(&mut world, r#"["subnet-a"]"#);
    let in_any = run(&mut world, r#"["subnet-a","subnet-b"]"#);
    let host = instance(&mut world, "fleet", 0);
    change(&mut world, host, |one| {
        let name = Some("ecs.availability-zone");
        let mut attributes = one.attributes.iter_mut();
        let zone = attributes.find(|one| one.name.as_deref() == name).unwrap();
        zone.value = Some("us-east-1b".to_owned());
        (one.cpu_units, one.memory_mib) = (2048, 4096);
    });
    assert_eq!(placed(&world, &[in_a, in_any]), "01");
    let details = shown(&mut world, in_any)["attachments"][0]["details"].clone();
    assert_eq!(details[0], json!({"name": "subnetId", "value": "subnet-b"}));
}

#[test]
fn without_managed_scaling_nothing_waits() {
    let mut world = world();
    let body = on("fixed", "app", "");
    world.refused(
        "RunTask",
        &body,
        "InvalidParameterException: No Container Instances were found in your capacity provider.",
    );
    let host = instance(&mut world, "fixed", 1);
    world.run(&body);
    let reason = "/failures/0/reason";
    assert_eq!(world.at("RunTask", &body, reason), json!("RESOURCE:CPU"));
    change(&mut world, host, |one| {
        one.status = InstanceStatus::Draining
    });
    assert_eq!(
        world.at("RunTask", &body, reason),
        json!("NO ACTIVE INSTANCES")
    );
    assert_eq!(world.state.waiting_count("default"), 0);
}

#[test]
fn an_empty_provider_of_several_takes_nothing_from_the_others() {
    let mut world = world();
    instance(&mut world, "fixed", 9);
    world.provider("bare", "");
    world.associate("default", &["fleet", "fixed", "bare"], "");
    let strategy = r#"{"taskDefinition":"app","count":4,"capacityProviderStrategy":[
        {"capacityProvider":"bare","weight":1},{"capacityProvider":"fixed","weight":1}]}"#;
    let answer = world.ok("RunTask", strategy);
    assert_eq!(answer["tasks"].as_array().map(Vec::len), Some(2));
    let arn = "arn:aws:ecs:us-east-1:000000000000:capacity-provider/bare";
    assert_eq!(
        answer["failures"],
        json!([{"arn": arn, "reason": "EMPTY CAPACITY PROVIDER"}])
    );
}

#[test]
fn five_hundred_tasks_of_a_cluster_wait_at_most() {
    let mut world = world();
    for _ in 0..49 {
        world.run(&on("fleet", "app", r#","count":10"#));
    }
    world.run(&on("fleet", "app", r#","count":9"#));
    let limit = "ClientException: Tasks provisioning capacity limit exceeded.";
    world.refused("RunTask", &on("fleet", "app", r#","count":2"#), limit);
    world.run(&on("fleet", "app", ""));
    world.refused("RunTask", &on("fleet", "app", ""), limit);
    assert_eq!(world.state.waiting_count("default"), 500);
    instance(&mut world, "fleet", 1);
    world.run(&on("fleet", "app", ""));
}

#[test]
fn a_waiting_task_is_stopped_at_once() {
    let mut world = world();
    let tasks = run_each(&mut world, "app", 2);
    let body = format!(r#"{{"task":"{}","reason":"enough"}}"#, tasks[0]);
    let task = world.at("StopTask", &body, "/task");
    assert_eq!(task["lastStatus"], json!("STOPPED"));
    assert_eq!(task["stopCode"], json!("UserInitiated"));
    assert_eq!(task["stoppedReason"], json!("enough"));
    assert_eq!(task["containers"][0]["lastStatus"], json!("STOPPED"));
    assert_eq!(task["stoppedAt"], task["stoppingAt"]);
    // No host has executed it.
    assert_eq!(task["executionStoppedAt"], json!(null));
    instance(&mut world, "fleet", 1);
    assert_eq!(placed(&world, &tasks), "01");
    assert_eq!(world.state.waiting_count("default"), 0);
}

#[test]
fn a_restart_keeps_the_queue_and_its_order() {
    let mut world = world();
    let tasks = run_each(&mut world, "app", 3);
    world.restart();
    assert_eq!(world.state.waiting_count("default"), 3);
    instance(&mut world, "fleet", 2);
    assert_eq!(placed(&world, &tasks), "110");
}

/// The reason of a task that has waited in vain, after `prepare`.
#[track_caller]
fn check_reason(family: &str, more: &str, prepare: fn(&mut World), expected: &str) {
    let mut world = world();
    world.definition("big", r#","memory":"9000""#);
    prepare(&mut world);
    let id = world.run(&on("fleet", family, more))[0];
    world.pass_seconds(899);
    world.sweep();
    assert_eq!(shown(&mut world, id)["lastStatus"], json!("PROVISIONING"));
    world.pass_seconds(1);
    world.sweep();
    let task = shown(&mut world, id);
    assert_eq!(task["lastStatus"], json!("STOPPED"));
    assert_eq!(task["stopCode"], json!("TaskFailedToStart"));
    let expected = format!("TaskFailedToStart: {expected}");
    assert_eq!(task["stoppedReason"], json!(expected));
    assert_eq!(world.state.waiting_count("default"), 0);
}

#[test]
fn who_waits_too_long_is_told_what_was_missing() {
    check_reason("app", "", |_| (), "EMPTY CAPACITY PROVIDER");
    let draining = |world: &mut World| {
        let host = instance(world, "fleet", 1);
        change(world, host, |one| one.status = InstanceStatus::Draining);
    };
    check_reason("app", "", draining, "NO ACTIVE INSTANCES");
    let away = |world: &mut World| {
        let host = instance(world, "fleet", 1);
        change(world, host, |one| one.agent_connected = false);
    };
    check_reason("app", "", away, "AGENT");
    let small = |world: &mut World| {
        instance(world, "fleet", 4);
    };
    check_reason("big", "", small, "RESOURCE:MEMORY");
    let taken = |world: &mut World| {
        instance(world, "fleet", 4);
        world.run(&on("fleet", "app", ""));
    };
    let distinct = r#","placementConstraints":[{"type":"distinctInstance"}]"#;
    check_reason(
        "app",
        distinct,
        taken,
        "DistinctInstance placement constraint unsatisfied",
    );
}

#[test]
fn the_time_to_wait_is_the_operators() {
    let mut world = world();
    world.settings.limits.provisioning_timeout_seconds = 10;
    let id = run_each(&mut world, "app", 1)[0];
    world.pass_seconds(10);
    world.sweep();
    assert!(world.task(id).is_stopped());
}

/// A large task lets small ones pass for a minute; then it is the next.
#[test]
fn a_large_task_is_not_passed_for_ever() {
    let mut world = world();
    world.definition("large", r#","cpu":"1024","memory":"2048""#);
    instance(&mut world, "fleet", 4);
    let small = run_each(&mut world, "app", 3);
    let large = run_each(&mut world, "large", 1);
    let after = run_each(&mut world, "app", 1);
    assert_eq!(placed(&world, &large), "0");
    assert_eq!(placed(&world, &after), "1");
    world.pass_seconds(PATIENCE_MILLIS / 1000);
    let late = run_each(&mut world, "app", 1);
    for id in small {
        world.exit(id, 0);
        assert_eq!(placed(&world, &[large[0], late[0]]), "00");
    }
    world.exit(after[0], 0);
    assert_eq!(placed(&world, &[large[0], late[0]]), "10");
    world.exit(large[0], 0);
    assert_eq!(placed(&world, &late), "1");
}

/// Nobody waits for a task that no instance could ever hold.
#[test]
fn a_task_that_is_too_large_holds_nobody_back() {
    let mut world = world();
    world.definition("huge", r#","cpu":"4096","memory":"8192""#);
    instance(&mut world, "fleet", 1);
    let huge = run_each(&mut world, "huge", 1);
    let first = run_each(&mut world, "app", 1);
    world.pass_seconds(PATIENCE_MILLIS / 1000);
    let second = run_each(&mut world, "app", 1);
    assert_eq!(placed(&world, &second), "0");
    world.exit(first[0], 0);
    assert_eq!(placed(&world, &[huge[0], second[0]]), "01");
    world.exit(second[0], 0);
    let third = run_each(&mut world, "app", 1);
    assert_eq!(placed(&world, &[huge[0], third[0]]), "01");
}

#[derive(Clone, Debug)]
enum Step {
    Run { large: bool },
    Exit { nth: usize },
    Stop { nth: usize },
    Pass { seconds: i64 },
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|large| Step::Run { large }),
        4 => any::<usize>().prop_map(|nth| Step::Exit { nth }),
        1 => any::<usize>().prop_map(|nth| Step::Stop { nth }),
        2 => (1i64..40).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Restart),
    ]
}

fn on_host(world: &World, host: ContainerInstanceId) -> Vec<TaskId> {
    world
        .state
        .live_tasks_of(host)
        .map(|task| task.id)
        .collect()
}

fn take(world: &mut World, tasks: &mut Vec<TaskId>, step: &Step) {
    let nth = |tasks: &[TaskId], nth: usize| {
        let index = nth.checked_rem(tasks.len())?;
        Some(tasks[index])
    };
    match step {
        Step::Run { large } => {
            let family = if *large { "large" } else { "app" };
            tasks.extend(world.run(&on("fleet", family, "")));
        }
        Step::Exit { nth: n } => {
            let live = |id: &&TaskId| {
                let task = world.task(**id);
                task.instance.is_some() && !task.is_stopped()
            };
            let live: Vec<TaskId> = tasks.iter().filter(live).copied().collect();
            if let Some(id) = nth(&live, *n) {
                world.exit(id, 0);
            }
        }
        Step::Stop { nth: n } => {
            if let Some(id) = nth(tasks, *n) {
                world.ok("StopTask", &format!(r#"{{"task":"{id}"}}"#));
            }
        }
        Step::Pass { seconds } => world.pass_seconds(*seconds),
        Step::Restart => world.restart(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Laws, with room for four small tasks or one large one: hosts are never over-committed;
    /// no task waits that would fit, unless an impatient one is ahead; nobody passes an impatient
    /// one; when everything that is placed ends, again and again, everybody has had a turn.
    #[test]
    fn nobody_starves(steps in proptest::collection::vec(any_step(), 1..60)) {
        let mut world = world();
        world.settings.limits.stopped_task_retention_seconds = i64::from(i32::MAX);
        world.definition("large", r#","cpu":"1024","memory":"2048""#);
        let host = instance(&mut world, "fleet", 4);
        let mut tasks = Vec::new();
        for step in &steps {
            let now = world.now;
            let waiting = world.state.waiting_tasks_of("default").cloned();
            let waiting: Vec<Arc<Task>> = waiting.collect();
            let impatient = waiting.into_iter().find(|task| super::is_impatient(task, now));
            let before: Vec<TaskId> = on_host(&world, host);
            take(&mut world, &mut tasks, step);
            world.advance();
            let place = |id: TaskId| (world.task(id).times.created_at, id);
            if let Some(first) = impatient.filter(|first| world.task(first.id).is_waiting()) {
                let new = on_host(&world, host).into_iter().filter(|id| !before.contains(id));
                prop_assert!(new.into_iter().all(|id| place(id) < place(first.id)));
            }
            let free = world.state.fleet().free(&host).unwrap();
            let live = world.state.live_tasks_of(host);
            let taken: u32 = live.map(|task| task.reserved.cpu_units).sum();
            prop_assert_eq!(free.cpu_units + taken, 1024);
            let waiting: Vec<_> = world.state.waiting_tasks_of("default").collect();
            let impatient = waiting.iter().position(|task| super::is_impatient(task, world.now));
            let ahead = &waiting[..impatient.unwrap_or(waiting.len())];
            prop_assert!(ahead.iter().all(|task| task.reserved.cpu_units > free.cpu_units));
        }
        for _ in 0..=tasks.len() {
            for id in on_host(&world, host) {
                world.exit(id, 0);
            }
            world.pass_seconds(1);
        }
        prop_assert_eq!(world.state.waiting_count("default"), 0);
        prop_assert!(tasks.iter().all(|id| world.task(*id).is_stopped()));
    }
}

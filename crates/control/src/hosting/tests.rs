//! Instances of this server over restarts.

use serde_json::json;

use super::*;
use crate::testing::{World, app, machine};

#[test]
fn the_machine_keeps_its_id_and_tags_over_restarts_and_its_sizes_follow() {
    let mut world = World::with_app();
    let id = world.state.instances().iter().next().unwrap().id;
    let arn = world.settings.instance_arn("default", id);
    let tag = format!(r#"{{"resourceArn":"{arn}","tags":[{{"key":"a"}}]}}"#);
    world.ok("TagResource", &tag);
    let registered_at = world.now;
    world.pass_seconds(60);
    world.restart();
    let smaller = LocalMachine {
        memory_mib: 1000,
        ..machine()
    };
    assert_eq!(world.register(smaller), id);
    let instance = world.state.instances().get(&id).unwrap();
    assert_eq!(instance.memory_mib, 1000);
    assert_eq!(instance.registered_at, registered_at);
    assert_eq!(instance.version, 2);
    assert_eq!(instance.tags.len(), 1);
    assert_eq!(world.state.instances().len(), 1);
}

#[test]
fn a_machine_that_became_too_small_for_its_tasks_shows_nothing_left() {
    let mut world = World::with_app();
    world.run(&app(r#","count":4"#));
    let id = world.register(LocalMachine {
        memory_mib: 1000,
        ..machine()
    });
    assert_eq!(world.state.fleet().free(&id).unwrap().memory_mib, 0);
    let failure = world.at("RunTask", &app(""), "/failures/0/reason");
    assert_eq!(failure, json!("RESOURCE:MEMORY"));
}

#[test]
fn registering_brings_the_default_cluster_back() {
    let mut world = World::without_hosts();
    world.ok("CreateCluster", "{}");
    world.ok("DeleteCluster", r#"{"cluster":"default"}"#);
    world.register(machine());
    let status = world.at("DescribeClusters", "{}", "/clusters/0/status");
    assert_eq!(status, json!("ACTIVE"));
}

/// What definitions require of the capabilities that are built, the local machine has.
#[test]
fn the_machine_can_do_what_is_built() {
    let mut world = World::new();
    let main = r#"{"name":"main","image":"i","memory":6,"privileged":true,
        "healthCheck":{"command":["true"]},
        "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g",
            "awslogs-region":"r","awslogs-stream-prefix":"p"}}},
        {"name":"next","image":"1.dkr.ecr.us-east-1.amazonaws.com/app","memory":6,
         "dependsOn":[{"containerName":"main","condition":"START"}]}"#;
    let more = r#","taskRoleArn":"t","executionRoleArn":"e","cpu":"256","memory":"512",
        "runtimePlatform":{"operatingSystemFamily":"LINUX","cpuArchitecture":"X86_64"}"#;
    for mode in ["bridge", "host", "none"] {
        world.containers("app", main, &format!(r#"{more},"networkMode":"{mode}""#));
        assert_eq!(world.run(&app("")).len(), 1, "{mode}");
    }
}

/// An instance of the configuration, a quarter of the machine.
fn hosted(name: &str) -> HostedInstance {
    HostedInstance {
        name: Some(name.to_owned()),
        cpu_units: 1024,
        memory_mib: 2048,
        ..HostedInstance::whole(&machine())
    }
}

fn start(world: &mut World, hosted: &[HostedInstance]) {
    world.restart();
    register(&mut world.cx(), &machine(), hosted);
}

fn id_of(world: &World, name: &str) -> ContainerInstanceId {
    let mut all = world.state.instances().iter();
    let named = all.find(|one| {
        one.name.as_deref() == Some(name) && one.cluster == DEFAULT_CLUSTER && is_hosted(one)
    });
    named.unwrap().id
}

#[test]
fn instances_keep_their_ids_over_restarts_and_follow_the_configuration() {
    let mut world = World::without_hosts();
    world.definition("app", "");
    let elsewhere = HostedInstance {
        cluster: "lab".to_owned(),
        zone: Some("us-east-1c".to_owned()),
        gpus: vec!["g0".to_owned()],
        capacity_provider: Some("asg".to_owned()),
        attributes: vec![
            ("stack".to_owned(), Some("prod".to_owned())),
            ("bare".to_owned(), None),
        ],
        ..hosted("a")
    };
    start(&mut world, &[hosted("a"), hosted("b"), elsewhere.clone()]);
    let (a, b) = (id_of(&world, "a"), id_of(&world, "b"));
    let lab = world.ok("ListContainerInstances", r#"{"cluster":"lab"}"#);
    let body = json!({"cluster": "lab", "containerInstances": lab["containerInstanceArns"],
        "include": ["TAGS"]});
    let shown = world.ok("DescribeContainerInstances", &body.to_string());
    let shown = &shown["containerInstances"][0];
    assert_eq!(shown["capacityProviderName"], json!("asg"));
    assert_eq!(
        shown["tags"],
        json!([{"key": "longshore:name", "value": "a"}])
    );
    assert_eq!(shown["versionInfo"], json!({"agentVersion": "1.2.3"}));
    let attributes = shown["attributes"].as_array().unwrap();
    for expected in [
        json!({"name": "ecs.availability-zone", "value": "us-east-1c"}),
        json!({"name": "stack", "value": "prod"}),
        json!({"name": "bare"}),
    ] {
        assert!(attributes.contains(&expected), "{expected}");
    }
    let before = world.state.clone();
    start(&mut world, &[hosted("a"), hosted("b"), elsewhere.clone()]);
    assert!(
        before.instances().iter().eq(world.state.instances().iter()),
        "nothing has changed"
    );
    let drain = format!(r#"{{"containerInstances":["{a}"],"status":"DRAINING"}}"#);
    world.ok("UpdateContainerInstancesState", &drain);
    let larger = HostedInstance {
        memory_mib: 4096,
        ..hosted("a")
    };
    start(&mut world, &[larger, hosted("b"), elsewhere]);
    assert_eq!((id_of(&world, "a"), id_of(&world, "b")), (a, b));
    let instance = world.state.instances().get(&a).unwrap();
    assert_eq!((instance.memory_mib, instance.version), (4096, 3));
    assert_eq!(instance.status, InstanceStatus::Draining);
}

#[test]
fn what_is_no_longer_configured_goes_with_its_tasks() {
    let mut world = World::without_hosts();
    world.definition("app", "");
    start(&mut world, &[hosted("a")]);
    let a = id_of(&world, "a");
    let task = world.run(&app(""))[0];
    start(&mut world, &[hosted("b")]);
    let gone = world.state.instances().get(&a).unwrap();
    assert_eq!(gone.status, InstanceStatus::Inactive);
    let stopped = world.task(task).stop.clone().unwrap();
    assert!(world.task(task).is_stopped());
    assert_eq!(
        stopped.reason,
        "Container instance a was removed from the configuration of its server"
    );
    start(&mut world, &[hosted("a"), hosted("b")]);
    assert_ne!(id_of(&world, "a"), a, "what is INACTIVE never comes back");
    start(&mut world, &[HostedInstance::whole(&machine())]);
    start(&mut world, &[hosted("a")]);
    let active = world.state.instances().iter();
    let active = active.filter(|one| one.status == InstanceStatus::Active);
    assert_eq!(active.count(), 1);
}

#[test]
fn hosts_of_the_api_follow_the_driver_of_the_server() {
    let mut world = World::new();
    world.settings.scripted = true;
    let arn = world.at(
        "RegisterContainerInstance",
        "{}",
        "/containerInstance/containerInstanceArn",
    );
    let body = format!(r#"{{"containerInstances":[{arn}]}}"#);
    for scripted in [true, false, true] {
        world.settings.scripted = scripted;
        start(&mut world, &[HostedInstance::whole(&machine())]);
        let shown = world.at(
            "DescribeContainerInstances",
            &body,
            "/containerInstances/0/agentConnected",
        );
        assert_eq!(shown, json!(scripted));
    }
}

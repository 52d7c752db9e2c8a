//! RunTask as its caller sees it: which revision and cluster, what is answered, what fails.
//! The checks of single members are tested in `launch`.

use expect_test::{Expect, expect};
use model::payload::HostStatus;
use model::shapes::Attribute;
use serde_json::{Value, json};

use crate::record::Instance;
use crate::testing::{ARN, World, app, web};

#[track_caller]
fn check_refused(body: &str, expected: &str) {
    World::with_app().refused("RunTask", body, expected);
}

/// The revision that a task of this `taskDefinition` runs, when `app` has the ACTIVE revisions
/// 1 and 2 and the INACTIVE revision 3.
fn revision_of(named: &str) -> String {
    let mut world = World::with_app();
    world.definition("app", "");
    world.definition("app", "");
    world.ok("DeregisterTaskDefinition", r#"{"taskDefinition":"app:3"}"#);
    let body = format!(r#"{{"taskDefinition":"{named}"}}"#);
    let answer = world.call("RunTask", &body);
    let Ok(answer) = serde_json::from_str::<Value>(&answer) else {
        return answer;
    };
    let arn = answer["tasks"][0]["taskDefinitionArn"].as_str().unwrap();
    arn.strip_prefix(&format!("{ARN}:task-definition/"))
        .unwrap()
        .to_owned()
}

#[test]
fn a_bare_family_runs_the_newest_active_revision() {
    assert_eq!(revision_of("app"), "app:2");
}

#[test]
fn a_revision_or_an_arn_runs_exactly_that_revision() {
    assert_eq!(revision_of("app:1"), "app:1");
    assert_eq!(
        revision_of(&format!("{ARN}:task-definition/app:1")),
        "app:1"
    );
    assert_eq!(revision_of(&format!("{ARN}:task-definition/app")), "app:2");
}

#[test]
fn an_inactive_revision_is_refused() {
    let text = "InvalidParameterException: TaskDefinition is inactive";
    assert_eq!(revision_of("app:3"), text);
}

#[test]
fn an_unknown_definition_is_not_found() {
    for named in ["app:4", "nothing", "nothing:1"] {
        assert_eq!(
            revision_of(named),
            "ClientException: TaskDefinition not found."
        );
    }
}

#[test]
fn a_wildcard_or_another_word_is_no_revision() {
    for text in ["*", "", "0", "-1", "+1", "latest", "1:2", "99999999999"] {
        assert_eq!(
            revision_of(&format!("app:{text}")),
            format!("InvalidParameterException: Invalid revision number. Number: {text}")
        );
    }
}

#[test]
fn a_malformed_definition_is_refused() {
    check_refused(
        "{}",
        "InvalidParameterException: taskDefinition can not be blank.",
    );
    assert_eq!(
        revision_of("a b"),
        "ClientException: Family contains invalid characters."
    );
    assert_eq!(
        revision_of("arn:aws:ecs:us-east-1:111111111111:task-definition/app:1"),
        "InvalidParameterException: AccountIDs mismatch"
    );
    assert_eq!(
        revision_of(&format!("{ARN}:cluster/app")),
        "InvalidParameterException: Unsupported resource type: cluster"
    );
    assert_eq!(
        revision_of("arn:aws:ecs"),
        "InvalidParameterException: Invalid identifier: Unexpected number of separators"
    );
}

#[test]
fn the_cluster_is_named_by_name_or_arn_or_is_default() {
    let mut world = World::with_app();
    world.ok("CreateCluster", r#"{"clusterName":"batch"}"#);
    let named = format!(r#","cluster":"{ARN}:cluster/batch""#);
    for (more, cluster) in [
        ("", "default"),
        (r#","cluster":"default""#, "default"),
        (r#","cluster":"batch""#, "batch"),
        (named.as_str(), "batch"),
    ] {
        let arn = world.at("RunTask", &web(more), "/tasks/0/clusterArn");
        assert_eq!(arn, json!(format!("{ARN}:cluster/{cluster}")));
    }
}

#[test]
fn a_cluster_that_is_not_there_is_refused() {
    let mut world = World::with_app();
    world.ok("CreateCluster", r#"{"clusterName":"gone"}"#);
    world.ok("DeleteCluster", r#"{"cluster":"gone"}"#);
    let mut check = |cluster: &str, expected: &str| {
        world.refused(
            "RunTask",
            &app(&format!(r#","cluster":"{cluster}""#)),
            expected,
        );
    };
    check("nowhere", "ClusterNotFoundException: Cluster not found.");
    check(
        "gone",
        "ClusterNotFoundException: The referenced cluster was inactive.",
    );
    check(
        "a b",
        "InvalidParameterException: Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was a b",
    );
    check(
        "arn:aws:ecs:us-east-1:111111111111:cluster/default",
        "InvalidParameterException: AccountIDs mismatch",
    );
    check(
        "arn:aws:ecs:eu-west-1:000000000000:cluster/default",
        "InvalidParameterException: Invalid identifier: region eu-west-1 is not us-east-1",
    );
    let mut world = World::without_hosts();
    world.definition("app", "");
    let text = "ClusterNotFoundException: Cluster not found.";
    world.refused("RunTask", &app(""), text);
}

#[test]
fn a_cluster_without_instances_refuses_ec2_and_external() {
    let mut world = World::with_app();
    world.ok("CreateCluster", r#"{"clusterName":"empty"}"#);
    let text = "InvalidParameterException: No Container Instances were found in your cluster.";
    world.refused("RunTask", &app(r#","cluster":"empty""#), text);
    // The local machine is no external instance.
    world.refused("RunTask", &app(r#","launchType":"EXTERNAL""#), text);
}

#[test]
fn ec2_and_external_tasks_keep_to_their_kind_of_instance() {
    let mut world = World::with_app();
    let external = world.add_instance("default", 4096, 8192);
    let mut instance = Instance::clone(world.state.instances().get(&external).unwrap());
    instance.attributes.push(Attribute {
        name: Some(crate::local_host::EXTERNAL.to_owned()),
        ..Attribute::default()
    });
    world.state.put_instance(instance);
    for (launch_type, is_external) in [("EC2", false), ("EXTERNAL", true)] {
        let more = format!(r#","launchType":"{launch_type}","count":8"#);
        for id in world.run(&app(&more)) {
            assert_eq!(world.task(id).instance == external, is_external);
        }
    }
}

/// Launch types never wait for capacity: what does not fit is told at once.
#[test]
fn without_room_nothing_waits() {
    let mut world = World::with_app();
    world.definition("big", r#","memory":"9000""#);
    let answer = world.ok("RunTask", r#"{"taskDefinition":"big","launchType":"EC2"}"#);
    assert_eq!(answer["tasks"], json!([]));
    assert_eq!(world.state.tasks().len(), 0);
}

fn pretty(mut value: Value, ids: &mut Vec<(String, String)>) -> String {
    value.as_object_mut().unwrap().remove("overrides");
    let mut text = serde_json::to_string_pretty(&value).unwrap();
    for (from, to) in ids.drain(..) {
        text = text.replace(&from, &to);
    }
    text
}

/// The first task of an answer, random ids replaced by words.
#[track_caller]
fn check_task(mut world: World, body: &str, expected: Expect) {
    let answer = world.ok("RunTask", body);
    let id = crate::testing::ids(&answer)[0];
    let task = world.task(id);
    let mut ids = vec![
        (id.to_string(), "TASK".to_owned()),
        (task.instance.to_string(), "INSTANCE".to_owned()),
        (task.containers[0].id.to_string(), "CONTAINER".to_owned()),
    ];
    if let Some(eni) = &task.attachment {
        ids.push((eni.id.to_string(), "ATTACHMENT".to_owned()));
    }
    expected.assert_eq(&pretty(answer["tasks"][0].clone(), &mut ids));
}

#[test]
fn a_task_on_an_instance_is_described_in_full() {
    let body = app(r#","startedBy":"nightly/1","tags":[{"key":"team","value":"data"}]"#);
    check_task(
        World::with_app(),
        &body,
        expect![[r#"
        {
          "attachments": [],
          "attributes": [
            {
              "name": "ecs.cpu-architecture",
              "value": "x86_64"
            }
          ],
          "availabilityZone": "us-east-1a",
          "clusterArn": "arn:aws:ecs:us-east-1:000000000000:cluster/default",
          "containerInstanceArn": "arn:aws:ecs:us-east-1:000000000000:container-instance/default/INSTANCE",
          "containers": [
            {
              "containerArn": "arn:aws:ecs:us-east-1:000000000000:container/default/TASK/CONTAINER",
              "cpu": "256",
              "healthStatus": "UNKNOWN",
              "image": "busybox",
              "lastStatus": "PENDING",
              "memory": "512",
              "name": "main",
              "networkBindings": [],
              "networkInterfaces": [],
              "taskArn": "arn:aws:ecs:us-east-1:000000000000:task/default/TASK"
            }
          ],
          "cpu": "256",
          "createdAt": 1767600000,
          "desiredStatus": "RUNNING",
          "enableExecuteCommand": false,
          "group": "family:app",
          "healthStatus": "UNKNOWN",
          "inferenceAccelerators": [],
          "lastStatus": "PENDING",
          "launchType": "EC2",
          "memory": "512",
          "startedBy": "nightly/1",
          "tags": [
            {
              "key": "team",
              "value": "data"
            }
          ],
          "taskArn": "arn:aws:ecs:us-east-1:000000000000:task/default/TASK",
          "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/app:1",
          "version": 1
        }"#]],
    );
}

#[test]
fn a_task_on_fargate_is_described_in_full() {
    check_task(
        World::with_app(),
        &web(""),
        expect![[r#"
        {
          "attachments": [
            {
              "details": [
                {
                  "name": "subnetId",
                  "value": "subnet-1"
                }
              ],
              "id": "ATTACHMENT",
              "status": "PRECREATED",
              "type": "ElasticNetworkInterface"
            }
          ],
          "attributes": [
            {
              "name": "ecs.cpu-architecture",
              "value": "x86_64"
            }
          ],
          "availabilityZone": "us-east-1a",
          "clusterArn": "arn:aws:ecs:us-east-1:000000000000:cluster/default",
          "containers": [
            {
              "containerArn": "arn:aws:ecs:us-east-1:000000000000:container/default/TASK/CONTAINER",
              "cpu": "256",
              "healthStatus": "UNKNOWN",
              "image": "busybox",
              "lastStatus": "PENDING",
              "memory": "512",
              "name": "main",
              "networkBindings": [],
              "networkInterfaces": [],
              "taskArn": "arn:aws:ecs:us-east-1:000000000000:task/default/TASK"
            }
          ],
          "cpu": "256",
          "createdAt": 1767600000,
          "desiredStatus": "RUNNING",
          "enableExecuteCommand": false,
          "ephemeralStorage": {
            "sizeInGiB": 20
          },
          "fargateEphemeralStorage": {
            "sizeInGiB": 20
          },
          "group": "family:web",
          "healthStatus": "UNKNOWN",
          "inferenceAccelerators": [],
          "lastStatus": "PROVISIONING",
          "launchType": "FARGATE",
          "memory": "512",
          "platformFamily": "Linux",
          "platformVersion": "1.4.0",
          "tags": [],
          "taskArn": "arn:aws:ecs:us-east-1:000000000000:task/default/TASK",
          "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1",
          "version": 1
        }"#]],
    );
}

#[test]
fn every_task_of_a_call_has_an_id_of_its_own() {
    let mut world = World::with_app();
    let mut ids = world.run(&app(r#","count":5"#));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn what_was_started_is_seen_by_the_very_next_call() {
    let mut world = World::with_app();
    let id = world.run(&app(""))[0];
    let described = world.at(
        "DescribeTasks",
        &format!(r#"{{"tasks":["{id}"]}}"#),
        "/tasks/0/taskArn",
    );
    let listed = world.at("ListTasks", "{}", "/taskArns/0");
    assert_eq!(described, json!(format!("{ARN}:task/default/{id}")));
    assert_eq!(listed, described);
}

#[test]
fn each_examined_instance_tells_why_it_cannot_take_a_task() {
    let mut world = World::with_app();
    let second = world.add_instance("default", 100, 9999);
    world.definition("big", r#","cpu":"2048","memory":"8193""#);
    let local = world
        .state
        .instances()
        .iter()
        .find(|one| one.id != second)
        .unwrap()
        .id;
    let answer = world.ok("RunTask", r#"{"taskDefinition":"big","count":2}"#);
    let failure = |id, reason: &str| {
        let arn = format!("{ARN}:container-instance/default/{id}");
        (arn.clone(), json!({"arn": arn, "reason": reason}))
    };
    let mut failures = [
        failure(local, "RESOURCE:MEMORY"),
        failure(second, "RESOURCE:CPU"),
    ];
    failures.sort_by(|a, b| a.0.cmp(&b.0));
    let failures: Vec<Value> = failures.into_iter().map(|(_, failure)| failure).collect();
    assert_eq!(answer, json!({"tasks": [], "failures": failures}));
}

#[test]
fn a_call_that_fits_in_part_answers_tasks_and_failures() {
    let mut world = World::with_app();
    let taken = r#"{"name":"main","image":"i","memory":6,"portMappings":[
        {"containerPort":80,"hostPort":8080}]}"#;
    world.containers("port", taken, "");
    let answer = world.ok("RunTask", r#"{"taskDefinition":"port","count":2}"#);
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(answer["failures"][0]["reason"], json!("RESOURCE:PORTS"));
    assert_eq!(answer["failures"].as_array().unwrap().len(), 1);
}

#[test]
fn a_port_of_the_machine_itself_is_never_given_away() {
    let mut world = World::with_app();
    let taken = r#"{"name":"main","image":"i","memory":6,"portMappings":[
        {"containerPort":80,"hostPort":8327}]}"#;
    world.containers("port", taken, "");
    let reason = world.at(
        "RunTask",
        r#"{"taskDefinition":"port"}"#,
        "/failures/0/reason",
    );
    assert_eq!(reason, json!("RESOURCE:PORTS"));
}

#[test]
fn an_instance_without_its_agent_or_that_drains_gets_nothing() {
    use crate::record::instance::InstanceStatus;
    let mut world = World::with_app();
    let mut instance = Instance::clone(world.state.instances().iter().next().unwrap());
    instance.agent_connected = false;
    world.state.put_instance(instance.clone());
    assert_eq!(
        world.at("RunTask", &app(""), "/failures/0/reason"),
        json!("AGENT")
    );
    instance.status = InstanceStatus::Draining;
    world.state.put_instance(instance);
    world.refused(
        "RunTask",
        &app(""),
        "InvalidParameterException: No Container Instances were found in your cluster.",
    );
}

#[test]
fn fargate_tells_once_that_it_has_no_capacity() {
    let mut world = World::with_app();
    world.definition(
        "huge",
        r#","networkMode":"awsvpc","cpu":"4096","memory":"8192","requiresCompatibilities":["FARGATE"]"#,
    );
    let body = web(r#","count":3"#).replace("\"web\"", "\"huge\"");
    let answer = world.ok("RunTask", &body);
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
    let reason = "Capacity is unavailable at this time. Please try again later or in a different \
                  availability zone";
    assert_eq!(answer["failures"], json!([{ "reason": reason }]));
}

#[test]
fn a_fargate_task_takes_from_the_ledger_of_the_local_machine() {
    let mut world = World::with_app();
    world.run(&web(r#","count":10"#));
    let id = world.state.instances().iter().next().unwrap().id;
    assert_eq!(
        world.state.fleet().free(&id).unwrap().cpu_units,
        4096 - 2560
    );
}

#[test]
fn a_task_that_ended_makes_room_for_the_next() {
    let mut world = World::with_app();
    world.definition("all", r#","memory":"8192""#);
    let body = r#"{"taskDefinition":"all"}"#;
    let id = world.run(body)[0];
    assert_eq!(world.run(body), []);
    world.ok("StopTask", &format!(r#"{{"task":"{id}"}}"#));
    assert_eq!(world.run(body), []);
    world.tell(id, HostStatus::Stopped);
    assert_eq!(world.run(body).len(), 1);
}

/// The tags of a task that runs `app`, which has the tags team=own and color=red.
#[track_caller]
fn check_tags(more: &str, expected: &[(&str, &str)]) {
    let mut world = World::new();
    let tags = r#","tags":[{"key":"team","value":"own"},{"key":"color","value":"red"}]"#;
    world.definition("app", tags);
    let answer = world.at("RunTask", &app(more), "/tasks/0/tags");
    let expected: Vec<Value> = expected
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    assert_eq!(answer, Value::Array(expected), "{more}");
}

#[test]
fn tags_come_from_the_request_then_from_the_definition_then_from_the_service() {
    let given = r#","tags":[{"key":"team","value":"mine"},{"key":"empty"}]"#;
    check_tags(given, &[("team", "mine"), ("empty", "")]);
    check_tags(
        &format!(r#"{given},"propagateTags":"TASK_DEFINITION","enableECSManagedTags":true"#),
        &[
            ("team", "mine"),
            ("empty", ""),
            ("color", "red"),
            ("aws:ecs:clusterName", "default"),
        ],
    );
}

#[test]
fn nothing_is_propagated_unless_asked_for() {
    check_tags("", &[]);
    check_tags(r#","propagateTags":"NONE""#, &[]);
    check_tags(r#","enableECSManagedTags":false"#, &[]);
    check_tags(
        r#","propagateTags":"TASK_DEFINITION""#,
        &[("team", "own"), ("color", "red")],
    );
}

#[test]
fn tags_of_the_definition_that_change_later_do_not_reach_the_task() {
    let mut world = World::new();
    world.definition("app", r#","tags":[{"key":"a","value":"1"}]"#);
    let id = world.run(&app(r#","propagateTags":"TASK_DEFINITION""#))[0];
    let change = format!(
        r#"{{"resourceArn":"{ARN}:task-definition/app:1","tags":[{{"key":"a","value":"2"}}]}}"#
    );
    world.ok("TagResource", &change);
    let described = format!(r#"{{"tasks":["{id}"],"include":["TAGS"]}}"#);
    let tags = world.at("DescribeTasks", &described, "/tasks/0/tags");
    assert_eq!(tags, json!([{"key": "a", "value": "1"}]));
}

#[test]
fn propagated_tags_count_towards_fifty_and_managed_ones_do_not() {
    let mut world = World::new();
    world.definition("app", r#","tags":[{"key":"own","value":""}]"#);
    let with = |count: usize| {
        let tags: Vec<String> = (0..count).map(|i| format!(r#"{{"key":"k{i}"}}"#)).collect();
        let tags = tags.join(",");
        app(&format!(
            r#","propagateTags":"TASK_DEFINITION","enableECSManagedTags":true,"tags":[{tags}]"#
        ))
    };
    assert_eq!(world.run(&with(49)).len(), 1);
    world.refused(
        "RunTask",
        &with(50),
        "InvalidParameterException: A resource can have at most 50 tags, but would have 51.",
    );
}

#[test]
fn a_refused_call_starts_nothing() {
    let mut world = World::with_app();
    world.call("RunTask", &app(r#","tags":[{"key":"aws:x"}]"#));
    world.call("RunTask", &app(r#","count":11"#));
    assert_eq!(world.state.tasks().len(), 0);
}

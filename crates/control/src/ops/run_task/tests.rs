//! RunTask as its caller sees it: which revision and cluster, what is answered, what fails.
//! The checks of single members are tested in `launch`.

mod placement;
mod room;
mod tags;
mod withheld;

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
        name: Some(crate::instance_attributes::EXTERNAL.to_owned()),
        ..Attribute::default()
    });
    world.state.put_instance(instance);
    for (launch_type, is_external) in [("EC2", false), ("EXTERNAL", true)] {
        let more = format!(r#","launchType":"{launch_type}","count":8"#);
        for id in world.run(&app(&more)) {
            assert_eq!(world.task(id).instance == Some(external), is_external);
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
        (task.instance.unwrap().to_string(), "INSTANCE".to_owned()),
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
              "image": "busybox",
              "lastStatus": "PENDING",
              "memory": "512",
              "name": "main",
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
              "image": "busybox",
              "lastStatus": "PENDING",
              "memory": "512",
              "name": "main",
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
fn a_refused_call_starts_nothing() {
    let mut world = World::with_app();
    world.call("RunTask", &app(r#","tags":[{"key":"aws:x"}]"#));
    world.call("RunTask", &app(r#","count":11"#));
    assert_eq!(world.state.tasks().len(), 0);
}

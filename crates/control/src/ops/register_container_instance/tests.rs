//! Hosts that join, come back, and send nonsense.

use serde_json::{Value, json};

use crate::testing::{ARN, World, app};

/// What the official agent sends, shortened.
fn host(more: &str) -> String {
    format!(
        r#"{{"totalResources":[
            {{"name":"CPU","type":"INTEGER","integerValue":2048}},
            {{"name":"MEMORY","type":"INTEGER","integerValue":3000}},
            {{"name":"PORTS","type":"STRINGSET","stringSetValue":["22","51678"]}},
            {{"name":"PORTS_UDP","type":"STRINGSET","stringSetValue":[]}},
            {{"name":"NEURON_CORES","type":"INTEGER","integerValue":2}}]{more}}}"#
    )
}

fn register(world: &mut World, more: &str) -> Value {
    world.at(
        "RegisterContainerInstance",
        &host(more),
        "/containerInstance",
    )
}

fn value(instance: &Value, name: &str) -> Value {
    let all = instance["attributes"].as_array().unwrap();
    let found = all.iter().find(|one| one["name"] == *name);
    found.map_or(Value::Null, |one| one["value"].clone())
}

#[test]
fn a_host_has_what_it_said_and_nobody_is_connected() {
    let mut world = World::new();
    let instance = register(
        &mut world,
        r#","platformDevices":[{"id":"g0","type":"GPU"},{"id":"g1","type":"GPU"}],
            "versionInfo":{"agentVersion":"1.105.1","agentHash":"abc","dockerVersion":"27"},
            "tags":[{"key":"longshore:capacity-provider","value":"asg"}],
            "attributes":[{"name":"stack","value":"prod"},{"name":"ecs.capability.task-eni"}]"#,
    );
    let resource = |name: &str, kind: &str, more: Value| {
        let mut all = json!({"name": name, "type": kind, "doubleValue": 0.0, "longValue": 0,
            "integerValue": 0});
        let all = all.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        json!(all)
    };
    let resources = json!([
        resource("CPU", "INTEGER", json!({"integerValue": 2048})),
        resource("MEMORY", "INTEGER", json!({"integerValue": 3000})),
        resource(
            "PORTS",
            "STRINGSET",
            json!({"stringSetValue": ["22", "51678"]})
        ),
        resource("PORTS_UDP", "STRINGSET", json!({"stringSetValue": []})),
        resource("GPU", "STRINGSET", json!({"stringSetValue": ["g0", "g1"]})),
    ]);
    assert_eq!(instance["registeredResources"], resources);
    assert_eq!(instance["remainingResources"], resources);
    assert_eq!(instance["status"], json!("ACTIVE"));
    assert_eq!(instance["agentConnected"], json!(false));
    assert_eq!(instance["capacityProviderName"], json!("asg"));
    assert_eq!(
        instance["versionInfo"],
        json!({"agentVersion": "1.105.1", "agentHash": "abc", "dockerVersion": "27"})
    );
    assert_eq!(value(&instance, "stack"), json!("prod"));
    assert_eq!(
        value(&instance, "ecs.availability-zone"),
        json!("us-east-1a")
    );
    let body = format!(
        r#"{{"containerInstances":[{}],"include":["CONTAINER_INSTANCE_HEALTH"]}}"#,
        instance["containerInstanceArn"]
    );
    let health = world.at(
        "DescribeContainerInstances",
        &body,
        "/containerInstances/0/healthStatus",
    );
    assert_eq!(
        health,
        json!({"overallStatus": "INSUFFICIENT_DATA", "details": []})
    );
}

#[test]
fn a_host_whose_agent_never_came_refuses_with_that_reason() {
    let mut world = World::with_app();
    let local = world.state.instances().iter().next().unwrap().id;
    world.ok(
        "DeregisterContainerInstance",
        &format!(r#"{{"containerInstance":"{local}"}}"#),
    );
    let instance = register(&mut world, "");
    let answer = world.ok("RunTask", &app(""));
    let arn = &instance["containerInstanceArn"];
    assert_eq!(
        answer,
        json!({"tasks": [], "failures": [{"arn": arn, "reason": "AGENT"}]})
    );
}

#[test]
fn where_containers_are_scripted_a_host_is_connected_at_once() {
    let mut world = World::with_app();
    world.settings.scripted = true;
    let local = world.state.instances().iter().next().unwrap().id;
    world.ok(
        "DeregisterContainerInstance",
        &format!(r#"{{"containerInstance":"{local}"}}"#),
    );
    let instance = register(&mut world, "");
    assert_eq!(instance["agentConnected"], json!(true));
    let task = world.at("RunTask", &app(""), "/tasks/0");
    assert_eq!(
        task["containerInstanceArn"],
        instance["containerInstanceArn"]
    );
    let picky = r#","attributes":[{"name":"ecs.capability.task-eni"}]"#;
    let picky = register(&mut world, picky);
    assert_eq!(picky["attributes"].as_array().unwrap().len(), 5);
}

#[test]
fn the_identity_document_tells_what_the_instance_is() {
    let mut world = World::new();
    let document = r#"{\"instanceId\":\"i-0123\",\"instanceType\":\"t3.micro\",
        \"availabilityZone\":\"us-east-1c\",\"architecture\":\"aarch64\",\"imageId\":\"ami-1\",
        \"pendingTime\":null,\"accountId\":\"000000000000\"}"#
        .replace('\n', "");
    let more = format!(r#","instanceIdentityDocument":"{document}""#);
    let instance = register(&mut world, &more);
    assert_eq!(instance["ec2InstanceId"], json!("i-0123"));
    for (name, expected) in [
        ("ecs.instance-type", "t3.micro"),
        ("ecs.availability-zone", "us-east-1c"),
        ("ecs.cpu-architecture", "arm64"),
        ("ecs.ami-id", "ami-1"),
    ] {
        assert_eq!(value(&instance, name), json!(expected), "{name}");
    }
    let arn = &instance["containerInstanceArn"];
    let id = arn.as_str().unwrap().rsplit('/').next().unwrap();
    let again = register(&mut world, &format!(r#","containerInstanceArn":{arn}"#));
    assert_eq!(value(&again, "ecs.availability-zone"), json!("us-east-1c"));
    assert_eq!(again["ec2InstanceId"], json!("i-0123"));
    let other = more.replace("t3.micro", "m7.large");
    world.refused(
        "RegisterContainerInstance",
        &host(&format!(r#","containerInstanceArn":{arn}{other}"#)),
        &format!(
            "ClientException: Container instance type changes are not supported. Container \
             instance {id} was previously registered as t3.micro."
        ),
    );
}

#[test]
fn a_host_that_comes_back_keeps_its_arn_its_tags_and_its_own_attributes() {
    let mut world = World::new();
    let first = register(
        &mut world,
        r#","attributes":[{"name":"stack","value":"prod"},{"name":"ecs.capability.old"}],
            "tags":[{"key":"a","value":"1"}]"#,
    );
    let arn = &first["containerInstanceArn"];
    let id = arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let put = format!(
        r#"{{"attributes":[{{"name":"later","targetId":"{id}","targetType":"container-instance"}}]}}"#
    );
    world.ok("PutAttributes", &put);
    let drain = format!(r#"{{"containerInstances":["{id}"],"status":"DRAINING"}}"#);
    world.ok("UpdateContainerInstancesState", &drain);
    let registered_at = first["registeredAt"].clone();
    world.pass_seconds(60);
    world.restart();
    let again = register(
        &mut world,
        &format!(
            r#","containerInstanceArn":{arn},"attributes":[{{"name":"ecs.capability.new"}}],
                "tags":[{{"key":"b","value":"2"}}]"#
        ),
    );
    assert_eq!(again["containerInstanceArn"], *arn);
    assert_eq!(again["registeredAt"], registered_at);
    assert_eq!(again["status"], json!("DRAINING"));
    assert_eq!(again["version"], json!(4));
    assert_eq!(value(&again, "stack"), json!("prod"));
    let names = again["attributes"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "ecs.capability.new",
            "ecs.availability-zone",
            "stack",
            "later"
        ]
    );
    let tags = json!([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]);
    assert_eq!(again["tags"], tags);
    assert_eq!(world.state.instances().len(), 2);
}

#[test]
fn bad_requests_are_refused() {
    let mut world = World::new();
    let mut check = |body: &str, expected: &str| {
        world.refused("RegisterContainerInstance", body, expected);
    };
    let resource = |text: &str| format!(r#"{{"totalResources":[{text}]}}"#);
    check(
        r#"{"cluster":"nowhere"}"#,
        "ClusterNotFoundException: Cluster not found.",
    );
    for bad in [
        r#"{"name":"CPU","type":"INTEGER","integerValue":-1}"#,
        r#"{"name":"CPU","type":"INTEGER"}"#,
        r#"{"name":"CPU","type":"STRINGSET","integerValue":1}"#,
    ] {
        check(
            &resource(bad),
            "InvalidParameterException: Resource CPU must be an INTEGER of at least 0 in \
             integerValue.",
        );
    }
    for port in ["0", "65536", "ssh", ""] {
        check(
            &resource(&format!(
                r#"{{"name":"PORTS","type":"STRINGSET","stringSetValue":["{port}"]}}"#
            )),
            "InvalidParameterException: Resource PORTS must be a STRINGSET of ports, 1 to 65535, \
             in stringSetValue.",
        );
    }
    check(
        &resource(r#"{"type":"INTEGER"}"#),
        "InvalidParameterException: A resource must have a name.",
    );
    check(
        &host(r#","platformDevices":[{"type":"GPU"}]"#),
        "InvalidParameterException: A platform device must have an id.",
    );
    check(
        &host(r#","instanceIdentityDocument":"{""#),
        "InvalidParameterException: Invalid instanceIdentityDocument: EOF while parsing an \
         object at line 1 column 1.",
    );
    check(
        &host(r#","containerInstanceArn":"0123456789abcdef0123456789abcdef""#),
        "InvalidParameterException: The referenced container instance was not found.",
    );
    check(
        &host(&format!(
            r#","containerInstanceArn":"{ARN}:container-instance/other/0123456789abcdef0123456789abcdef""#
        )),
        "InvalidParameterException: Invalid identifier: Identifier is for cluster other. Your \
         cluster is default",
    );
    let many: Vec<_> = (0..11).map(|i| format!(r#"{{"name":"a{i}"}}"#)).collect();
    check(
        &host(&format!(r#","attributes":[{}]"#, many.join(","))),
        "InvalidParameterException: An instance can have at most 10 attributes of its own.",
    );
    let gone = world.ok("RegisterContainerInstance", &host(""));
    let arn = gone["containerInstance"]["containerInstanceArn"].clone();
    world.ok(
        "DeregisterContainerInstance",
        &format!(r#"{{"containerInstance":{arn}}}"#),
    );
    world.refused(
        "RegisterContainerInstance",
        &host(&format!(r#","containerInstanceArn":{arn}"#)),
        "ClientException: The referenced container instance was deregistered. Register without \
         its ARN.",
    );
}

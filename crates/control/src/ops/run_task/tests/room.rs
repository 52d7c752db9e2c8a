//! What fits, and what is told when it does not.

use super::*;

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
fn an_instance_takes_as_many_awsvpc_tasks_as_it_has_interfaces() {
    let mut world = World::with_app();
    let mut instance = Instance::clone(world.state.instances().iter().next().unwrap());
    instance.network_interfaces = Some(1);
    world.state.put_instance(instance);
    world.definition("net", r#","networkMode":"awsvpc""#);
    let body = r#"{"taskDefinition":"net","networkConfiguration":{"awsvpcConfiguration":
        {"subnets":["subnet-1"]}},"count":2}"#;
    let answer = world.ok("RunTask", body);
    assert_eq!(answer["tasks"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["failures"][0]["reason"], json!("RESOURCE:ENI"));
    world.run(&app(""));
}

#[test]
fn fargate_says_what_trying_again_does_not_mend() {
    let mut world = World::with_app();
    let mut instance = Instance::clone(world.state.instances().iter().next().unwrap());
    instance.agent_connected = false;
    world.state.put_instance(instance);
    let answer = world.ok("RunTask", &web(""));
    assert_eq!(
        answer["failures"][0]["detail"],
        json!("the agent is not connected")
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

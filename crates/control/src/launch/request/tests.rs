//! Each member of a request at its limits.

use model::payload::HostStatus;
use serde_json::json;

use crate::testing::{World, app, copies, web};

#[track_caller]
fn check(body: &str, expected: &str) {
    World::with_app().refused("RunTask", body, expected);
}

/// What the first task of the answer shows at this member.
#[track_caller]
fn check_shown(body: &str, member: &str, expected: serde_json::Value) {
    let shown = World::with_app().at("RunTask", body, &format!("/tasks/0/{member}"));
    assert_eq!(shown, expected, "{body}");
}

#[test]
fn ten_tasks_are_started_and_eleven_or_none_are_refused() {
    assert_eq!(World::with_app().run(&app(r#","count":10"#)).len(), 10);
    assert_eq!(World::with_app().run(&app("")).len(), 1);
    for count in [0, 11, -1, i32::MAX] {
        let text = "InvalidParameterException: Tasks count must be between 1 and 10.";
        check(&app(&format!(r#","count":{count}"#)), text);
    }
}

#[test]
fn without_launch_type_and_strategy_tasks_run_as_ec2() {
    check_shown(&app(""), "launchType", json!("EC2"));
    check_shown(&app(""), "capacityProviderName", json!(null));
}

#[test]
fn a_launch_type_that_the_definition_is_not_compatible_with_is_refused() {
    check(
        &app(r#","launchType":"FARGATE""#),
        "InvalidParameterException: Task definition does not support launch_type FARGATE.",
    );
    check(
        r#"{"taskDefinition":"web","launchType":"EXTERNAL"}"#,
        "InvalidParameterException: Task definition does not support launch_type EXTERNAL.",
    );
}

#[test]
fn fargate_spot_and_managed_instances_are_no_launch_types() {
    check(
        &app(r#","launchType":"FARGATE_SPOT""#),
        "InvalidParameterException: launchType should be one of \
         [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES], but was FARGATE_SPOT.",
    );
    check(
        &app(r#","launchType":"MANAGED_INSTANCES""#),
        "InvalidParameterException: MANAGED_INSTANCES is chosen through a capacity provider, \
         not as a launch type.",
    );
}

#[test]
fn a_strategy_beside_a_launch_type_is_refused_and_an_empty_one_is_none() {
    let strategy = r#","capacityProviderStrategy":[{"capacityProvider":"FARGATE"}]"#;
    for launch_type in ["EC2", "FARGATE", "EXTERNAL"] {
        check(
            &app(&format!(r#"{strategy},"launchType":"{launch_type}""#)),
            "InvalidParameterException: Specifying both a launch type and capacity provider \
             strategy is not supported. Remove one and try again.",
        );
    }
    let empty = r#","launchType":"EC2","capacityProviderStrategy":[]"#;
    check_shown(&app(empty), "launchType", json!("EC2"));
}

#[test]
fn twenty_capacity_providers_are_the_most() {
    let item = r#"{"capacityProvider":"FARGATE"}"#;
    let with = |count| {
        let items = copies(item, count);
        app(&format!(r#","capacityProviderStrategy":[{items}]"#))
    };
    check(
        &with(20),
        "InvalidParameterException: A capacity provider strategy can name a capacity provider \
         once, but has FARGATE twice.",
    );
    check(
        &with(21),
        "InvalidParameterException: capacityProviderStrategy can have at most 20 items.",
    );
}

#[test]
fn a_platform_version_is_for_fargate_only() {
    check(
        &app(r#","platformVersion":"LATEST""#),
        "InvalidParameterException: The platform version must be null when specifying an EC2 \
         launch type.",
    );
    check_shown(&app(""), "platformVersion", json!(null));
}

#[test]
fn the_platform_version_is_the_one_given_or_the_number_of_latest() {
    check_shown(&web(""), "platformVersion", json!("1.4.0"));
    check_shown(
        &web(r#","platformVersion":"LATEST""#),
        "platformVersion",
        json!("1.4.0"),
    );
    check_shown(
        &web(r#","platformVersion":"1.3.0""#),
        "platformVersion",
        json!("1.3.0"),
    );
    check(
        &web(r#","platformVersion":"9.9""#),
        "PlatformUnknownException: Unknown platform version: 9.9",
    );
}

#[test]
fn the_group_is_the_one_given_or_that_of_the_family() {
    check_shown(&app(""), "group", json!("family:app"));
    check_shown(&app(r#","group":"""#), "group", json!("family:app"));
    check_shown(
        &app(r#","group":"family:other""#),
        "group",
        json!("family:other"),
    );
    let longest = "é".repeat(255);
    check_shown(
        &app(&format!(r#","group":"{longest}""#)),
        "group",
        json!(longest),
    );
    check(
        &app(&format!(r#","group":"{longest}x""#)),
        "InvalidParameterException: group longer than 255.",
    );
    check(
        &app(r#","group":"a\u0000b""#),
        "InvalidParameterException: group must not contain control characters.",
    );
    check(
        &app(r#","group":"service:web""#),
        "InvalidParameterException: A group that begins with service: belongs to a service. \
         Choose another group.",
    );
}

#[test]
fn started_by_is_shown_and_has_at_most_128_characters() {
    check_shown(&app(""), "startedBy", json!(null));
    let longest = "aZ0-/_xy".repeat(16);
    check_shown(
        &app(&format!(r#","startedBy":"{longest}""#)),
        "startedBy",
        json!(longest),
    );
    check(
        &app(&format!(r#","startedBy":"{longest}a""#)),
        "InvalidParameterException: startedBy longer than 128.",
    );
}

#[test]
fn started_by_has_letters_digits_hyphens_slashes_and_underscores() {
    for bad in ["a b", "a:b", "a.b", "é", "a\\n"] {
        check(
            &app(&format!(r#","startedBy":"{bad}""#)),
            "InvalidParameterException: startedBy may hold letters, digits, hyphens, slashes \
             and underscores.",
        );
    }
}

#[test]
fn propagation_from_a_service_is_refused() {
    check(
        &app(r#","propagateTags":"SERVICE""#),
        "InvalidParameterException: propagateTags SERVICE is for services. Use \
         TASK_DEFINITION or NONE.",
    );
    check(
        &app(r#","propagateTags":"MOON""#),
        "InvalidParameterException: propagateTags should be one of \
         [TASK_DEFINITION,SERVICE,NONE], but was MOON.",
    );
}

#[test]
fn fargate_knows_no_placement() {
    check(
        &web(r#","placementStrategy":[{"type":"random"}]"#),
        "InvalidParameterException: Placement strategies are not supported with FARGATE \
         launch type.",
    );
    check(
        &web(r#","placementConstraints":[{"type":"distinctInstance"}]"#),
        "InvalidParameterException: Placement constraints are not supported with FARGATE \
         launch type.",
    );
}

#[test]
fn exec_without_a_task_role_is_refused() {
    let text = "InvalidParameterException: The execute command failed because a valid task \
                role is not being used. Specify a valid task role in your task definition or \
                as a task override and try again.";
    check(&app(r#","enableExecuteCommand":true"#), text);
    let mut world = World::new();
    world.definition("app", r#","taskRoleArn":"app-role""#);
    let taken_away = r#","enableExecuteCommand":true,"overrides":{"taskRoleArn":""}"#;
    world.refused("RunTask", &app(taken_away), text);
}

#[test]
fn exec_with_a_task_role_is_not_built() {
    let text = "UnsupportedFeatureException: Feature not supported by this server: \
                enableExecuteCommand.";
    let overriding = r#","enableExecuteCommand":true,"overrides":{"taskRoleArn":"r"}"#;
    check(&app(overriding), text);
    let mut world = World::new();
    world.definition("app", r#","taskRoleArn":"app-role""#);
    world.refused("RunTask", &app(r#","enableExecuteCommand":true"#), text);
}

#[test]
fn on_scripted_hosts_the_exec_agent_lives_and_ends_with_its_container() {
    let mut world = World::new();
    world.settings.scripted = true;
    world.definition("app", r#","taskRoleArn":"app-role""#);
    let id = world.run(&app(r#","enableExecuteCommand":true"#))[0];
    let body = format!(r#"{{"tasks":["{id}"]}}"#);
    let check = |world: &mut World, status: &str| {
        let task = world.at("DescribeTasks", &body, "/tasks/0");
        assert_eq!(task["enableExecuteCommand"], json!(true), "{status}");
        let mut agent = json!({"name": "ExecuteCommandAgent", "lastStatus": status});
        if status != "PENDING" {
            agent["lastStartedAt"] = task["startedAt"].clone();
        }
        assert_eq!(task["containers"][0]["managedAgents"], json!([agent]));
    };
    check(&mut world, "PENDING");
    world.tell(id, HostStatus::Running);
    check(&mut world, "RUNNING");
    world.restart();
    check(&mut world, "RUNNING");
    world.exit(id, 0);
    check(&mut world, "STOPPED");
}

#[test]
fn without_exec_the_task_says_so_and_no_container_lists_an_agent() {
    for more in ["", r#","enableExecuteCommand":false"#] {
        check_shown(&app(more), "enableExecuteCommand", json!(false));
        check_shown(&app(more), "containers/0/managedAgents", json!(null));
    }
}

#[test]
fn a_reference_id_is_accepted_and_not_shown() {
    check_shown(&app(r#","referenceId":"x""#), "referenceId", json!(null));
}

//! Overrides through RunTask: what is refused, what is kept and shown.

use serde_json::{Value, json};

use crate::testing::{World, app, web};

pub(super) fn world() -> World {
    let mut world = World::with_app();
    let containers = r#"
        {"name":"main","image":"busybox","cpu":128,"memory":512,"memoryReservation":256},
        {"name":"side","image":"busybox","cpu":64,"memoryReservation":100}"#;
    world.containers("app", containers, "");
    world
}

pub(super) fn with(overrides: &str) -> String {
    app(&format!(r#","overrides":{overrides}"#))
}

#[track_caller]
pub(super) fn check(overrides: &str, expected: &str) {
    world().refused("RunTask", &with(overrides), expected);
}

#[track_caller]
pub(super) fn check_shown(overrides: &str, pointer: &str, expected: Value) {
    let shown = world().at("RunTask", &with(overrides), &format!("/tasks/0/{pointer}"));
    assert_eq!(shown, expected, "{overrides}");
}

#[test]
fn the_echo_lists_every_container_and_the_values_as_given() {
    check_shown(
        r#"{"containerOverrides":[{"name":"side","command":["a"],"environment":[
            {"name":"B","value":"1"},{"name":"A","value":""}]}],"taskRoleArn":"role"}"#,
        "overrides",
        json!({
            "containerOverrides": [
                {"name": "main"},
                {"name": "side", "command": ["a"],
                 "environment": [{"name": "B", "value": "1"}, {"name": "A", "value": ""}]},
            ],
            "inferenceAcceleratorOverrides": [],
            "taskRoleArn": "role",
        }),
    );
    let bare = json!({
        "containerOverrides": [{"name": "main"}, {"name": "side"}],
        "inferenceAcceleratorOverrides": [],
    });
    check_shown("{}", "overrides", bare.clone());
    check_shown(r#"{"containerOverrides":[]}"#, "overrides", bare.clone());
    check_shown(r#"{"containerOverrides":[{}]}"#, "overrides", bare);
}

#[test]
fn an_override_changes_its_container_only() {
    let overrides = r#"{"containerOverrides":[{"name":"side","cpu":32,"memory":300}]}"#;
    check_shown(overrides, "containers/0/cpu", json!("128"));
    check_shown(overrides, "containers/0/memory", json!("512"));
    check_shown(overrides, "containers/1/cpu", json!("32"));
    check_shown(overrides, "containers/1/memory", json!("300"));
    check_shown(overrides, "containers/1/memoryReservation", json!("100"));
}

#[test]
fn inference_accelerators_are_accepted_and_forgotten() {
    let overrides = r#"{"inferenceAcceleratorOverrides":[
        {"deviceName":"d","deviceType":"eia1.medium"}]}"#;
    check_shown(
        overrides,
        "overrides/inferenceAcceleratorOverrides",
        json!([]),
    );
    check_shown(overrides, "inferenceAccelerators", json!([]));
    check_shown(overrides, "memory", json!("356"));
}

#[test]
fn a_name_that_is_no_container_is_refused() {
    for entry in [r#"{"name":"app"}"#, r#"{"name":"app","cpu":1}"#] {
        check(
            &format!(r#"{{"containerOverrides":[{entry}]}}"#),
            "InvalidParameterException: Override for container named app is not a container \
             in the TaskDefinition.",
        );
    }
    check(
        r#"{"containerOverrides":[{"cpu":1}]}"#,
        "InvalidParameterException: Override for container named  is not a container in the \
         TaskDefinition.",
    );
    check(
        r#"{"containerOverrides":[{"name":"main"},{"name":"side"},{"name":"main","cpu":1}]}"#,
        "InvalidParameterException: There are several overrides for container named main. \
         Put them into one.",
    );
}

/// An override whose compact JSON has `length` characters; blanks between do not count.
fn of_length(length: usize) -> String {
    let empty = r#"{"containerOverrides":[{"name":"main","command":[""]}]}"#;
    // Each counts as one character and takes two bytes.
    let text = "é".repeat(length - empty.len());
    format!(r#"{{ "containerOverrides" : [ {{"name":"main", "command":["{text}"]}} ] }}"#)
}

#[test]
fn overrides_of_8192_characters_are_accepted_and_8193_refused_the_syntax_counted() {
    assert_eq!(world().run(&with(&of_length(8192))).len(), 1);
    check(
        &of_length(8193),
        "InvalidParameterException: Container Overrides length must be at most 8192",
    );
}

#[test]
fn task_level_sizes_become_plain_numbers() {
    let overrides = r#"{"cpu":".5 vCPU","memory":"1GB"}"#;
    check_shown(overrides, "overrides/cpu", json!("512"));
    check_shown(overrides, "overrides/memory", json!("1024"));
    check_shown(overrides, "cpu", json!("512"));
    check_shown(overrides, "memory", json!("1024"));
    check(
        r#"{"cpu":"lots"}"#,
        "InvalidParameterException: Invalid 'cpu' setting for task.",
    );
    check(
        r#"{"memory":""}"#,
        "InvalidParameterException: Invalid 'memory' setting for task.",
    );
}

#[test]
fn fargate_sizes_must_be_a_known_pair_after_the_override() {
    let mut world = world();
    let overrides = r#","overrides":{"cpu":"512","memory":"4 GB"}"#;
    assert_eq!(
        world.at("RunTask", &web(overrides), "/tasks/0/memory"),
        json!("4096")
    );
    world.refused(
        "RunTask",
        &web(r#","overrides":{"memory":"8192"}"#),
        "ClientException: No Fargate configuration exists for given values: 256 CPU, 8192 \
         memory. See the Amazon ECS documentation for the valid values.",
    );
}

#[test]
fn amounts_stay_within_reason() {
    let main = |members: &str| format!(r#"{{"containerOverrides":[{{"name":"main",{members}}}]}}"#);
    check(
        &main(r#""cpu":-1"#),
        "InvalidParameterException: Override cpu for container named main must be at least 0.",
    );
    check(
        &main(r#""memory":5"#),
        "InvalidParameterException: Override memory for container named main must be at \
         least 6.",
    );
    check(
        &main(r#""memory":256"#),
        "InvalidParameterException: Override for container named main makes memory 256, \
         which must be greater than memoryReservation 256.",
    );
    check_shown(
        &main(r#""memory":257"#),
        "containers/0/memory",
        json!("257"),
    );
}

#[test]
fn the_length_counts_utf16_code_units() {
    let command = |text: &str| {
        format!(r#"{{"containerOverrides":[{{"name":"main","command":["{text}"]}}]}}"#)
    };
    let empty = command("").len();
    let too_long = "InvalidParameterException: Container Overrides length must be at most 8192";
    // A face is two units; an escape is the characters it needs in compact JSON.
    for (text, units) in [("😀", 2), (r"\n", 2), (r"\u00e9", 1), (r"\u0001", 6)] {
        let fitting = (8192 - empty) / units;
        let rest = "x".repeat((8192 - empty) % units);
        let longest = command(&(text.repeat(fitting) + &rest));
        assert_eq!(world().run(&with(&longest)).len(), 1, "{text}");
        check(&command(&(text.repeat(fitting) + &rest + "x")), too_long);
    }
}

#[test]
fn ephemeral_storage_is_for_fargate_and_has_bounds() {
    let storage = |more: &str| {
        web(&format!(
            r#","overrides":{{"ephemeralStorage":{{{more}}}}}"#
        ))
    };
    for size in [21, 200] {
        let task = world().at(
            "RunTask",
            &storage(&format!(r#""sizeInGiB":{size}"#)),
            "/tasks/0",
        );
        for member in ["ephemeralStorage", "fargateEphemeralStorage"] {
            assert_eq!(task[member], json!({"sizeInGiB": size}), "{member}");
        }
        assert_eq!(
            task["overrides"]["ephemeralStorage"],
            json!({"sizeInGiB": size})
        );
    }
    let refused = [
        (
            r#""sizeInGiB":20"#,
            "EphemeralStorage size should be at least 21",
        ),
        (
            r#""sizeInGiB":201"#,
            "EphemeralStorage size should be at most 200",
        ),
        ("", "ephemeralStorage needs a sizeInGiB."),
    ];
    for (more, text) in refused {
        let expected = format!("InvalidParameterException: {text}");
        world().refused("RunTask", &storage(more), &expected);
    }
    check(
        r#"{"ephemeralStorage":{"sizeInGiB":30}}"#,
        "InvalidParameterException: ephemeralStorage can be overridden with launch type FARGATE \
         only, not with EC2.",
    );
}

#[test]
fn roles_have_the_form_that_registration_asks_for() {
    for member in ["taskRoleArn", "executionRoleArn"] {
        for role in ["arn:aws:iam::1:user/u", "a role", "arn:aws:iam"] {
            check(
                &format!(r#"{{"{member}":"{role}"}}"#),
                "ClientException: Role is not valid",
            );
        }
        let role = "arn:aws:iam::000000000000:role/path/worker";
        let given = format!(r#"{{"{member}":"{role}"}}"#);
        check_shown(&given, &format!("overrides/{member}"), json!(role));
    }
}

#[test]
fn the_task_has_the_bounds_of_registration_and_room_for_its_containers() {
    let invalid = "InvalidParameterException: Invalid 'cpu' setting for task.";
    check(r#"{"cpu":"127"}"#, invalid);
    check(r#"{"cpu":"196609"}"#, invalid);
    check_shown(r#"{"cpu":"192"}"#, "cpu", json!("192"));
    check(
        r#"{"cpu":"191"}"#,
        "ClientException: The sum of all container 'cpu' values cannot be greater than the value \
         of the task 'cpu'.",
    );
    let memory = "ClientException: The 'memory' setting for container 'main' is greater than for \
                  the task.";
    check(r#"{"memory":"511"}"#, memory);
    check(
        r#"{"memory":"600","containerOverrides":[{"name":"main","memory":601}]}"#,
        memory,
    );
    check_shown(
        r#"{"memory":"300","containerOverrides":[{"name":"main","memory":257}]}"#,
        "memory",
        json!("300"),
    );
}

#[test]
fn null_is_absent() {
    let bare = json!([{"name": "main"}, {"name": "side"}]);
    for overrides in [
        "null",
        r#"{"containerOverrides":null}"#,
        r#"{"containerOverrides":[{"name":"main","cpu":null}]}"#,
    ] {
        check_shown(overrides, "overrides/containerOverrides", bare.clone());
    }
}

//! Where the tags of a task come from.

use super::*;

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

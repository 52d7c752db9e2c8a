//! Container overrides by themselves: files, devices, variables, commands.

use serde_json::json;

use super::super::tests::{check, check_shown, with, world};
use crate::testing::{app, web};

#[test]
fn environment_files_are_checked_and_shown() {
    let files = |more: &str| {
        format!(r#"{{"containerOverrides":[{{"name":"main","environmentFiles":[{{{more}}}]}}]}}"#)
    };
    let named = "InvalidParameterException: Override for container named main has";
    check(
        &files(r#""type":"ssm","value":"arn:aws:s3:::b/e.env""#),
        &format!("{named} an environment file of type 'ssm', which should be one of [s3]."),
    );
    for value in ["e.env", "arn:aws:s3:::b", "arn:aws:ecs:::b/e.env"] {
        check(
            &files(&format!(r#""type":"s3","value":"{value}""#)),
            &format!("{named} the environment file '{value}', which is no ARN of an S3 object."),
        );
    }
    let good = files(r#""type":"s3","value":"arn:aws:s3:::b/e.env""#);
    let pointer = "/tasks/0/overrides/containerOverrides/0/environmentFiles/0";
    assert_eq!(
        world().at("RunTask", &with(&good), pointer),
        json!({"type": "s3", "value": "arn:aws:s3:::b/e.env"})
    );
}

#[test]
fn resource_requirements_are_known_types_and_whole_numbers_of_gpus() {
    let requirement = |more: &str| {
        format!(
            r#"{{"containerOverrides":[{{"name":"main","resourceRequirements":[{{{more}}}]}}]}}"#
        )
    };
    let named = "InvalidParameterException: Override for container named main";
    check(
        &requirement(r#""type":"TPU","value":"1""#),
        &format!(
            "{named} has a resource requirement of type 'TPU', which should be one of \
             [GPU,InferenceAccelerator,NeuronDevice]."
        ),
    );
    for value in ["0", "x", "1.5", ""] {
        check(
            &requirement(&format!(r#""type":"GPU","value":"{value}""#)),
            &format!("{named} asks for '{value}' GPUs, which should be a whole number from 1 up."),
        );
    }
    for more in [
        r#""type":"InferenceAccelerator","value":"1""#,
        r#""type":"GPU","value":"1","sharingStrategy":{}"#,
    ] {
        check(
            &requirement(more),
            "UnsupportedFeatureException: Feature not supported by this server: \
             overrides.containerOverrides.resourceRequirements.",
        );
    }
    let gpu = requirement(r#""type":"GPU","value":"1""#);
    world().refused(
        "RunTask",
        &web(&format!(r#","overrides":{gpu}"#)),
        &format!("{named} has resourceRequirements, which launch type FARGATE does not support."),
    );
}

#[test]
fn a_requirement_replaces_those_of_the_definition_and_an_empty_list_removes_them() {
    let mut world = world();
    let gpu = r#"{"name":"main","image":"i","memory":64,
        "resourceRequirements":[{"type":"GPU","value":"1"}]}"#;
    world.containers("app", gpu, "");
    let reason = "/failures/0/reason";
    assert_eq!(world.at("RunTask", &app(""), reason), json!("RESOURCE:GPU"));
    let none = r#"{"containerOverrides":[{"name":"main","resourceRequirements":[]}]}"#;
    assert_eq!(world.run(&with(none)).len(), 1);
    let two = r#"{"containerOverrides":[{"name":"main",
        "resourceRequirements":[{"type":"GPU","value":"2"}]}]}"#;
    let mut fresh = self::world();
    assert_eq!(
        fresh.at("RunTask", &with(two), reason),
        json!("RESOURCE:GPU")
    );
}

#[test]
fn variables_and_commands_are_what_a_process_can_be_given() {
    let main = |members: &str| format!(r#"{{"containerOverrides":[{{"name":"main",{members}}}]}}"#);
    let named = "InvalidParameterException: Override for container named main has";
    for (variable, name) in [
        (r#"{"value":"1"}"#, ""),
        (r#"{"name":"","value":"1"}"#, ""),
        (r#"{"name":"A=B"}"#, "A=B"),
        (r#"{"name":"A\u0000"}"#, r"A\0"),
    ] {
        check(
            &main(&format!(r#""environment":[{variable}]"#)),
            &format!("{named} an environment variable with an unusable name '{name}'."),
        );
    }
    check(
        &main(r#""environment":[{"name":"A","value":"b\u0000"}]"#),
        &format!("{named} a NUL character in the environment variable 'A'."),
    );
    check(
        &main(r#""command":["a","b\u0000"]"#),
        &format!("{named} a NUL character in its command."),
    );
    let lines = r#"two\nlines"#;
    let kept = main(&format!(
        r#""command":["{lines}"],"environment":[{{"name":"A","value":"{lines}"}}]"#
    ));
    check_shown(
        &kept,
        "overrides/containerOverrides/0/command/0",
        json!("two\nlines"),
    );
}

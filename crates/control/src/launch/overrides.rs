//! Checks of `overrides` (`run-task.md` §5.1, §5.2).

use std::collections::BTreeSet;
use std::sync::Arc;

use model::shapes::{ContainerDefinition, ContainerOverride, TaskOverride};

use crate::assignment::{Size, chosen_size};
use crate::error::OpError;
use crate::gpus;
use crate::limits::{CONTAINER_MEMORY_MIB_MIN, OVERRIDES_CHARS_MAX};
use crate::record::Definition;
use crate::record::task::LaunchType;
use crate::sizes;

/// Returns what to keep: as given, task-level sizes as plain integers; nothing if that is empty.
pub(crate) fn checked(
    given: Option<TaskOverride>,
    definition: &Definition,
    launch_type: LaunchType,
) -> Result<Option<Arc<TaskOverride>>, OpError> {
    let mut overrides = given.unwrap_or_default();
    check_length(&overrides)?;
    let mut names = BTreeSet::new();
    for container in overrides.container_overrides.iter().flatten() {
        check_container(container, definition)?;
        if container.name.is_some() && !names.insert(container.name.as_deref()) {
            return Err(OpError::invalid_parameter(format!(
                "There are several overrides for container named {}. Put them into one.",
                container.name.as_deref().unwrap_or_default()
            )));
        }
    }
    if overrides.ephemeral_storage.is_some() {
        return Err(OpError::unsupported("overrides.ephemeralStorage"));
    }
    overrides.inference_accelerator_overrides = None;
    normalise(&mut overrides.cpu, "cpu", sizes::cpu_units)?;
    normalise(&mut overrides.memory, "memory", sizes::memory_mib)?;
    if launch_type == LaunchType::Fargate {
        check_fargate_size(&overrides, definition)?;
    }
    Ok((overrides != TaskOverride::default()).then(|| Arc::new(overrides)))
}

/// The limit counts the compact JSON form, syntax included.
fn check_length(overrides: &TaskOverride) -> Result<(), OpError> {
    let text = serde_json::to_string(overrides)
        .map_err(|cause| OpError::internal(format!("overrides as JSON: {cause}")))?;
    if text.chars().count() > OVERRIDES_CHARS_MAX {
        let text = format!("Container Overrides length must be at most {OVERRIDES_CHARS_MAX}");
        return Err(OpError::invalid_parameter(text));
    }
    Ok(())
}

fn check_container(over: &ContainerOverride, definition: &Definition) -> Result<(), OpError> {
    if *over == ContainerOverride::default() {
        return Ok(());
    }
    let name = over.name.as_deref().unwrap_or_default();
    let Some(container) = definition.container(name) else {
        return Err(OpError::invalid_parameter(format!(
            "Override for container named {name} is not a container in the TaskDefinition."
        )));
    };
    let files = over.environment_files.as_deref().unwrap_or_default();
    let requirements = over.resource_requirements.as_deref().unwrap_or_default();
    let unsupported =
        |member| OpError::unsupported(format!("overrides.containerOverrides.{member}"));
    if !files.is_empty() {
        return Err(unsupported("environmentFiles"));
    }
    if gpus::is_other(requirements) {
        return Err(unsupported("resourceRequirements"));
    }
    check_amounts(over, container, name)
}

/// The same rules as at registration, on the merged values.
fn check_amounts(
    over: &ContainerOverride,
    container: &ContainerDefinition,
    name: &str,
) -> Result<(), OpError> {
    let least = [
        ("cpu", over.cpu, 0),
        ("memory", over.memory, CONTAINER_MEMORY_MIB_MIN),
        (
            "memoryReservation",
            over.memory_reservation,
            CONTAINER_MEMORY_MIB_MIN,
        ),
    ];
    for (member, amount, min) in least {
        if amount.is_some_and(|amount| amount < min) {
            return Err(OpError::invalid_parameter(format!(
                "Override {member} for container named {name} must be at least {min}."
            )));
        }
    }
    let memory = over.memory.or(container.memory);
    let reservation = over.memory_reservation.or(container.memory_reservation);
    match (memory, reservation) {
        (Some(memory), Some(reservation)) if memory <= reservation => {
            Err(OpError::invalid_parameter(format!(
                "Override for container named {name} makes memory {memory}, which must be greater \
                 than memoryReservation {reservation}."
            )))
        }
        _ => Ok(()),
    }
}

fn normalise(
    value: &mut Option<String>,
    member: &str,
    parse: fn(&str) -> Option<u32>,
) -> Result<(), OpError> {
    let Some(text) = value else { return Ok(()) };
    let amount = parse(text).ok_or_else(|| {
        OpError::invalid_parameter(format!("Invalid '{member}' setting for task."))
    })?;
    *text = amount.to_string();
    Ok(())
}

fn check_fargate_size(overrides: &TaskOverride, definition: &Definition) -> Result<(), OpError> {
    let cpu = chosen_size(Some(overrides), definition, Size::Cpu).unwrap_or_default();
    let memory = chosen_size(Some(overrides), definition, Size::Memory).unwrap_or_default();
    if sizes::is_fargate_size(cpu, memory) {
        Ok(())
    } else {
        Err(sizes::no_fargate_configuration(
            &cpu.to_string(),
            &memory.to_string(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{World, app, web};

    fn world() -> World {
        let mut world = World::with_app();
        let containers = r#"
            {"name":"main","image":"busybox","cpu":128,"memory":512,"memoryReservation":256},
            {"name":"side","image":"busybox","cpu":64,"memoryReservation":100}"#;
        world.containers("app", containers, "");
        world
    }

    fn with(overrides: &str) -> String {
        app(&format!(r#","overrides":{overrides}"#))
    }

    #[track_caller]
    fn check(overrides: &str, expected: &str) {
        world().refused("RunTask", &with(overrides), expected);
    }

    #[track_caller]
    fn check_shown(overrides: &str, pointer: &str, expected: Value) {
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
        let main =
            |members: &str| format!(r#"{{"containerOverrides":[{{"name":"main",{members}}}]}}"#);
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
    fn what_is_not_built_is_refused_by_name() {
        let text = |what: &str| {
            format!("UnsupportedFeatureException: Feature not supported by this server: {what}.")
        };
        check(
            r#"{"ephemeralStorage":{"sizeInGiB":30}}"#,
            &text("overrides.ephemeralStorage"),
        );
        check(
            r#"{"containerOverrides":[{"name":"main","environmentFiles":[
                {"type":"s3","value":"arn:aws:s3:::b/e.env"}]}]}"#,
            &text("overrides.containerOverrides.environmentFiles"),
        );
        check(
            r#"{"containerOverrides":[{"name":"main","resourceRequirements":[
                {"type":"InferenceAccelerator","value":"1"}]}]}"#,
            &text("overrides.containerOverrides.resourceRequirements"),
        );
    }
}

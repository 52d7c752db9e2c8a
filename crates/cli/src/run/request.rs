//! From flags to the input of RunTask.

use model::shapes::{ContainerOverride, KeyValuePair, RunTaskInput, TaskOverride};

use super::RunArgs;
use crate::failed::Failed;
use crate::shorthand::{list, structure};

/// The input without the task definition. Also checks the flags, so it comes before
/// anything is sent.
pub(super) fn input(args: &RunArgs) -> Result<RunTaskInput, Failed> {
    build(args).map_err(Failed::new)
}

fn build(args: &RunArgs) -> Result<RunTaskInput, String> {
    let task = &args.task;
    let network = task.network_configuration.as_deref();
    let network = network.map(|text| structure("--network-configuration", text));
    let strategy = &task.capacity_provider_strategy;
    let constraints = &task.placement_constraints;
    let volumes = &task.volume_configurations;
    Ok(RunTaskInput {
        capacity_provider_strategy: list("--capacity-provider-strategy", strategy)?,
        client_token: task.client_token.clone(),
        cluster: task.cluster.clone(),
        count: task.count,
        enable_ecs_managed_tags: task.enable_ecs_managed_tags.then_some(true),
        enable_execute_command: task.enable_execute_command.then_some(true),
        group: task.group.clone(),
        launch_type: task.launch_type.as_deref().map(Into::into),
        network_configuration: network.transpose()?,
        overrides: overrides(args)?,
        placement_constraints: list("--placement-constraints", constraints)?,
        placement_strategy: list("--placement-strategy", &task.placement_strategy)?,
        platform_version: task.platform_version.clone(),
        propagate_tags: task.propagate_tags.as_deref().map(Into::into),
        reference_id: task.reference_id.clone(),
        started_by: task.started_by.clone(),
        tags: list("--tags", &task.tags)?,
        task_definition: None,
        volume_configurations: list("--volume-configurations", volumes)?,
    })
}

/// Most characters of the overrides as JSON, counted as UTF-16, as ECS counts.
const OVERRIDES_UTF16_MAX: usize = 8192;
/// From here on it is worth a word.
const OVERRIDES_UTF16_LONG: usize = OVERRIDES_UTF16_MAX / 10 * 9;

/// Refuses overrides that ECS will refuse; returns a warning when they are about to get there.
pub(super) fn check_length(overrides: Option<&TaskOverride>) -> Result<Option<String>, Failed> {
    let Some(overrides) = overrides else {
        return Ok(None);
    };
    let text = serde_json::to_string(overrides);
    let text = text.map_err(|error| Failed::new(format!("overrides: {error}")))?;
    let length = text.encode_utf16().count();
    let said =
        format!("the overrides have {length} characters as JSON, ECS takes {OVERRIDES_UTF16_MAX}");
    if length > OVERRIDES_UTF16_MAX {
        return Err(Failed::new(format!(
            "{said}: put what is long into the definition, a secret or an environment file"
        )));
    }
    Ok((length >= OVERRIDES_UTF16_LONG).then_some(said))
}

/// `--overrides` with `--command` and `--env` laid over it.
fn overrides(args: &RunArgs) -> Result<Option<TaskOverride>, String> {
    let given = args.task.overrides.as_deref();
    let given = given.map(|text| structure::<TaskOverride>("--overrides", text));
    let mut overrides = given.transpose()?;
    for text in &args.comfort.command {
        let (name, command) = words("--command", text)?;
        container(overrides.get_or_insert_default(), name).command = Some(command);
    }
    for text in &args.comfort.env {
        let (name, variable) = variable(text)?;
        let over = container(overrides.get_or_insert_default(), name);
        let environment = over.environment.get_or_insert_default();
        environment.retain(|known| known.name != variable.name);
        environment.push(variable);
    }
    Ok(overrides)
}

/// The override of a container, a new one if there is none.
fn container<'a>(overrides: &'a mut TaskOverride, name: &str) -> &'a mut ContainerOverride {
    let all = overrides.container_overrides.get_or_insert_default();
    let known = all.iter().position(|one| one.name.as_deref() == Some(name));
    let index = known.unwrap_or_else(|| {
        all.push(ContainerOverride {
            name: Some(name.to_owned()),
            ..ContainerOverride::default()
        });
        all.len() - 1
    });
    &mut all[index]
}

/// NAME='program arg …', or NAME=["program", "arg"].
pub(super) fn words<'a>(flag: &str, text: &'a str) -> Result<(&'a str, Vec<String>), String> {
    let bad = |problem: &str| format!("{flag}: {problem} in `{text}`: write NAME='program arg …'");
    let (name, words) = text.split_once('=').ok_or_else(|| bad("no `=`"))?;
    if name.is_empty() {
        return Err(bad("no container"));
    }
    let words = if words.trim_start().starts_with('[') {
        serde_json::from_str(words).map_err(|_| bad("no list of texts"))?
    } else {
        shlex::split(words).ok_or_else(|| bad("an open quotation"))?
    };
    if words.is_empty() {
        return Err(bad("no program"));
    }
    Ok((name, words))
}

fn variable(text: &str) -> Result<(&str, KeyValuePair), String> {
    let parts = text.split_once('=').and_then(|(path, value)| {
        let (name, key) = path.split_once('.')?;
        (!name.is_empty() && !key.is_empty()).then_some((name, key, value))
    });
    // The value may be a secret: it is not quoted.
    let path = text.split('=').next().unwrap_or_default();
    let (name, key, value) =
        parts.ok_or_else(|| format!("--env: `{path}` is not NAME.KEY followed by =VALUE"))?;
    let (key, value) = (Some(key.to_owned()), Some(value.to_owned()));
    Ok((name, KeyValuePair { name: key, value }))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArgs,
    }

    fn parse(flags: &[&str]) -> Result<RunTaskInput, String> {
        let line = ["run", "WHAT"].iter().chain(flags);
        let line = Line::try_parse_from(line).map_err(|error| error.to_string())?;
        build(&line.run)
    }

    #[track_caller]
    fn check(flags: &[&str], expected: Value) {
        let input = parse(flags).unwrap();
        assert_eq!(serde_json::to_value(input).unwrap(), expected);
    }

    #[test]
    fn every_member_has_a_flag() {
        check(&[], json!({}));
        let simple = [
            "--cluster",
            "c",
            "--count",
            "11",
            "--launch-type",
            "EC2",
            "--platform-version",
            "1.4.0",
            "--group",
            "g",
            "--started-by",
            "me",
            "--propagate-tags",
            "TASK_DEFINITION",
            "--enable-ecs-managed-tags",
            "--enable-execute-command",
            "--reference-id",
            "r",
            "--client-token",
            "t",
        ];
        let expected = json!({
            "cluster": "c", "count": 11, "launchType": "EC2", "platformVersion": "1.4.0",
            "group": "g", "startedBy": "me", "propagateTags": "TASK_DEFINITION",
            "enableECSManagedTags": true, "enableExecuteCommand": true, "referenceId": "r",
            "clientToken": "t"
        });
        check(&simple, expected);
        let lists = [
            "--capacity-provider-strategy",
            "capacityProvider=a,weight=1",
            "capacityProvider=b",
            "--placement-constraints",
            "type=memberOf,expression=attribute:x == y",
            "--placement-strategy",
            "type=spread,field=instanceId",
            "--tags",
            "key=a,value=1",
            "key=b",
            "--volume-configurations",
            "name=v,managedEBSVolume={roleArn=r,sizeInGiB=10}",
            "--network-configuration",
            "awsvpcConfiguration={subnets=[s]}",
        ];
        let expected = json!({
            "capacityProviderStrategy":
                [{"capacityProvider": "a", "weight": 1}, {"capacityProvider": "b"}],
            "placementConstraints": [{"type": "memberOf", "expression": "attribute:x == y"}],
            "placementStrategy": [{"type": "spread", "field": "instanceId"}],
            "tags": [{"key": "a", "value": "1"}, {"key": "b"}],
            "volumeConfigurations":
                [{"name": "v", "managedEBSVolume": {"roleArn": "r", "sizeInGiB": 10}}],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}}
        });
        check(&lists, expected);
    }

    #[test]
    fn a_switch_can_be_taken_back() {
        check(
            &["--enable-ecs-managed-tags", "--no-enable-ecs-managed-tags"],
            json!({}),
        );
    }

    #[test]
    fn commands_and_variables_lie_over_the_overrides() {
        let flags = [
            "--overrides",
            r#"{"cpu":"256","containerOverrides":[{"name":"app","command":["old"]}]}"#,
            "--command",
            "app=sh -c 'echo \"a b\"'",
            "--env",
            "app.A=1",
            "--env",
            "app.A=2=3",
            "--command",
            r#"db=["x","y z"]"#,
            "--env",
            "db.EMPTY=",
        ];
        let expected = json!({"overrides": {"cpu": "256", "containerOverrides": [
            {"name": "app", "command": ["sh", "-c", "echo \"a b\""],
                "environment": [{"name": "A", "value": "2=3"}]},
            {"name": "db", "command": ["x", "y z"], "environment": [{"name": "EMPTY", "value": ""}]},
        ]}});
        check(&flags, expected);
    }

    /// Overrides whose JSON has so many characters.
    #[track_caller]
    fn check_long(length: usize, expected: Result<Option<&str>, &str>) {
        let mut value = "ä".to_owned();
        let overrides = |cpu: &str| TaskOverride {
            cpu: Some(cpu.to_owned()),
            ..TaskOverride::default()
        };
        let frame = serde_json::to_string(&overrides(&value)).unwrap();
        value.extend(std::iter::repeat_n('x', length - frame.chars().count()));
        let checked = check_length(Some(&overrides(&value)));
        let checked = checked.map_err(|failed| failed.to_string());
        let checked = checked.as_ref().map(Option::as_deref);
        assert_eq!(checked.map_err(String::as_str), expected);
    }

    #[test]
    fn long_overrides_are_told_before_they_are_sent() {
        assert_eq!(check_length(None), Ok(None));
        check_long(7370, Ok(None));
        check_long(
            7371,
            Ok(Some(
                "the overrides have 7371 characters as JSON, ECS takes 8192",
            )),
        );
        check_long(
            8192,
            Ok(Some(
                "the overrides have 8192 characters as JSON, ECS takes 8192",
            )),
        );
        check_long(
            8193,
            Err(
                "the overrides have 8193 characters as JSON, ECS takes 8192: put what is long \
                 into the definition, a secret or an environment file",
            ),
        );
    }

    #[track_caller]
    fn check_refused(flags: &[&str], problem: &str) {
        let error = parse(flags).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }

    #[test]
    fn mistakes_are_named() {
        check_refused(&["--command", "ls"], "no `=` in `ls`");
        check_refused(&["--command", "app='ls"], "open quotation");
        check_refused(&["--env", "KEY=hunter2"], "`KEY` is not NAME.KEY");
        check_refused(&["--count", "many"], "--count");
        check_refused(&["--tags", "a"], "--tags: `a` has no `=`");
        check_refused(&["--timeout", "soon"], "not a length of time");
        check_refused(
            &["--aws", "--endpoint-url", "http://x"],
            "cannot be used with",
        );
    }
}

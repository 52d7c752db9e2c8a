//! DeleteTaskDefinitions: up to 10 INACTIVE revisions become DELETE_IN_PROGRESS. They are
//! described until no task refers to them any more, and cannot be run.

use model::shapes::{
    DeleteTaskDefinitionsInput, DeleteTaskDefinitionsOutput, Failure, TaskDefinition,
};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{DefinitionRef, definition_ref, find_definition};
use crate::limits::DELETE_TASK_DEFINITIONS_MAX;
use crate::record::Definition;
use crate::record::definition::DefinitionStatus;

pub(crate) fn delete_task_definitions(
    cx: &mut Cx<'_>,
    input: DeleteTaskDefinitionsInput,
) -> Result<DeleteTaskDefinitionsOutput, OpError> {
    let asked = input.task_definitions.unwrap_or_default();
    if asked.is_empty() || asked.len() > DELETE_TASK_DEFINITIONS_MAX {
        return Err(OpError::invalid_parameter(format!(
            "taskDefinitions must have between 1 and {DELETE_TASK_DEFINITIONS_MAX} items."
        )));
    }
    let named = asked.iter().map(|text| named(cx, text));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for (text, named) in asked.into_iter().zip(named) {
        match delete(cx, &named) {
            Ok(shape) => deleted.push(shape),
            Err(reason) => failures.push(Failure {
                arn: Some(text),
                reason: Some(reason.to_owned()),
                detail: None,
            }),
        }
    }
    Ok(DeleteTaskDefinitionsOutput {
        task_definitions: Some(deleted),
        failures: Some(failures),
    })
}

fn named(cx: &Cx<'_>, text: &str) -> Result<DefinitionRef, OpError> {
    let named = definition_ref(cx.settings, text)?;
    if named.revision.is_none() {
        return Err(OpError::invalid_parameter(
            "Invalid revision number. Number: ",
        ));
    }
    Ok(named)
}

fn delete(cx: &mut Cx<'_>, named: &DefinitionRef) -> Result<TaskDefinition, &'static str> {
    let Some(definition) = find_definition(cx.state, named).cloned() else {
        return Err("The specified task definition does not exist.");
    };
    match definition.status {
        DefinitionStatus::Active => Err(
            "The specified task definition is still in ACTIVE status. Please deregister \
                    the target and try again.",
        ),
        DefinitionStatus::DeleteInProgress => Ok(definition.shape.clone()),
        DefinitionStatus::Inactive => {
            let status = DefinitionStatus::DeleteInProgress;
            let shape = TaskDefinition {
                status: Some(status.as_str().into()),
                delete_requested_at: Some(cx.now),
                ..definition.shape.clone()
            };
            let changed = Definition {
                status,
                shape,
                ..Definition::clone(&definition)
            };
            Ok(cx.state.put_definition(changed).shape.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{World, app, copies};

    fn delete(names: &[&str]) -> String {
        format!(r#"{{"taskDefinitions":{names:?}}}"#)
    }

    /// `app:1` is ACTIVE, `app:2` is INACTIVE.
    fn world() -> World {
        let mut world = World::with_app();
        world.definition("app", "");
        world.ok("DeregisterTaskDefinition", r#"{"taskDefinition":"app:2"}"#);
        world
    }

    #[test]
    fn only_inactive_revisions_are_deleted_the_others_are_failures() {
        let mut world = world();
        let answer = world.ok(
            "DeleteTaskDefinitions",
            &delete(&["app:1", "app:2", "app:3"]),
        );
        let deleted = &answer["taskDefinitions"];
        assert_eq!(deleted[0]["status"], json!("DELETE_IN_PROGRESS"));
        assert_eq!(deleted[0]["revision"], json!(2));
        assert_eq!(deleted[0]["deleteRequestedAt"], json!(1_767_600_000));
        assert_eq!(
            answer["failures"],
            json!([
                {"arn": "app:1", "reason": "The specified task definition is still in ACTIVE \
                    status. Please deregister the target and try again."},
                {"arn": "app:3", "reason": "The specified task definition does not exist."},
            ])
        );
    }

    #[test]
    fn a_deleted_revision_cannot_be_run_and_is_described_for_an_hour() {
        let mut world = world();
        world.ok("DeleteTaskDefinitions", &delete(&["app:2"]));
        let named = r#"{"taskDefinition":"app:2"}"#;
        let text = "InvalidParameterException: TaskDefinition is inactive";
        world.refused("RunTask", named, text);
        world.pass_seconds(3599);
        world.sweep();
        let status = world.at("DescribeTaskDefinition", named, "/taskDefinition/status");
        assert_eq!(status, json!("DELETE_IN_PROGRESS"));
        world.pass_seconds(1);
        world.sweep();
        world.refused(
            "RunTask",
            named,
            "ClientException: TaskDefinition not found.",
        );
    }

    #[test]
    fn a_revision_stays_as_long_as_a_task_of_it_is_remembered() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        let named = r#"{"taskDefinition":"app:1"}"#;
        world.ok("DeregisterTaskDefinition", named);
        world.ok("DeleteTaskDefinitions", &delete(&["app:1"]));
        world.pass_seconds(7200);
        world.sweep();
        world.exit(id, 0);
        world.pass_seconds(3599);
        world.sweep();
        let body = format!(r#"{{"tasks":["{id}"]}}"#);
        let image = world.at("DescribeTasks", &body, "/tasks/0/containers/0/image");
        assert_eq!(image, json!("busybox"));
        world.ok("DescribeTaskDefinition", named);
        world.pass_seconds(1);
        world.sweep();
        world.refused(
            "DescribeTaskDefinition",
            named,
            "ClientException: Unable to describe task definition.",
        );
    }

    #[test]
    fn one_to_ten_revisions_by_number() {
        let mut world = world();
        let text = "InvalidParameterException: taskDefinitions must have between 1 and 10 items.";
        world.refused("DeleteTaskDefinitions", "{}", text);
        let eleven = format!(r#"{{"taskDefinitions":[{}]}}"#, copies("\"app:2\"", 11));
        world.refused("DeleteTaskDefinitions", &eleven, text);
        world.refused(
            "DeleteTaskDefinitions",
            &delete(&["app:2", "app"]),
            "InvalidParameterException: Invalid revision number. Number: ",
        );
        let status = r#"{"taskDefinition":"app:2"}"#;
        let status = world.at("DescribeTaskDefinition", status, "/taskDefinition/status");
        assert_eq!(status, json!("INACTIVE"));
    }
}

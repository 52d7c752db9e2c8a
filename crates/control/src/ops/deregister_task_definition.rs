//! DeregisterTaskDefinition: turns one revision INACTIVE. Running tasks go on; a repetition
//! answers the same.

use model::shapes::{
    DeregisterTaskDefinitionInput, DeregisterTaskDefinitionOutput, TaskDefinition,
};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{definition_ref, find_definition};
use crate::record::Definition;
use crate::record::definition::DefinitionStatus;

pub(crate) fn deregister_task_definition(
    cx: &mut Cx<'_>,
    input: DeregisterTaskDefinitionInput,
) -> Result<DeregisterTaskDefinitionOutput, OpError> {
    let text = input.task_definition.as_deref().unwrap_or_default();
    if text.is_empty() {
        return Err(OpError::invalid_parameter(
            "taskDefinition can not be blank.",
        ));
    }
    let named = definition_ref(cx.settings, text)?;
    if named.revision.is_none() {
        return Err(OpError::invalid_parameter(
            "Invalid revision number. Number: ",
        ));
    }
    let found = find_definition(cx.state, &named).cloned();
    let absent = || OpError::client("The specified task definition does not exist.");
    let mut definition = found.ok_or_else(absent)?;
    if definition.status == DefinitionStatus::Active {
        definition = cx.state.put_definition(inactive(&definition, cx.now));
    }
    Ok(DeregisterTaskDefinitionOutput {
        task_definition: Some(definition.shape.clone()),
    })
}

fn inactive(definition: &Definition, now: model::Timestamp) -> Definition {
    let status = DefinitionStatus::Inactive;
    Definition {
        status,
        shape: TaskDefinition {
            status: Some(status.as_str().into()),
            deregistered_at: Some(now),
            ..definition.shape.clone()
        },
        ..definition.clone()
    }
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::json;

    use crate::testing::{World, app};

    fn named(text: &str) -> String {
        format!(r#"{{"taskDefinition":"{text}"}}"#)
    }

    #[test]
    fn a_revision_becomes_inactive_once_and_its_tasks_go_on() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        world.pass_seconds(5);
        let first = world.ok("DeregisterTaskDefinition", &named("app:1"));
        assert_eq!(first["taskDefinition"]["status"], json!("INACTIVE"));
        assert_eq!(
            first["taskDefinition"]["deregisteredAt"],
            json!(1_767_600_005)
        );
        world.pass_seconds(5);
        assert_eq!(world.ok("DeregisterTaskDefinition", &named("app:1")), first);
        world.tell(id, HostStatus::Running);
        let text = "InvalidParameterException: TaskDefinition is inactive";
        world.refused("RunTask", &named("app:1"), text);
        let described = world.at("DescribeTaskDefinition", &named("app:1"), "/taskDefinition");
        assert_eq!(described, first["taskDefinition"]);
    }

    #[test]
    fn a_revision_that_exists_must_be_named() {
        let mut world = World::with_app();
        let mut check = |text: &str, expected: &str| {
            world.refused("DeregisterTaskDefinition", &named(text), expected);
        };
        check(
            "",
            "InvalidParameterException: taskDefinition can not be blank.",
        );
        check(
            "app",
            "InvalidParameterException: Invalid revision number. Number: ",
        );
        check(
            "app:x",
            "InvalidParameterException: Invalid revision number. Number: x",
        );
        check(
            "app:9",
            "ClientException: The specified task definition does not exist.",
        );
        check(
            "a b:1",
            "ClientException: Family contains invalid characters.",
        );
    }
}

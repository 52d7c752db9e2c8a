//! DeleteTaskDefinitions: up to 10 INACTIVE revisions become DELETE_IN_PROGRESS. They are
//! described until no task refers to them any more, and cannot be run.

use model::shapes::{
    DeleteTaskDefinitionsInput, DeleteTaskDefinitionsOutput, Failure, TaskDefinition,
};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{definition_ref, find_definition};
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
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for text in asked {
        match delete(cx, &text)? {
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

fn delete(cx: &mut Cx<'_>, text: &str) -> Result<Result<TaskDefinition, &'static str>, OpError> {
    let named = definition_ref(cx.settings, text)?;
    if named.revision.is_none() {
        return Err(OpError::invalid_parameter(
            "Invalid revision number. Number: ",
        ));
    }
    let Some(definition) = find_definition(cx.state, &named).cloned() else {
        return Ok(Err("The specified task definition does not exist."));
    };
    match definition.status {
        DefinitionStatus::Active => Ok(Err(
            "The specified task definition is still in ACTIVE status. Please deregister \
                    the target and try again.",
        )),
        DefinitionStatus::DeleteInProgress => Ok(Ok(definition.shape.clone())),
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
            Ok(Ok(cx.state.put_definition(changed).shape.clone()))
        }
    }
}

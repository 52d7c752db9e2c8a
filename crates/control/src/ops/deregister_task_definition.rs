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

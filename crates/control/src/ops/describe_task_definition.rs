//! DescribeTaskDefinition: one revision, INACTIVE ones by exact revision; without a revision
//! the newest ACTIVE one.

use model::shapes::{DescribeTaskDefinitionInput, DescribeTaskDefinitionOutput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{definition_ref, find_definition};
use crate::view;
use crate::view::task::Tags;

pub(crate) fn describe_task_definition(
    cx: &ReadCx<'_>,
    input: DescribeTaskDefinitionInput,
) -> Result<DescribeTaskDefinitionOutput, OpError> {
    let text = input.task_definition.as_deref().unwrap_or_default();
    if text.is_empty() {
        return Err(OpError::invalid_parameter(
            "taskDefinition can not be blank.",
        ));
    }
    let named = definition_ref(cx.settings, text)?;
    let tags = view::tags_included(input.include.as_deref(), &["TAGS"])?;
    let found = find_definition(cx.state, &named);
    let found = found.ok_or_else(|| OpError::client("Unable to describe task definition."))?;
    Ok(DescribeTaskDefinitionOutput {
        task_definition: Some(found.shape.clone()),
        tags: Some(if tags == Tags::Shown {
            found.tags.clone()
        } else {
            Vec::new()
        }),
    })
}

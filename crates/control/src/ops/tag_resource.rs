//! TagResource: adds tags, or gives known keys new values. Reserved keys are refused.

use model::shapes::{TagResourceInput, TagResourceOutput};

use crate::cx::Cx;
use crate::error::OpError;
use crate::taggable::Taggable;
use crate::tags;

pub(crate) fn tag_resource(
    cx: &mut Cx<'_>,
    input: TagResourceInput,
) -> Result<TagResourceOutput, OpError> {
    let resource = Taggable::parse(cx.settings, input.resource_arn.as_deref())?;
    let new = tags::checked(input.tags)?;
    if new.is_empty() {
        return Err(OpError::invalid_parameter("Tags cannot be empty."));
    }
    resource.change(cx, |have| tags::merged(have, new))?;
    Ok(TagResourceOutput::default())
}

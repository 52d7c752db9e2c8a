//! ListTagsForResource: the tags of one ARN, reserved ones included.

use model::shapes::{ListTagsForResourceInput, ListTagsForResourceOutput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::taggable::Taggable;

pub(crate) fn list_tags_for_resource(
    cx: &ReadCx<'_>,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, OpError> {
    let resource = Taggable::parse(cx.settings, input.resource_arn.as_deref())?;
    Ok(ListTagsForResourceOutput {
        tags: Some(resource.tags(cx)?),
    })
}

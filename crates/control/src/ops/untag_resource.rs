//! UntagResource: removes tags by key. Reserved keys are refused, unknown ones ignored.

use model::shapes::{UntagResourceInput, UntagResourceOutput};

use crate::cx::Cx;
use crate::error::OpError;
use crate::taggable::Taggable;
use crate::tags;

pub(crate) fn untag_resource(
    cx: &mut Cx<'_>,
    input: UntagResourceInput,
) -> Result<UntagResourceOutput, OpError> {
    let resource = Taggable::parse(cx.settings, input.resource_arn.as_deref())?;
    let keys = input.tag_keys.unwrap_or_default();
    if keys.is_empty() {
        return Err(OpError::invalid_parameter("Tag keys cannot be empty."));
    }
    keys.iter().try_for_each(|key| tags::check_key(key))?;
    resource.change(cx, |have| {
        let kept = have
            .iter()
            .filter(|tag| !keys.iter().any(|key| tags::key_of(tag) == key));
        Ok(kept.cloned().collect())
    })?;
    Ok(UntagResourceOutput::default())
}

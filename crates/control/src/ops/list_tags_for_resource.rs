//! ListTagsForResource: the tags of one ARN, reserved ones included.

use model::errors::ErrorCode;
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
        tags: Some(resource.tags(cx).map_err(declared)?),
    })
}

/// Unlike TagResource this operation declares no `ResourceNotFoundException`.
fn declared(error: OpError) -> OpError {
    match error.code {
        ErrorCode::ResourceNotFoundException => OpError::invalid_parameter(error.message),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{ARN, World};

    #[test]
    fn what_is_not_there_is_an_error_that_the_operation_declares() {
        let mut world = World::new();
        let gone = "InvalidParameterException: The specified resource was not found.";
        let absent = [
            ("task-definition/app:1", gone),
            (
                "container-instance/default/0123456789abcdef0123456789abcdef",
                gone,
            ),
            ("capacity-provider/fleet", gone),
            (
                "task/default/0123456789abcdef0123456789abcdef",
                "InvalidParameterException: The referenced task was not found.",
            ),
            (
                "cluster/nowhere",
                "ClusterNotFoundException: Cluster not found.",
            ),
        ];
        for (resource, expected) in absent {
            let body = format!(r#"{{"resourceArn":"{ARN}:{resource}"}}"#);
            world.refused("ListTagsForResource", &body, expected);
        }
    }

    #[test]
    fn what_is_inactive_still_tells_its_tags() {
        let mut world = World::with_app();
        let tags = json!([{"key": "a", "value": "1"}]);
        let tagged = r#""tags":[{"key":"a","value":"1"}]"#;
        world.definition("kept", &format!(",{tagged}"));
        world.ok("DeregisterTaskDefinition", r#"{"taskDefinition":"kept:1"}"#);
        let id = world.run(&format!(r#"{{"taskDefinition":"app",{tagged}}}"#))[0];
        world.exit(id, 0);
        for resource in [
            "task-definition/kept:1".to_owned(),
            format!("task/default/{id}"),
        ] {
            let body = format!(r#"{{"resourceArn":"{ARN}:{resource}"}}"#);
            assert_eq!(world.at("ListTagsForResource", &body, "/tags"), tags);
        }
    }
}

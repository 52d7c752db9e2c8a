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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[test]
    fn without_a_revision_the_newest_active_one_is_described() {
        let mut world = World::with_app();
        world.definition("app", "");
        world.definition("app", "");
        world.ok("DeregisterTaskDefinition", r#"{"taskDefinition":"app:3"}"#);
        let mut revision = |named: &str| {
            let body = format!(r#"{{"taskDefinition":"{named}"}}"#);
            world.at("DescribeTaskDefinition", &body, "/taskDefinition/revision")
        };
        assert_eq!(revision("app"), json!(2));
        assert_eq!(revision("app:3"), json!(3));
        let arn = "arn:aws:ecs:us-east-1:000000000000:task-definition/app:1";
        assert_eq!(revision(arn), json!(1));
    }

    #[test]
    fn tags_are_shown_on_request() {
        let mut world = World::new();
        world.definition("app", r#","tags":[{"key":"a","value":"b"}]"#);
        let mut check = |more: &str, expected: serde_json::Value| {
            let body = format!(r#"{{"taskDefinition":"app"{more}}}"#);
            assert_eq!(world.at("DescribeTaskDefinition", &body, "/tags"), expected);
        };
        check("", json!([]));
        check(
            r#","include":["TAGS"]"#,
            json!([{"key": "a", "value": "b"}]),
        );
    }

    #[test]
    fn what_is_not_there_cannot_be_described() {
        let mut world = World::with_app();
        world.ok("DeregisterTaskDefinition", r#"{"taskDefinition":"app:1"}"#);
        for named in ["app", "app:2", "nothing"] {
            world.refused(
                "DescribeTaskDefinition",
                &format!(r#"{{"taskDefinition":"{named}"}}"#),
                "ClientException: Unable to describe task definition.",
            );
        }
        world.refused(
            "DescribeTaskDefinition",
            "{}",
            "InvalidParameterException: taskDefinition can not be blank.",
        );
    }
}

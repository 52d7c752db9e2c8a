//! TagResource: adds tags, or gives known keys new values. Reserved keys are refused.

use model::errors::ErrorCode;
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
    resource.change(cx, |have| tags::merged(have, new).map_err(over_the_quota))?;
    Ok(TagResourceOutput::default())
}

/// Of the operations with tags, only this one adds to what is there, and declares this exception.
fn over_the_quota(error: OpError) -> OpError {
    OpError {
        code: ErrorCode::LimitExceededException,
        ..error
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{ARN, World, app, web};

    const INVALID: &str = "InvalidParameterException: ";

    fn tag(arn: &str, tags: &str) -> String {
        format!(r#"{{"resourceArn":"{arn}","tags":[{tags}]}}"#)
    }

    fn tags_of(world: &mut World, arn: &str) -> Value {
        world.at(
            "ListTagsForResource",
            &format!(r#"{{"resourceArn":"{arn}"}}"#),
            "/tags",
        )
    }

    #[test]
    fn every_kind_of_resource_takes_and_loses_tags() {
        let mut world = World::with_app();
        let instance = world.state.instances().iter().next().unwrap().id;
        let id = world.run(&app(""))[0];
        for resource in [
            "cluster/default".to_owned(),
            "task-definition/app:1".to_owned(),
            format!("container-instance/default/{instance}"),
            format!("task/default/{id}"),
            format!("task/{id}"),
        ] {
            let arn = format!("{ARN}:{resource}");
            world.ok(
                "TagResource",
                &tag(&arn, r#"{"key":"a","value":"1"},{"key":"b"}"#),
            );
            world.ok("TagResource", &tag(&arn, r#"{"key":"a","value":"2"}"#));
            let expected = json!([{"key": "a", "value": "2"}, {"key": "b", "value": ""}]);
            assert_eq!(tags_of(&mut world, &arn), expected, "{arn}");
            let keys = format!(r#"{{"resourceArn":"{arn}","tagKeys":["a","b","none"]}}"#);
            world.ok("UntagResource", &keys);
            assert_eq!(tags_of(&mut world, &arn), json!([]), "{arn}");
        }
    }

    #[test]
    fn tags_of_a_call_are_found_by_the_arn_of_its_task() {
        let mut world = World::with_app();
        let id = world.run(&app(
            r#","tags":[{"key":"Team","value":"A"},{"key":"team","value":"a"}]"#,
        ))[0];
        let expected = json!([{"key": "Team", "value": "A"}, {"key": "team", "value": "a"}]);
        assert_eq!(
            tags_of(&mut world, &format!("{ARN}:task/default/{id}")),
            expected
        );
    }

    #[test]
    fn reserved_tags_can_be_neither_changed_nor_removed() {
        let mut world = World::with_app();
        let id = world.run(&app(r#","enableECSManagedTags":true"#))[0];
        let arn = format!("{ARN}:task/default/{id}");
        let text = format!("{INVALID}Tag key must not start with aws:");
        let managed = r#"{"key":"aws:ecs:clusterName","value":"other"}"#;
        world.refused("TagResource", &tag(&arn, managed), &text);
        let keys = format!(r#"{{"resourceArn":"{arn}","tagKeys":["aws:ecs:clusterName"]}}"#);
        world.refused("UntagResource", &keys, &text);
        let expected = json!([{"key": "aws:ecs:clusterName", "value": "default"}]);
        assert_eq!(tags_of(&mut world, &arn), expected);
    }

    /// `{"key":"k1"}` and so on, with commas.
    fn numbered(count: usize) -> String {
        let tags: Vec<String> = (1..=count)
            .map(|i| format!(r#"{{"key":"k{i}"}}"#))
            .collect();
        tags.join(",")
    }

    /// The resource can be made with 50 tags, `make` having a place for them, and has no room for
    /// another one then; with 51 it is not made.
    #[track_caller]
    fn check_fifty(operation: &str, make: &str, resource: &str) {
        let mut world = World::with_app();
        let make = |count| make.replace("TAGS", &numbered(count));
        let text = format!("{INVALID}A resource can have at most 50 tags, but would have 51.");
        world.refused(operation, &make(51), &text);
        let made = world.ok(operation, &make(50)).to_string();
        let (_, id) = made.split_once(&format!("{ARN}:{resource}")).unwrap();
        let arn = format!("{ARN}:{resource}{}", &id[..id.find('"').unwrap()]);
        let text =
            "LimitExceededException: A resource can have at most 50 tags, but would have 51.";
        world.refused("TagResource", &tag(&arn, r#"{"key":"one more"}"#), text);
        world.ok("TagResource", &tag(&arn, r#"{"key":"k1","value":"new"}"#));
        let tags = tags_of(&mut world, &arn);
        assert_eq!(tags.as_array().unwrap().len(), 50, "{arn}");
        assert_eq!(tags[0], json!({"key": "k1", "value": "new"}), "{arn}");
    }

    #[test]
    fn fifty_tags_fit_on_every_kind_of_resource() {
        let cluster = r#"{"clusterName":"tagged","tags":[TAGS]}"#;
        check_fifty("CreateCluster", cluster, "cluster/tagged");
        let definition = r#"{"family":"tagged","tags":[TAGS],
            "containerDefinitions":[{"name":"main","image":"i","memory":6}]}"#;
        check_fifty(
            "RegisterTaskDefinition",
            definition,
            "task-definition/tagged:1",
        );
        let provider = r#"{"name":"tagged","tags":[TAGS],
            "autoScalingGroupProvider":{"autoScalingGroupArn":"group"}}"#;
        check_fifty(
            "CreateCapacityProvider",
            provider,
            "capacity-provider/tagged",
        );
        let instance = r#"{"tags":[TAGS]}"#;
        check_fifty(
            "RegisterContainerInstance",
            instance,
            "container-instance/default/",
        );
        check_fifty("RunTask", &app(r#","tags":[TAGS]"#), "task/default/");
    }

    #[test]
    fn fifty_own_tags_fit_beside_the_managed_one() {
        let mut world = World::with_app();
        let id = world.run(&app(r#","enableECSManagedTags":true"#))[0];
        let arn = format!("{ARN}:task/default/{id}");
        world.ok("TagResource", &tag(&arn, &numbered(50)));
        let text =
            "LimitExceededException: A resource can have at most 50 tags, but would have 51.";
        world.refused("TagResource", &tag(&arn, r#"{"key":"one more"}"#), text);
    }

    #[test]
    fn a_draining_instance_takes_tags_and_one_that_has_left_does_not() {
        let mut world = World::new();
        let id = world.add_instance("default", 1024, 1024);
        let arn = format!("{ARN}:container-instance/default/{id}");
        let draining = format!(r#"{{"containerInstances":["{id}"],"status":"DRAINING"}}"#);
        world.ok("UpdateContainerInstancesState", &draining);
        world.ok("TagResource", &tag(&arn, r#"{"key":"a"}"#));
        world.ok(
            "DeregisterContainerInstance",
            &format!(r#"{{"containerInstance":"{id}"}}"#),
        );
        let missing = "ResourceNotFoundException: The specified resource was not found.";
        world.refused("TagResource", &tag(&arn, r#"{"key":"b"}"#), missing);
        let keys = format!(r#"{{"resourceArn":"{arn}","tagKeys":["a"]}}"#);
        world.refused("UntagResource", &keys, missing);
        let described = format!(r#"{{"containerInstances":["{id}"],"include":["TAGS"]}}"#);
        let tags = world.at(
            "DescribeContainerInstances",
            &described,
            "/containerInstances/0/tags",
        );
        assert_eq!(tags, json!([{"key": "a", "value": ""}]));
    }

    #[test]
    fn a_stopped_task_takes_no_tags() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        world.exit(id, 0);
        world.refused(
            "TagResource",
            &tag(&format!("{ARN}:task/default/{id}"), r#"{"key":"a"}"#),
            &format!(
                "{INVALID}The specified task is stopped. Specify a running task and try again."
            ),
        );
    }

    #[test]
    fn what_is_not_there_is_not_tagged() {
        let mut world = World::with_app();
        let id = world.run(&web(""))[0];
        let mut check = |arn: &str, expected: &str| {
            world.refused("TagResource", &tag(arn, r#"{"key":"a"}"#), expected);
        };
        let missing = "ResourceNotFoundException: The specified resource was not found.";
        check(
            &format!("{ARN}:cluster/no"),
            "ClusterNotFoundException: Cluster not found.",
        );
        check(&format!("{ARN}:task-definition/app:2"), missing);
        check(
            &format!("{ARN}:container-instance/default/0123456789abcdef0123456789abcdef"),
            missing,
        );
        check(
            &format!("{ARN}:task/other/{id}"),
            &format!("{INVALID}The referenced task was not found."),
        );
        check(
            &format!("{ARN}:task-definition/app"),
            &format!("{INVALID}Tags belong to a revision: name one as FAMILY:REVISION."),
        );
        check(
            &format!("{ARN}:service/default/web"),
            &format!("{INVALID}Unsupported resource type: service"),
        );
        check(
            "default",
            &format!("{INVALID}Invalid identifier: Unexpected number of separators"),
        );
    }

    #[test]
    fn nothing_to_do_is_refused() {
        let mut world = World::new();
        let arn = format!("{ARN}:cluster/default");
        let text = format!("{INVALID}Tags cannot be empty.");
        world.refused("TagResource", &tag(&arn, ""), &text);
        let keys = format!(r#"{{"resourceArn":"{arn}","tagKeys":[]}}"#);
        let text = format!("{INVALID}Tag keys cannot be empty.");
        world.refused("UntagResource", &keys, &text);
    }
}

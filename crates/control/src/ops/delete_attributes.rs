//! DeleteAttributes: takes up to ten attributes of the caller's own off container instances.
//! One that is not there is no error; a value in the request says nothing.

use model::shapes::{DeleteAttributesInput, DeleteAttributesOutput};

use super::put_attributes::{checked_list, shown, target};
use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::active_cluster;
use crate::instance_attributes::{check_custom, check_name, name_of};
use crate::record::Instance;

pub(crate) fn delete_attributes(
    cx: &mut Cx<'_>,
    input: DeleteAttributesInput,
) -> Result<DeleteAttributesOutput, OpError> {
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let asked = checked_list(input.attributes)?;
    let mut deleted = Vec::new();
    for given in &asked {
        let name = name_of(given);
        check_name(name)?;
        check_custom(name)?;
        let known = target(&cx.reading(), &cluster.name, given)?;
        let Some(attribute) = known.attribute(name) else {
            continue;
        };
        deleted.push(shown(&cx.reading(), &known, attribute));
        let mut instance = Instance::clone(&known);
        instance.attributes.retain(|one| name_of(one) != name);
        instance.put_attributes.retain(|one| one != name);
        instance.version += 1;
        cx.state.put_instance(instance);
    }
    Ok(DeleteAttributesOutput {
        attributes: Some(deleted),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{ARN, World};

    fn body(name: &str, id: impl std::fmt::Display) -> String {
        format!(
            r#"{{"attributes":[{{"name":"{name}","targetType":"container-instance",
                "targetId":"{id}"}}]}}"#
        )
    }

    #[test]
    fn attributes_of_the_callers_own_are_taken_off() {
        let mut world = World::new();
        let id = world.state.instances().iter().next().unwrap().id;
        let before = world.state.instances().get(&id).unwrap().attributes.clone();
        world.ok("PutAttributes", &body("stack", id));
        let arn = format!("{ARN}:container-instance/default/{id}");
        let answer = world.ok("DeleteAttributes", &body("stack", id));
        assert_eq!(
            answer,
            json!({"attributes": [{"name": "stack", "targetId": arn}]})
        );
        assert_eq!(world.state.instances().get(&id).unwrap().attributes, before);
        let answer = world.ok("DeleteAttributes", &body("stack", id));
        assert_eq!(answer, json!({"attributes": []}));
    }

    #[test]
    fn bad_requests_are_refused() {
        let mut world = World::new();
        let id = world.state.instances().iter().next().unwrap().id;
        let absent = "0123456789abcdef0123456789abcdef";
        let mut check = |body: &str, expected: &str| {
            world.refused("DeleteAttributes", body, expected);
        };
        check(
            "{}",
            "InvalidParameterException: Attributes cannot be empty.",
        );
        check(
            &body("ecs.os-type", id),
            "InvalidParameterException: Attribute ecs.os-type is set when the instance registers. \
             Names that begin with ecs., com.amazonaws.ecs., longshore. are reserved.",
        );
        check(
            &body("a", absent),
            &format!(
                "TargetNotFoundException: The target {ARN}:container-instance/default/{absent} \
                 was not found."
            ),
        );
    }
}

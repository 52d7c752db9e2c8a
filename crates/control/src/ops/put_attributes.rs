//! PutAttributes: sets up to ten attributes of the caller's own on container instances. All of
//! them or, when one is refused, none.

use std::sync::Arc;

use model::errors::ErrorCode;
use model::shapes::{Attribute, PutAttributesInput, PutAttributesOutput, TargetType};

use crate::cx::{Cx, ReadCx};
use crate::error::{OpError, not_one_of};
use crate::identifier::{active_cluster, container_instance_id};
use crate::instance_attributes::{attribute, check, check_custom, name_of, set, too_many};
use crate::limits::{CUSTOM_ATTRIBUTES_MAX, PUT_ATTRIBUTES_MAX};
use crate::record::Instance;
use crate::record::instance::InstanceStatus;

pub(crate) fn put_attributes(
    cx: &mut Cx<'_>,
    input: PutAttributesInput,
) -> Result<PutAttributesOutput, OpError> {
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let asked = checked_list(input.attributes)?;
    let mut answer = Vec::with_capacity(asked.len());
    for given in &asked {
        check(given)?;
        check_custom(name_of(given))?;
        let mut instance = Instance::clone(&*target(&cx.reading(), &cluster.name, given)?);
        put(&mut instance, given)?;
        answer.push(shown(&cx.reading(), &instance, given));
        cx.state.put_instance(instance);
    }
    Ok(PutAttributesOutput {
        attributes: Some(answer),
    })
}

fn put(instance: &mut Instance, given: &Attribute) -> Result<(), OpError> {
    let name = name_of(given);
    set(
        &mut instance.attributes,
        attribute(name, given.value.as_deref()),
    );
    if too_many(&instance.attributes) {
        return Err(OpError::new(
            ErrorCode::AttributeLimitExceededException,
            format!(
                "Instance {} would have more than {CUSTOM_ATTRIBUTES_MAX} custom attributes.",
                instance.id
            ),
        ));
    }
    if !instance.put_attributes.iter().any(|known| known == name) {
        instance.put_attributes.push(name.to_owned());
    }
    instance.version += 1;
    Ok(())
}

/// One to ten attributes.
pub(super) fn checked_list(given: Option<Vec<Attribute>>) -> Result<Vec<Attribute>, OpError> {
    let given = given.unwrap_or_default();
    match given.len() {
        0 => Err(OpError::invalid_parameter("Attributes cannot be empty.")),
        1..=PUT_ATTRIBUTES_MAX => Ok(given),
        _ => Err(OpError::invalid_parameter(format!(
            "attributes can have at most {PUT_ATTRIBUTES_MAX} items."
        ))),
    }
}

/// The instance that an attribute names: by its ARN, or by its id together with the type.
pub(super) fn target(
    cx: &ReadCx<'_>,
    cluster: &str,
    given: &Attribute,
) -> Result<Arc<Instance>, OpError> {
    let id = given.target_id.as_deref().filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| OpError::invalid_parameter("targetId can not be blank."))?;
    check_type(given.target_type.as_ref(), id)?;
    let id = container_instance_id(cx.settings, cluster, id)?;
    let found = cx.state.instances().get(&id).filter(|instance| {
        instance.cluster == cluster && instance.status != InstanceStatus::Inactive
    });
    found.cloned().ok_or_else(|| {
        let arn = cx.settings.instance_arn(cluster, id);
        let text = format!("The target {arn} was not found.");
        OpError::new(ErrorCode::TargetNotFoundException, text)
    })
}

fn check_type(given: Option<&TargetType>, id: &str) -> Result<(), OpError> {
    match given {
        Some(TargetType::ContainerInstance) => Ok(()),
        Some(other) => {
            let text = not_one_of("targetType", TargetType::VALUES, Some(other.as_str()));
            Err(OpError::invalid_parameter(text))
        }
        None if id.starts_with("arn:") => Ok(()),
        None => Err(OpError::invalid_parameter(
            "targetType is required when targetId is not a full ARN.",
        )),
    }
}

/// An attribute as answers have it.
pub(super) fn shown(cx: &ReadCx<'_>, instance: &Instance, given: &Attribute) -> Attribute {
    Attribute {
        name: given.name.clone(),
        value: given.value.clone(),
        target_id: Some(cx.settings.instance_arn(&instance.cluster, instance.id)),
        target_type: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{ARN, World, copies};

    const ABSENT: &str = "0123456789abcdef0123456789abcdef";

    fn put(attributes: &str) -> String {
        format!(r#"{{"attributes":[{attributes}]}}"#)
    }

    fn one(name: &str, more: &str, id: impl std::fmt::Display) -> String {
        format!(r#"{{"name":"{name}"{more},"targetType":"container-instance","targetId":"{id}"}}"#)
    }

    #[test]
    fn attributes_are_set_and_replaced_and_survive_a_restart() {
        let mut world = World::new();
        let id = world.state.instances().iter().next().unwrap().id;
        let arn = format!("{ARN}:container-instance/default/{id}");
        let answer = world.ok(
            "PutAttributes",
            &put(&one("stack", r#","value":"test""#, id)),
        );
        assert_eq!(
            answer,
            json!({"attributes": [{"name": "stack", "value": "test", "targetId": arn}]})
        );
        let by_arn = format!(r#"{{"name":"stack","value":"prod","targetId":"{arn}"}}"#);
        let valueless = one("gpu-pool", "", id);
        world.ok("PutAttributes", &put(&format!("{by_arn},{valueless}")));
        world.restart();
        world.register(crate::testing::machine());
        let instance = world.state.instances().get(&id).unwrap();
        assert_eq!(
            instance.attribute("stack").unwrap().value.as_deref(),
            Some("prod")
        );
        assert_eq!(instance.attribute("gpu-pool").unwrap().value, None);
    }

    #[test]
    fn an_instance_has_ten_attributes_of_its_own_at_most() {
        let mut world = World::new();
        let id = world.state.instances().iter().next().unwrap().id;
        let all: Vec<_> = (0..10).map(|i| one(&format!("a{i}"), "", id)).collect();
        world.ok("PutAttributes", &put(&all.join(",")));
        world.ok("PutAttributes", &put(&all[0]));
        world.refused(
            "PutAttributes",
            &put(&one("b", "", id)),
            &format!(
                "AttributeLimitExceededException: Instance {id} would have more than 10 custom \
                 attributes."
            ),
        );
    }

    #[test]
    fn bad_requests_are_refused_as_a_whole() {
        let mut world = World::new();
        let id = world.state.instances().iter().next().unwrap().id;
        let mut check = |attributes: &str, expected: &str| {
            world.refused("PutAttributes", &put(attributes), expected);
        };
        check("", "InvalidParameterException: Attributes cannot be empty.");
        check(
            &copies(&one("a", "", id), 11),
            "InvalidParameterException: attributes can have at most 10 items.",
        );
        check(
            &format!("{},{}", one("a", "", id), one("b", "", ABSENT)),
            &format!(
                "TargetNotFoundException: The target {ARN}:container-instance/default/{ABSENT} \
                 was not found."
            ),
        );
        check(
            r#"{"name":"a","targetType":"container-instance"}"#,
            "InvalidParameterException: targetId can not be blank.",
        );
        check(
            &format!(r#"{{"name":"a","targetId":"{id}"}}"#),
            "InvalidParameterException: targetType is required when targetId is not a full ARN.",
        );
        check(
            &format!(r#"{{"name":"a","targetId":"{id}","targetType":"moon"}}"#),
            "InvalidParameterException: targetType should be one of [container-instance], but \
             was moon.",
        );
        check(
            &one("a b", "", id),
            "InvalidParameterException: An attribute name must have 1 to 128 letters, digits, \
             hyphens, underscores, slashes, backslashes or periods, but was 'a b'.",
        );
        check(
            &one("a", r#","value":" b""#, id),
            "InvalidParameterException: An attribute value must have 1 to 128 letters, digits, \
             hyphens, underscores, periods, at signs, slashes, backslashes, colons or inner \
             blanks, but was ' b'.",
        );
        check(
            &one("ecs.availability-zone", r#","value":"b""#, id),
            "InvalidParameterException: Attribute ecs.availability-zone is set when the instance \
             registers. Names that begin with ecs., com.amazonaws.ecs., longshore. are reserved.",
        );
        assert!(
            world
                .state
                .instances()
                .get(&id)
                .unwrap()
                .attribute("a")
                .is_none()
        );
        world.refused(
            "PutAttributes",
            r#"{"cluster":"nowhere","attributes":[]}"#,
            "ClusterNotFoundException: Cluster not found.",
        );
    }
}

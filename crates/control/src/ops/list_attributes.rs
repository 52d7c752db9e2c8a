//! ListAttributes: pages of the attributes of a cluster's instances, by name and value.
//! Attributes follow the order of the instances' ids, then that of their names.

use model::ContainerInstanceId;
use model::shapes::{Attribute, ListAttributesInput, ListAttributesOutput, TargetType};

use super::put_attributes::shown;
use crate::cx::ReadCx;
use crate::error::{OpError, not_one_of};
use crate::identifier::active_cluster;
use crate::instance_attributes::name_of;
use crate::paging;
use crate::record::Instance;
use crate::record::instance::InstanceStatus;

pub(crate) fn list_attributes(
    cx: &ReadCx<'_>,
    input: ListAttributesInput,
) -> Result<ListAttributesOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    check_target_type(input.target_type.as_ref())?;
    let (name, value) = (input.attribute_name, input.attribute_value);
    if value.is_some() && name.is_none() {
        let text = "attributeValue can be given together with attributeName only.";
        return Err(OpError::invalid_parameter(text));
    }
    let size = paging::page_size(input.max_results)?;
    let after = Place::parse(input.next_token.as_deref())?;
    let first = after.as_ref().map(|place| place.instance);
    let wanted = |attribute: &Attribute| {
        name.as_ref().is_none_or(|_| attribute.name == name)
            && value.as_ref().is_none_or(|_| attribute.value == value)
    };
    let instances = cx.state.instances().range(from(first)).filter(|instance| {
        instance.cluster == cluster.name && instance.status != InstanceStatus::Inactive
    });
    let all = instances.flat_map(|instance| {
        let mut own: Vec<&Attribute> = instance.attributes.iter().filter(|a| wanted(a)).collect();
        own.sort_by(|a, b| a.name.cmp(&b.name));
        own.into_iter()
            .map(move |attribute| (&**instance, attribute))
    });
    let all = all.filter(|(instance, attribute)| {
        after
            .as_ref()
            .is_none_or(|place| place.is_before(instance, attribute))
    });
    let page = paging::page(all, size, |(instance, attribute)| {
        format!("{}/{}", instance.id, name_of(attribute))
    });
    let items = page.items.iter();
    Ok(ListAttributesOutput {
        attributes: Some(
            items
                .map(|(instance, one)| shown(cx, instance, one))
                .collect(),
        ),
        next_token: page.next_token,
    })
}

fn check_target_type(given: Option<&TargetType>) -> Result<(), OpError> {
    if given == Some(&TargetType::ContainerInstance) {
        return Ok(());
    }
    let given = given.map(TargetType::as_str);
    let text = not_one_of("targetType", TargetType::VALUES, given);
    Err(OpError::invalid_parameter(text))
}

/// The last attribute of the page before.
struct Place {
    instance: ContainerInstanceId,
    name: String,
}

impl Place {
    fn parse(token: Option<&str>) -> Result<Option<Self>, OpError> {
        let Some(text) = paging::after(token)? else {
            return Ok(None);
        };
        let (id, name) = text.split_once('/').ok_or_else(paging::bad_token)?;
        Ok(Some(Self {
            instance: id.parse().map_err(|_| paging::bad_token())?,
            name: name.to_owned(),
        }))
    }

    fn is_before(&self, instance: &Instance, attribute: &Attribute) -> bool {
        (self.instance, &*self.name) < (instance.id, name_of(attribute))
    }
}

fn from(
    first: Option<ContainerInstanceId>,
) -> (
    std::ops::Bound<ContainerInstanceId>,
    std::ops::Bound<ContainerInstanceId>,
) {
    use std::ops::Bound::{Included, Unbounded};
    (first.map_or(Unbounded, Included), Unbounded)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::World;

    fn world() -> World {
        let mut world = World::new();
        for value in ["test", "prod", "prod"] {
            let id = world.add_instance("default", 1, 1);
            let body = format!(
                r#"{{"attributes":[{{"name":"stack","value":"{value}",
                    "targetType":"container-instance","targetId":"{id}"}}]}}"#
            );
            world.ok("PutAttributes", &body);
        }
        world
    }

    fn list(world: &mut World, more: &str) -> Vec<Value> {
        let body = format!(r#"{{"targetType":"container-instance"{more}}}"#);
        let answer = world.ok("ListAttributes", &body);
        answer["attributes"].as_array().unwrap().clone()
    }

    #[test]
    fn names_and_values_filter() {
        let mut world = world();
        let mut count = |more: &str| list(&mut world, more).len();
        assert_eq!(count(r#","attributeName":"stack""#), 3);
        assert_eq!(
            count(r#","attributeName":"stack","attributeValue":"prod""#),
            2
        );
        assert_eq!(
            count(r#","attributeName":"stack","attributeValue":"moon""#),
            0
        );
        assert_eq!(count(r#","attributeName":"moon""#), 0);
        assert_eq!(count(r#","attributeName":"ecs.os-type""#), 4);
        let id = world.state.instances().iter().next().unwrap().id;
        world.ok(
            "DeregisterContainerInstance",
            &format!(r#"{{"containerInstance":"{id}"}}"#),
        );
        assert_eq!(
            list(&mut world, r#","attributeName":"ecs.os-type""#).len(),
            3
        );
    }

    /// What pages of this size add up to.
    fn paged(world: &mut World, size: usize) -> Vec<Value> {
        let (mut seen, mut token) = (Vec::new(), Value::Null);
        loop {
            let body = json!({"targetType": "container-instance", "maxResults": size,
                "nextToken": token});
            let answer = world.ok("ListAttributes", &body.to_string());
            let page = answer["attributes"].as_array().unwrap();
            assert!(page.len() <= size);
            seen.extend(page.clone());
            token = answer["nextToken"].clone();
            if token.is_null() {
                return seen;
            }
        }
    }

    #[test]
    fn pages_add_up_to_all_attributes() {
        let mut world = world();
        let all = paged(&mut world, 100);
        let instances = world.state.instances().iter();
        let count: usize = instances.map(|one| one.attributes.len()).sum();
        assert_eq!(all.len(), count);
        for size in [1, 7] {
            assert_eq!(paged(&mut world, size), all, "pages of {size}");
        }
    }

    #[test]
    fn bad_requests_are_refused() {
        let mut world = World::new();
        let mut check =
            |body: &str, expected: &str| world.refused("ListAttributes", body, expected);
        check(
            "{}",
            "InvalidParameterException: targetType should be one of [container-instance].",
        );
        check(
            r#"{"targetType":"moon"}"#,
            "InvalidParameterException: targetType should be one of [container-instance], but \
             was moon.",
        );
        check(
            r#"{"targetType":"container-instance","attributeValue":"x"}"#,
            "InvalidParameterException: attributeValue can be given together with attributeName \
             only.",
        );
        check(
            r#"{"targetType":"container-instance","maxResults":101}"#,
            "InvalidParameterException: maxResults must be between 1 and 100, but was 101.",
        );
        for token in ["zz", "00", "2f"] {
            check(
                &format!(r#"{{"targetType":"container-instance","nextToken":"{token}"}}"#),
                "InvalidParameterException: Invalid token: use the nextToken of the page before.",
            );
        }
    }
}

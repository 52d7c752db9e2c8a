//! Whether a definition says the same as a revision that is registered already. A wrong
//! "no" costs a revision, a wrong "yes" would run another definition: only what is
//! certain is levelled.

use model::shapes::{RegisterTaskDefinitionInput, Tag, TaskDefinition};
use serde_json::{Map, Value};

use super::file::OUTPUT_ONLY;

/// Whether the revision is what registering `wanted` would give. Tags count only if
/// `wanted` has some.
pub(super) fn is_same(
    wanted: &RegisterTaskDefinitionInput,
    revision: &TaskDefinition,
    tags: &[Tag],
) -> bool {
    if let Some(wanted) = &wanted.tags
        && !same_tags(wanted, tags)
    {
        return false;
    }
    match (serde_json::to_value(wanted), serde_json::to_value(revision)) {
        (Ok(wanted), Ok(revision)) => level(wanted) == level(revision),
        _ => false,
    }
}

fn same_tags(a: &[Tag], b: &[Tag]) -> bool {
    let sorted = |tags: &[Tag]| {
        let value = |tag: &Tag| tag.value.clone().unwrap_or_default();
        let mut pairs: Vec<_> = tags
            .iter()
            .map(|tag| (tag.key.clone(), value(tag)))
            .collect();
        pairs.sort();
        pairs
    };
    sorted(a) == sorted(b)
}

/// Takes away what answers add: their own members, defaults, empty lists.
fn level(mut value: Value) -> Value {
    let Some(definition) = value.as_object_mut() else {
        return value;
    };
    for name in OUTPUT_ONLY.iter().chain(&["tags"]) {
        definition.remove(*name);
    }
    level_size(definition, "cpu", "vcpu");
    level_size(definition, "memory", "gb");
    let mode = definition.get("networkMode").cloned();
    let one_port = mode.is_some_and(|mode| mode == "awsvpc" || mode == "host");
    for container in members(definition, "containerDefinitions") {
        drop_default(container, "essential", &Value::Bool(true));
        drop_default(container, "cpu", &0.into());
        for mapping in members(container, "portMappings") {
            drop_default(mapping, "protocol", &"tcp".into());
            let default = match mapping.get("containerPort") {
                Some(port) if one_port => port.clone(),
                _ => 0.into(),
            };
            drop_default(mapping, "hostPort", &default);
        }
        if let Some(check) = container
            .get_mut("healthCheck")
            .and_then(Value::as_object_mut)
        {
            drop_default(check, "interval", &30.into());
            drop_default(check, "timeout", &5.into());
            drop_default(check, "retries", &3.into());
        }
    }
    drop_empty(&mut value);
    value
}

fn members<'a>(
    object: &'a mut Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let list = object.get_mut(name).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn drop_default(object: &mut Map<String, Value>, name: &str, default: &Value) {
    if object.get(name) == Some(default) {
        object.remove(name);
    }
}

/// `1 vCPU` is `1024`.
fn level_size(definition: &mut Map<String, Value>, name: &str, unit: &str) {
    let Some(Value::String(text)) = definition.get_mut(name) else {
        return;
    };
    let lower = text.trim().to_ascii_lowercase();
    let number = lower
        .strip_suffix(unit)
        .map(|number| number.trim_end().parse::<f64>());
    if let Some(Ok(number)) = number {
        *text = (number * 1024.0).to_string();
    }
}

fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(drop_empty);
            members.retain(|_, value| !is_empty(value));
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(wanted: Value, revision: Value, same: bool) {
        let wanted = serde_json::from_value(wanted).unwrap();
        let tags: Vec<Tag> = serde_json::from_value(json!([{"key": "a", "value": "1"}])).unwrap();
        let revision = serde_json::from_value(revision).unwrap();
        assert_eq!(is_same(&wanted, &revision, &tags), same);
    }

    fn described() -> Value {
        json!({
            "family": "f", "revision": 2, "status": "ACTIVE", "taskDefinitionArn": "arn",
            "compatibilities": ["EC2"], "requiresAttributes": [{"name": "x"}],
            "registeredAt": 17, "registeredBy": "me", "cpu": "1024", "memory": "512",
            "volumes": [], "placementConstraints": [],
            "containerDefinitions": [{
                "name": "a", "image": "b", "essential": true, "cpu": 0, "environment": [],
                "mountPoints": [], "volumesFrom": [], "systemControls": [],
                "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
                "healthCheck": {"command": ["true"], "interval": 30, "timeout": 5, "retries": 3}
            }]
        })
    }

    fn written() -> Value {
        json!({
            "family": "f", "cpu": "1 vCPU", "memory": "0.5GB",
            "containerDefinitions": [{
                "name": "a", "image": "b", "portMappings": [{"containerPort": 80}],
                "healthCheck": {"command": ["true"]}
            }]
        })
    }

    fn with(mut value: Value, pointer: &str, member: Value) -> Value {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        value.pointer_mut(parent).unwrap()[name] = member;
        value
    }

    #[test]
    fn defaults_make_no_difference() {
        check(written(), described(), true);
        let tagged = with(written(), "/tags", json!([{"key": "a", "value": "1"}]));
        check(tagged, described(), true);
        let host = with(written(), "/networkMode", json!("host"));
        let port = "/containerDefinitions/0/portMappings/0/hostPort";
        let revision = with(
            with(described(), "/networkMode", json!("host")),
            port,
            json!(80),
        );
        check(host, revision, true);
    }

    #[test]
    fn everything_else_does() {
        for (pointer, member) in [
            ("/containerDefinitions/0/image", json!("c")),
            ("/containerDefinitions/0/essential", json!(false)),
            ("/containerDefinitions/0/command", json!(["x"])),
            ("/containerDefinitions/0/portMappings/0/hostPort", json!(80)),
            ("/memory", json!("1GB")),
            ("/networkMode", json!("host")),
            ("/tags", json!([{"key": "a", "value": "2"}])),
        ] {
            check(with(written(), pointer, member), described(), false);
        }
    }
}

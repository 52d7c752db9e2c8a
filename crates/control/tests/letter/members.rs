//! The members and errors that the ECS model gives an operation, from `smithy/ecs.json`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

/// Members whose rule is that they change nothing in the answer (`run-task.md` §2, §5.1); the key
/// of a volume is looked at when the volume is made, after the answer (§5.5).
pub(crate) const WITHOUT_EFFECT: [&str; 6] = [
    "referenceId",
    "overrides.inferenceAcceleratorOverrides",
    "overrides.inferenceAcceleratorOverrides.deviceName",
    "overrides.inferenceAcceleratorOverrides.deviceType",
    "volumeConfigurations.managedEBSVolume.encrypted",
    "volumeConfigurations.managedEBSVolume.kmsKeyId",
];

/// Members of structures that are refused as a whole until their capability is built.
pub(crate) const OF_WHAT_IS_NOT_BUILT: [&str; 1] =
    ["overrides.containerOverrides.resourceRequirements.sharingStrategy."];

static MODEL: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../smithy/ecs.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

/// Every member of the operation's input, also those inside others, as `member.member`.
pub(crate) fn of(operation: &str) -> BTreeSet<String> {
    inside(MODEL["operations"][operation]["input"].as_str().unwrap())
}

/// The same for a shape.
pub(crate) fn inside(shape: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(shape, "", &mut found);
    found
}

fn collect(shape: &str, path: &str, found: &mut BTreeSet<String>) {
    let shape = &MODEL["shapes"][shape];
    if let Some(item) = shape["holds"].as_str() {
        return collect(item, path, found);
    }
    for (name, member) in shape["members"].as_object().into_iter().flatten() {
        let path = joined(path, name);
        let inside = member.as_str().or(member["shape"].as_str()).unwrap();
        collect(inside, &path, found);
        found.insert(path);
    }
}

pub(crate) fn errors(operation: &str) -> BTreeSet<&'static str> {
    let errors = MODEL["operations"][operation]["errors"].as_array();
    errors.unwrap().iter().filter_map(Value::as_str).collect()
}

fn joined(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// The members that a request has, in the same spelling.
pub(crate) fn given(request: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    look(request, "", &mut found);
    found
}

fn look(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    for item in value.as_array().into_iter().flatten() {
        look(item, path, found);
    }
    for (name, item) in value.as_object().into_iter().flatten() {
        let path = joined(path, name);
        look(item, &path, found);
        found.insert(path);
    }
}

/// The request without this member, in every item of a list.
pub(crate) fn without(request: &Value, path: &str) -> Value {
    let mut request = request.clone();
    remove(&mut request, path);
    request
}

fn remove(value: &mut Value, path: &str) {
    if let Value::Array(items) = value {
        items.iter_mut().for_each(|item| remove(item, path));
        return;
    }
    let Some(members) = value.as_object_mut() else {
        return;
    };
    match path.split_once('.') {
        None => drop(members.remove(path)),
        Some((name, rest)) => members
            .get_mut(name)
            .into_iter()
            .for_each(|inner| remove(inner, rest)),
    }
}

#[test]
fn the_model_is_read_to_its_leaves() {
    let members = of("RunTask");
    let top = members.iter().filter(|path| !path.contains('.')).count();
    assert_eq!(top, 19);
    let leaf = "volumeConfigurations.managedEBSVolume.tagSpecifications.tags.key";
    assert!(members.contains(leaf), "{members:#?}");
    assert!(errors("RunTask").contains("ConflictException"));
}

#[test]
fn a_member_is_taken_out_wherever_it_stands() {
    let request = serde_json::json!({"a": [{"b": 1, "c": 2}, {"b": 3}], "d": {"b": 4}});
    let expected: BTreeSet<String> = ["a", "a.b", "a.c", "d", "d.b"].map(str::to_owned).into();
    assert_eq!(given(&request), expected);
    let left = serde_json::json!({"a": [{"c": 2}, {}], "d": {"b": 4}});
    assert_eq!(without(&request, "a.b"), left);
}

//! Required members are checked before anything is sent: presence only. How much a member
//! may hold and what excludes what is in `limits`.

use serde_json::Value;

use crate::required::REQUIRED;

/// Paths of the required members that the input of an operation lacks, with the
/// places in lists: `volumeConfigurations[0].name`.
pub(crate) fn missing(operation: &str, input: &Value) -> Vec<String> {
    let Ok(row) = REQUIRED.binary_search_by(|(name, _)| (*name).cmp(operation)) else {
        return Vec::new();
    };
    let mut missing = Vec::new();
    for path in REQUIRED[row].1 {
        visit(input, path, &mut |place, member| {
            if member.is_none() {
                missing.push(place.to_owned());
            }
        });
    }
    missing
}

/// Shows every member at a path such as `a.b` or `a[].b` together with its place; `None`
/// stands for one that is absent or null. What lies below something absent is not shown.
pub(crate) fn visit(value: &Value, path: &str, show: &mut dyn FnMut(&str, Option<&Value>)) {
    walk(value, path, "", show);
}

fn walk(value: &Value, path: &str, walked: &str, show: &mut dyn FnMut(&str, Option<&Value>)) {
    let (step, rest) = match path.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (path, None),
    };
    let name = step.trim_end_matches("[]");
    let place = if walked.is_empty() {
        name.to_owned()
    } else {
        format!("{walked}.{name}")
    };
    let member = value.get(name).filter(|member| !member.is_null());
    match (member, rest) {
        (_, None) => show(&place, member),
        (None, Some(_)) => {}
        (Some(member), Some(rest)) => {
            let depth = step.matches("[]").count();
            for (at, element) in elements(member, depth) {
                walk(element, rest, &format!("{place}{at}"), show);
            }
        }
    }
}

/// The structures inside `depth` nested lists, each with its place.
fn elements(value: &Value, depth: usize) -> Vec<(String, &Value)> {
    if depth == 0 {
        return vec![(String::new(), value)];
    }
    let mut found = Vec::new();
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        for (at, inner) in elements(element, depth - 1) {
            found.push((format!("[{index}]{at}"), inner));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(operation: &str, input: Value, expected: &[&str]) {
        assert_eq!(missing(operation, &input), expected);
    }

    #[test]
    fn what_is_required_is_missed_with_its_place() {
        check("RunTask", json!({}), &["taskDefinition"]);
        check(
            "RunTask",
            json!({"taskDefinition": null}),
            &["taskDefinition"],
        );
        check("RunTask", json!({"taskDefinition": ""}), &[]);
        check(
            "RunTask",
            json!({
                "taskDefinition": "a",
                "networkConfiguration": {"awsvpcConfiguration": {}},
                "volumeConfigurations": [{"name": "v"}, {"managedEBSVolume": {}}],
            }),
            &[
                "networkConfiguration.awsvpcConfiguration.subnets",
                "volumeConfigurations[1].managedEBSVolume.roleArn",
                "volumeConfigurations[1].name",
            ],
        );
        check("ListTasks", json!({}), &[]);
        check("NoSuchOperation", json!({}), &[]);
    }

    /// The table in `required` against the facts of the model.
    #[test]
    fn the_table_follows_the_model() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../smithy/ecs.json");
        let facts: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut derived = Vec::new();
        for (name, operation) in facts["operations"].as_object().unwrap() {
            let mut paths = BTreeSet::new();
            let input = operation["input"].as_str().unwrap();
            collect(&facts["shapes"], input, "", &mut Vec::new(), &mut paths);
            if !paths.is_empty() {
                derived.push((name.clone(), paths.into_iter().collect::<Vec<_>>()));
            }
        }
        let table: Vec<_> = REQUIRED
            .iter()
            .map(|(name, paths)| {
                (
                    name.to_string(),
                    paths.iter().map(ToString::to_string).collect::<Vec<_>>(),
                )
            })
            .collect();
        for row in &derived {
            assert!(table.contains(row), "`required` must say: {row:?}");
        }
        assert_eq!(
            table, derived,
            "`required` has rows that the model does not have"
        );
    }

    fn collect(
        shapes: &Value,
        shape: &str,
        walked: &str,
        inside: &mut Vec<String>,
        paths: &mut BTreeSet<String>,
    ) {
        let facts = &shapes[shape];
        if facts["type"] == "list" {
            let holds = facts["holds"].as_str().unwrap();
            return collect(shapes, holds, &format!("{walked}[]"), inside, paths);
        }
        if facts["type"] != "structure" || inside.iter().any(|outer| outer == shape) {
            return;
        }
        let join = |name: &str| match walked {
            "" => name.to_owned(),
            _ => format!("{walked}.{name}"),
        };
        for required in facts["required"].as_array().into_iter().flatten() {
            paths.insert(join(required.as_str().unwrap()));
        }
        inside.push(shape.to_owned());
        for (name, member) in facts["members"].as_object().into_iter().flatten() {
            collect(shapes, member.as_str().unwrap(), &join(name), inside, paths);
        }
        inside.pop();
    }
}

//! Limits and exclusions of `RunTask`, and of the tags of every operation, checked before
//! anything is sent. In doubt a value passes: the service has the last word.
//!
//! Source: the RunTask and Tag references of ECS and the model of ECS (2026-08). That a
//! client token has at least one character is left to the service: an empty one is given.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::validate::visit;

/// How much a member may hold.
#[derive(Debug, Clone, Copy)]
enum Limit {
    /// Unicode characters of a string.
    Characters(usize, usize),
    /// Elements of a list.
    Items(usize, usize),
    /// A number.
    Number(i64, i64),
    /// UTF-16 code units of the member as compact JSON, as Java counts.
    Json(usize),
}

use Limit::{Characters, Items, Json, Number};

#[rustfmt::skip]
const RUN_TASK: &[(&str, Limit)] = &[
    ("capacityProviderStrategy", Items(0, 20)),
    ("capacityProviderStrategy[].base", Number(0, 100_000)),
    ("capacityProviderStrategy[].weight", Number(0, 1000)),
    ("clientToken", Characters(0, 64)),
    ("count", Number(1, 10)),
    ("group", Characters(0, 255)),
    ("networkConfiguration.awsvpcConfiguration.securityGroups", Items(0, 5)),
    ("networkConfiguration.awsvpcConfiguration.subnets", Items(1, 16)),
    ("overrides", Json(8192)),
    ("placementConstraints", Items(0, 10)),
    ("placementConstraints[].expression", Characters(0, 2000)),
    ("placementStrategy", Items(0, 5)),
    ("startedBy", Characters(0, 128)),
    ("volumeConfigurations", Items(0, 1)),
];

/// Of every operation that has tags.
const TAGS: &[(&str, Limit)] = &[
    ("tags", Items(0, 50)),
    ("tags[].key", Characters(1, 128)),
    ("tags[].value", Characters(0, 256)),
];

impl Limit {
    /// What is wrong with a value, in words; types are left to the service.
    fn problem(self, value: &Value) -> Option<String> {
        let (has, least, most, unit) = match self {
            Characters(least, most) => (value.as_str()?.chars().count(), least, most, "characters"),
            Items(least, most) => (value.as_array()?.len(), least, most, "items"),
            Json(most) => {
                let units = value.to_string().encode_utf16().count();
                (units, 0, most, "characters of JSON")
            }
            Number(least, most) => {
                let number = value.as_i64()?;
                let is_fine = (least..=most).contains(&number);
                return (!is_fine).then(|| format!("{number} is not between {least} and {most}"));
            }
        };
        if has > most {
            Some(format!("{has} {unit}, at most {most} are allowed"))
        } else if has < least {
            Some(format!("{has} {unit}, at least {least} needed"))
        } else {
            None
        }
    }
}

/// What the input of an operation breaks, a sentence each, with the place in front.
pub(crate) fn broken(operation: &str, input: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    check(TAGS, input, &mut problems);
    tags(input, &mut problems);
    if operation == "RunTask" {
        check(RUN_TASK, input, &mut problems);
        letters(input, &mut problems);
        exclusions(input, &mut problems);
        placement(input, &mut problems);
    }
    problems
}

fn check(table: &[(&str, Limit)], input: &Value, problems: &mut Vec<String>) {
    for (path, limit) in table {
        visit(input, path, &mut |place, value| {
            let problem = value.and_then(|value| limit.problem(value));
            problems.extend(problem.map(|problem| format!("{place}: {problem}")));
        });
    }
}

fn letters(input: &Value, problems: &mut Vec<String>) {
    let text = |member: &str| {
        input
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if !text("clientToken")
        .bytes()
        .all(|byte| byte.is_ascii_graphic())
    {
        problems.push("clientToken: only the visible characters of ASCII are allowed".to_owned());
    }
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-/_".contains(c);
    if !text("startedBy").chars().all(is_fine) {
        problems.push("startedBy: only letters, digits, `-`, `/` and `_` are allowed".to_owned());
    }
}

fn exclusions(input: &Value, problems: &mut Vec<String>) {
    let is_given = |member: &str| input.get(member).is_some_and(|value| !value.is_null());
    if is_given("launchType") && is_given("capacityProviderStrategy") {
        problems.push("launchType and capacityProviderStrategy exclude each other".to_owned());
    }
    if input.get("propagateTags").and_then(Value::as_str) == Some("SERVICE") {
        problems.push("propagateTags: SERVICE is for tasks of a service".to_owned());
    }
}

fn placement(input: &Value, problems: &mut Vec<String>) {
    visit(input, "placementConstraints[].type", &mut |place, kind| {
        let expression = sibling(input, place, "expression");
        match (kind.and_then(Value::as_str), expression) {
            (Some("distinctInstance"), Some(_)) => {
                problems.push(format!("{place}: distinctInstance takes no expression"));
            }
            (Some("memberOf"), None) => {
                problems.push(format!("{place}: memberOf needs an expression"));
            }
            _ => {}
        }
    });
    visit(input, "placementStrategy[].type", &mut |place, kind| {
        let field = sibling(input, place, "field").and_then(Value::as_str);
        match (kind.and_then(Value::as_str), field) {
            (Some("random"), Some(_)) => problems.push(format!("{place}: random takes no field")),
            (Some("binpack"), Some(field)) if !is_resource(field) => {
                problems.push(format!(
                    "{place}: binpack goes by cpu or memory, not by {field}"
                ));
            }
            _ => {}
        }
    });
}

/// Letter case does not count.
fn is_resource(field: &str) -> bool {
    ["cpu", "memory"]
        .iter()
        .any(|name| field.eq_ignore_ascii_case(name))
}

/// The member beside the one at a place such as `placementStrategy[0].type`.
fn sibling<'a>(input: &'a Value, place: &str, name: &str) -> Option<&'a Value> {
    let (list, rest) = place.split_once('[')?;
    let index: usize = rest.split(']').next()?.parse().ok()?;
    let value = input.get(list)?.get(index)?.get(name)?;
    (!value.is_null()).then_some(value)
}

fn tags(input: &Value, problems: &mut Vec<String>) {
    let mut keys = BTreeSet::new();
    visit(input, "tags[].key", &mut |place, key| {
        let key = key.and_then(Value::as_str).unwrap_or_default();
        problems.extend(tag_text(place, key));
        if !keys.insert(key.to_owned()) {
            problems.push(format!("{place}: `{key}` stands there twice"));
        }
    });
    visit(input, "tags[].value", &mut |place, value| {
        let value = value.and_then(Value::as_str).unwrap_or_default();
        problems.extend(tag_text(place, value));
    });
}

fn tag_text(place: &str, text: &str) -> Option<String> {
    let is_reserved = text
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("aws:"));
    if is_reserved {
        return Some(format!("{place}: `aws:` is reserved"));
    }
    let wrong = text.chars().find(|&c| !may_stand_in_a_tag(c))?;
    Some(format!("{place}: {wrong:?} is not allowed"))
}

/// The model says `\p{L}\p{Z}\p{N}_.:/=+\-@`; a few marks that belong to letters pass too.
fn may_stand_in_a_tag(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An input that breaks the rule of one member, and what is said of it; empty: nothing.
    #[track_caller]
    fn check(member: &str, value: Value, problem: &str) {
        let mut input = json!({"taskDefinition": "a"});
        input[member] = value;
        let problems = broken("RunTask", &input);
        let expected: Vec<&str> = Some(problem)
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect();
        assert_eq!(problems, expected, "{input}");
    }

    fn long(length: usize) -> String {
        "x".repeat(length)
    }

    fn many(length: usize, item: Value) -> Value {
        Value::Array(vec![item; length])
    }

    #[test]
    fn tokens_are_short_and_visible() {
        check("clientToken", json!(long(64)), "");
        check("clientToken", json!("!~"), "");
        check("clientToken", json!(""), "");
        let too_long = "clientToken: 65 characters, at most 64 are allowed";
        check("clientToken", json!(long(65)), too_long);
        let invisible = "clientToken: only the visible characters of ASCII are allowed";
        for token in ["a b", "\u{7f}", "ü", "\t"] {
            check("clientToken", json!(token), invisible);
        }
    }

    #[test]
    fn at_most_ten_tasks_start_at_once() {
        check("count", json!(10), "");
        check("count", json!(11), "count: 11 is not between 1 and 10");
        check("count", json!(0), "count: 0 is not between 1 and 10");
    }

    #[test]
    fn overrides_are_measured_as_compact_json() {
        let of = |length: usize| json!({"cpu": long(length - r#"{"cpu":""}"#.len())});
        check("overrides", of(8192), "");
        let problem = "overrides: 8193 characters of JSON, at most 8192 are allowed";
        check("overrides", of(8193), problem);
    }

    #[test]
    fn placement_has_its_limits() {
        let distinct = json!({"type": "distinctInstance"});
        check("placementConstraints", many(10, distinct.clone()), "");
        let problem = "placementConstraints: 11 items, at most 10 are allowed";
        check("placementConstraints", many(11, distinct), problem);
        check("placementStrategy", many(5, json!({"type": "random"})), "");
        let problem = "placementStrategy: 6 items, at most 5 are allowed";
        check(
            "placementStrategy",
            many(6, json!({"type": "random"})),
            problem,
        );
        let problem = "placementStrategy[0].type: binpack goes by cpu or memory, not by disk";
        check(
            "placementStrategy",
            json!([{"type": "binpack", "field": "disk"}]),
            problem,
        );
        check(
            "placementStrategy",
            json!([{"type": "binpack", "field": "MEMORY"}]),
            "",
        );
        let problem = "placementConstraints[0].type: memberOf needs an expression";
        check(
            "placementConstraints",
            json!([{"type": "memberOf"}]),
            problem,
        );
        let problem = "placementConstraints[0].type: distinctInstance takes no expression";
        let constraint = json!([{"type": "distinctInstance", "expression": ""}]);
        check("placementConstraints", constraint, problem);
    }

    #[test]
    fn tags_of_a_service_and_two_ways_to_run_are_refused() {
        let problem = "propagateTags: SERVICE is for tasks of a service";
        check("propagateTags", json!("SERVICE"), problem);
        check("propagateTags", json!("TASK_DEFINITION"), "");
        let both = json!({"launchType": "EC2", "capacityProviderStrategy": []});
        let problem = "launchType and capacityProviderStrategy exclude each other";
        assert_eq!(broken("RunTask", &both), [problem]);
    }

    #[test]
    fn started_by_is_short_and_plain() {
        check("startedBy", json!(long(128)), "");
        check("startedBy", json!("aZ0-/_"), "");
        let problem = "startedBy: 129 characters, at most 128 are allowed";
        check("startedBy", json!(long(129)), problem);
        let problem = "startedBy: only letters, digits, `-`, `/` and `_` are allowed";
        check("startedBy", json!("a b"), problem);
        check("startedBy", json!("ü"), problem);
    }

    #[track_caller]
    fn check_tag(key: &str, value: &str, problem: &str) {
        check("tags", json!([{"key": key, "value": value}]), problem);
    }

    #[test]
    fn tags_are_fifty_at_most_and_differ() {
        let numbered = |count: usize| (0..count).map(|n| json!({"key": n.to_string()})).collect();
        check("tags", numbered(50), "");
        check(
            "tags",
            numbered(51),
            "tags: 51 items, at most 50 are allowed",
        );
        let twice = many(2, json!({"key": "a"}));
        check("tags", twice, "tags[1].key: `a` stands there twice");
    }

    #[test]
    fn tags_count_characters_and_know_every_script() {
        check_tag(&"ü".repeat(128), &"語".repeat(256), "");
        check_tag("Größe 語 ٣", "a+b-c=d._:/@ ", "");
        let problem = "tags[0].key: 129 characters, at most 128 are allowed";
        check_tag(&long(129), "", problem);
        check_tag("", "", "tags[0].key: 0 characters, at least 1 needed");
        let problem = "tags[0].value: 257 characters, at most 256 are allowed";
        check_tag("k", &long(257), problem);
    }

    #[test]
    fn other_signs_and_reserved_words_are_refused() {
        check_tag("a*", "", "tags[0].key: '*' is not allowed");
        check_tag("a", "b\n", "tags[0].value: '\\n' is not allowed");
        check_tag("AWS:x", "", "tags[0].key: `aws:` is reserved");
        check_tag("a", "aws:x", "tags[0].value: `aws:` is reserved");
        check_tag("awsx", "aws", "");
    }

    #[test]
    fn tags_of_other_operations_are_checked_too() {
        let input = json!({"tags": [{"key": "aws:a"}]});
        assert_eq!(
            broken("CreateCluster", &input),
            ["tags[0].key: `aws:` is reserved"]
        );
        let input = json!({"count": 11});
        assert!(broken("ListTasks", &input).is_empty());
    }

    #[test]
    fn networks_and_providers_have_their_limits() {
        let network = |subnets: usize, groups: usize| {
            json!({"awsvpcConfiguration": {
                "subnets": many(subnets, json!("s")),
                "securityGroups": many(groups, json!("g")),
            }})
        };
        check("networkConfiguration", network(16, 5), "");
        let place = "networkConfiguration.awsvpcConfiguration";
        let problem = format!("{place}.subnets: 0 items, at least 1 needed");
        check("networkConfiguration", network(0, 0), &problem);
        let problem = format!("{place}.subnets: 17 items, at most 16 are allowed");
        check("networkConfiguration", network(17, 0), &problem);
        let problem = format!("{place}.securityGroups: 6 items, at most 5 are allowed");
        check("networkConfiguration", network(1, 6), &problem);
        let provider = json!({"capacityProvider": "p", "weight": 1001});
        let problem = "capacityProviderStrategy[0].weight: 1001 is not between 0 and 1000";
        check("capacityProviderStrategy", json!([provider]), problem);
        let problem = "capacityProviderStrategy: 21 items, at most 20 are allowed";
        check("capacityProviderStrategy", many(21, json!({})), problem);
        let problem = "volumeConfigurations: 2 items, at most 1 are allowed";
        check("volumeConfigurations", many(2, json!({})), problem);
        check(
            "group",
            json!(long(256)),
            "group: 256 characters, at most 255 are allowed",
        );
    }
}

//! DescribeTasks: up to 100 tasks by id or ARN; missing ones are `failures`, not errors.
//! A task that is named twice is described once.

use std::collections::BTreeSet;

use model::shapes::{DescribeTasksInput, DescribeTasksOutput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{active_cluster, task_id};
use crate::limits::DESCRIBE_MAX;
use crate::view;

pub(crate) fn describe_tasks(
    cx: &ReadCx<'_>,
    input: DescribeTasksInput,
) -> Result<DescribeTasksOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    let asked = input.tasks.unwrap_or_default();
    if asked.is_empty() {
        return Err(OpError::invalid_parameter("Tasks cannot be empty."));
    }
    if asked.len() > DESCRIBE_MAX {
        let text = format!("taskIds can have at most {DESCRIBE_MAX} items.");
        return Err(OpError::invalid_parameter(text));
    }
    let tags = view::tags_included(input.include.as_deref(), &["TAGS"])?;
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for text in &asked {
        let id = task_id(cx.settings, &cluster.name, text)?;
        if !seen.insert(id) {
            continue;
        }
        match cx.state.task_in(&cluster.name, id) {
            Some(task) => tasks.push(view::task::task(cx, task, tags)),
            None => failures.push(view::missing(missing_arn(cx, &cluster.name, text, id))),
        }
    }
    Ok(DescribeTasksOutput {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}

/// The ARN the caller gave, or the one a bare id stands for.
fn missing_arn(cx: &ReadCx<'_>, cluster: &str, text: &str, id: model::TaskId) -> String {
    if text.starts_with("arn:") {
        text.to_owned()
    } else {
        cx.settings.task_arn(cluster, id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{ARN, World, app, copies};

    const ABSENT: &str = "0123456789abcdef0123456789abcdef";

    fn describe(tasks: &[&str], more: &str) -> String {
        format!(r#"{{"tasks":{tasks:?}{more}}}"#)
    }

    #[test]
    fn what_is_not_there_is_missing_by_the_arn_it_was_asked_for() {
        let mut world = World::with_app();
        let short = format!("{ARN}:task/01234567-89ab-cdef-0123-456789abcdef");
        let check = |world: &mut World, named: &str, arn: &str| {
            let answer = world.ok("DescribeTasks", &describe(&[named], ""));
            let expected = json!({"tasks": [], "failures": [{"arn": arn, "reason": "MISSING"}]});
            assert_eq!(answer, expected);
        };
        check(&mut world, ABSENT, &format!("{ARN}:task/default/{ABSENT}"));
        check(&mut world, &short, &short);
    }

    #[test]
    fn a_task_of_another_cluster_is_missing_by_id_and_refused_by_long_arn() {
        let mut world = World::with_app();
        world.ok("CreateCluster", r#"{"clusterName":"other"}"#);
        let id = world.run(&app(""))[0].to_string();
        let body = describe(&[&id], r#","cluster":"other""#);
        assert_eq!(
            world.at("DescribeTasks", &body, "/failures/0/reason"),
            json!("MISSING")
        );
        let arn = format!("{ARN}:task/default/{id}");
        world.refused(
            "DescribeTasks",
            &describe(&[&arn], r#","cluster":"other""#),
            "InvalidParameterException: Invalid identifier: Identifier is for cluster default. \
             Your cluster is other",
        );
    }

    #[test]
    fn one_that_is_named_twice_is_described_once() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0].to_string();
        let arn = format!("{ARN}:task/default/{id}");
        let answer = world.ok("DescribeTasks", &describe(&[&id, &arn, ABSENT, ABSENT], ""));
        assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
        assert_eq!(answer["failures"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn tags_are_shown_on_request() {
        let mut world = World::with_app();
        let id = world.run(&app(r#","tags":[{"key":"a","value":"b"}]"#))[0].to_string();
        let mut check = |more: &str, expected: serde_json::Value| {
            let body = describe(&[&id], more);
            assert_eq!(world.at("DescribeTasks", &body, "/tasks/0/tags"), expected);
        };
        check("", json!([]));
        check(
            r#","include":["TAGS"]"#,
            json!([{"key": "a", "value": "b"}]),
        );
        world.refused(
            "DescribeTasks",
            &describe(&[ABSENT], r#","include":["MOON"]"#),
            "InvalidParameterException: include should be one of [TAGS]",
        );
    }

    #[test]
    fn one_to_a_hundred_tasks() {
        let mut world = World::with_app();
        let mut check = |count: usize, expected: &str| {
            let tasks = copies(&format!("\"{ABSENT}\""), count);
            let answer = world.call("DescribeTasks", &format!(r#"{{"tasks":[{tasks}]}}"#));
            assert!(answer.starts_with(expected), "{answer}");
        };
        check(0, "InvalidParameterException: Tasks cannot be empty.");
        check(100, "{");
        check(
            101,
            "InvalidParameterException: taskIds can have at most 100 items.",
        );
        world.refused(
            "DescribeTasks",
            r#"{"tasks":["abc"]}"#,
            "InvalidParameterException: taskId length should be one of [32,36]",
        );
    }

    #[test]
    fn a_stopped_task_is_described_for_an_hour() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        world.exit(id, 0);
        let body = describe(&[&id.to_string()], "");
        world.pass_seconds(3599);
        world.sweep();
        assert_eq!(
            world.at("DescribeTasks", &body, "/tasks/0/lastStatus"),
            json!("STOPPED")
        );
        world.pass_seconds(1);
        world.sweep();
        assert_eq!(
            world.at("DescribeTasks", &body, "/failures/0/reason"),
            json!("MISSING")
        );
    }
}

//! StopTask: wishes a task to stop and answers at once (`task-lifecycle.md` §3.1).
//!
//! What surprises: the answer still shows the old `lastStatus`; stopping a task that is
//! already stopping or stopped succeeds and changes nothing.

use model::shapes::{StopTaskInput, StopTaskOutput};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{active_cluster, known_task, task_id};
use crate::limits::STOP_REASON_CHARS_MAX;
use crate::record::task::{Stop, StopCode};
use crate::view::task::Tags;
use crate::{stopping, view};

pub(crate) fn stop_task(cx: &mut Cx<'_>, input: StopTaskInput) -> Result<StopTaskOutput, OpError> {
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let text = input.task.as_deref().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| OpError::invalid_parameter("Task can not be blank."))?;
    let id = task_id(cx.settings, &cluster.name, text)?;
    let cause = user_initiated(input.reason)?;
    let task = known_task(cx.state, &cluster.name, id)?;
    let task = stopping::wish(cx, task, cause);
    Ok(StopTaskOutput {
        task: Some(view::task::task(&cx.reading(), &task, Tags::Shown)),
    })
}

fn user_initiated(reason: Option<String>) -> Result<Stop, OpError> {
    let reason = reason.filter(|reason| !reason.is_empty());
    let reason = reason.unwrap_or_else(|| "Task stopped by user".to_owned());
    if reason.chars().count() > STOP_REASON_CHARS_MAX {
        let text = format!("reason longer than {STOP_REASON_CHARS_MAX}.");
        return Err(OpError::invalid_parameter(text));
    }
    Ok(Stop {
        code: StopCode::UserInitiated,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::json;

    use crate::testing::{ARN, World, app};

    fn stop(task: impl std::fmt::Display, more: &str) -> String {
        format!(r#"{{"task":"{task}"{more}}}"#)
    }

    #[test]
    fn the_answer_shows_the_old_status_and_the_new_wish() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        world.tell(id, HostStatus::Running);
        world.pass_seconds(1);
        let task = world.at("StopTask", &stop(id, r#","reason":"enough""#), "/task");
        assert_eq!(task["lastStatus"], json!("RUNNING"));
        assert_eq!(task["desiredStatus"], json!("STOPPED"));
        assert_eq!(task["stopCode"], json!("UserInitiated"));
        assert_eq!(task["stoppedReason"], json!("enough"));
        assert_eq!(task["stoppingAt"], json!(1_767_600_001));
        assert_eq!(task["stoppedAt"], json!(null));
        assert_eq!(task["version"], json!(3));
    }

    #[test]
    fn stopping_again_changes_nothing_and_keeps_the_first_cause() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        let first = world.ok("StopTask", &stop(id, ""));
        assert_eq!(
            first["task"]["stoppedReason"],
            json!("Task stopped by user")
        );
        world.pass_seconds(1);
        assert_eq!(
            world.ok("StopTask", &stop(id, r#","reason":"second""#)),
            first
        );
        world.exit(id, 137);
        let last = world.ok("StopTask", &stop(id, ""));
        assert_eq!(last["task"]["lastStatus"], json!("STOPPED"));
        assert_eq!(last["task"]["stopCode"], json!("UserInitiated"));
        assert_eq!(last["task"]["containers"][0]["exitCode"], json!(137));
    }

    #[test]
    fn a_task_that_ended_by_itself_keeps_its_cause() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        world.exit(id, 3);
        let task = world.at("StopTask", &stop(id, r#","reason":"late""#), "/task");
        assert_eq!(task["stopCode"], json!("EssentialContainerExited"));
        assert_eq!(
            task["stoppedReason"],
            json!("Essential container in task exited")
        );
    }

    #[test]
    fn a_task_is_named_by_either_id_or_either_arn() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        let hex = id.to_string();
        let dashes = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ]
        .join("-");
        for named in [
            hex.clone(),
            dashes.clone(),
            format!("{ARN}:task/{dashes}"),
            format!("{ARN}:task/default/{hex}"),
        ] {
            let arn = world.at("StopTask", &stop(named, ""), "/task/taskArn");
            assert_eq!(arn, json!(format!("{ARN}:task/default/{hex}")));
        }
    }

    #[test]
    fn what_is_no_task_of_the_cluster_is_refused() {
        let mut world = World::with_app();
        world.ok("CreateCluster", r#"{"clusterName":"other"}"#);
        let id = world.run(&app(""))[0];
        let absent = "0123456789abcdef0123456789abcdef";
        let mut check = |task: &str, more: &str, expected: &str| {
            let expected = format!("InvalidParameterException: {expected}");
            world.refused("StopTask", &stop(task, more), &expected);
        };
        check("", "", "Task can not be blank.");
        check(absent, "", "The referenced task was not found.");
        check(
            &id.to_string(),
            r#","cluster":"other""#,
            "The referenced task was not found.",
        );
        check("abc", "", "taskId length should be one of [32,36]");
        check(
            &format!("{ARN}:task/default/{id}"),
            r#","cluster":"other""#,
            "Invalid identifier: Identifier is for cluster default. Your cluster is other",
        );
        check(
            &format!("{ARN}:cluster/default"),
            "",
            "Unsupported resource type: cluster",
        );
        check(
            &format!("arn:aws:ecs:us-east-1:111111111111:task/default/{id}"),
            "",
            "AccountIDs mismatch",
        );
        check(
            "default/abc",
            "",
            "Invalid identifier: Unexpected number of separators",
        );
        check(
            &"z".repeat(32),
            "",
            &format!(
                "Invalid identifier: {} has characters other than hexadecimal digits",
                "z".repeat(32)
            ),
        );
    }

    #[test]
    fn a_reason_has_at_most_255_characters() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        let reason = |count| format!(r#","reason":"{}""#, "é".repeat(count));
        world.refused(
            "StopTask",
            &stop(id, &reason(256)),
            "InvalidParameterException: reason longer than 255.",
        );
        world.ok("StopTask", &stop(id, &reason(255)));
    }
}

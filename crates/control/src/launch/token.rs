//! The memory of `clientToken` (`run-task.md` §4).

use std::sync::Arc;

use model::TaskId;
use model::errors::ErrorCode;
use model::shapes::RunTaskInput;
use sha2::{Digest, Sha256};

use crate::cx::Cx;
use crate::error::OpError;
use crate::limits::{CLIENT_TOKEN_BYTES, CLIENT_TOKEN_CHARS_MAX};
use crate::record::token::TokenKey;
use crate::record::{Task, Token};
use crate::retention::token_is_expired;

/// What a call with a token is: new, or a repetition of one that has started tasks.
pub(crate) enum Recall {
    /// No token was given.
    Untracked,
    New {
        key: TokenKey,
        fingerprint: [u8; 32],
    },
    Repetition(Vec<Arc<Task>>),
}

/// Takes the token out of the request, and settles its cluster, so that what is left can be
/// compared.
pub(crate) fn recall(
    cx: &Cx<'_>,
    input: &mut RunTaskInput,
    cluster: &str,
) -> Result<Recall, OpError> {
    input.cluster = Some(cx.settings.cluster_arn(cluster));
    let Some(token) = input.client_token.take() else {
        return Ok(Recall::Untracked);
    };
    check(&token)?;
    let fingerprint = fingerprint(input)?;
    let key = TokenKey {
        cluster: cluster.into(),
        token: token.into(),
    };
    let known = cx.state.tokens().get(&key);
    match known.filter(|known| !token_is_expired(cx.state, known, cx.now)) {
        None => Ok(Recall::New { key, fingerprint }),
        Some(known) if known.fingerprint == fingerprint => {
            let tasks = known.tasks.iter();
            let tasks = tasks.filter_map(|id| cx.state.tasks().get(id).cloned());
            Ok(Recall::Repetition(tasks.collect()))
        }
        Some(known) => Err(conflict(cx, known)),
    }
}

fn check(token: &str) -> Result<(), OpError> {
    if token.is_empty() {
        return Err(OpError::invalid_parameter("clientToken can not be blank."));
    }
    if token.chars().count() > CLIENT_TOKEN_CHARS_MAX {
        let text = format!("clientToken longer than {CLIENT_TOKEN_CHARS_MAX}.");
        return Err(OpError::invalid_parameter(text));
    }
    if !token.bytes().all(|byte| CLIENT_TOKEN_BYTES.contains(&byte)) {
        let text = "clientToken may hold the ASCII characters 33 to 126 only.";
        return Err(OpError::invalid_parameter(text));
    }
    Ok(())
}

/// Of all members but the token; the definition as the caller wrote it, because a revision
/// registered in between must not break a retry.
fn fingerprint(compared: &RunTaskInput) -> Result<[u8; 32], OpError> {
    let json = serde_json::to_vec(compared)
        .map_err(|cause| OpError::internal(format!("request as JSON: {cause}")))?;
    Ok(Sha256::digest(&json).into())
}

fn conflict(cx: &Cx<'_>, known: &Token) -> OpError {
    let arn = |id: &TaskId| cx.settings.task_arn(&known.id.cluster, *id);
    OpError {
        resource_ids: Some(known.tasks.iter().map(arn).collect()),
        ..OpError::new(
            ErrorCode::ConflictException,
            "clientToken is already in use by another request.",
        )
    }
}

/// Binds the token to the tasks that started; a call that started none leaves it free.
pub(crate) fn remember(cx: &mut Cx<'_>, recall: Recall, tasks: &[Arc<Task>]) {
    let Recall::New { key, fingerprint } = recall else {
        return;
    };
    if !tasks.is_empty() {
        let tasks = tasks.iter().map(|task| task.id).collect();
        cx.state.put_token(Token {
            id: key,
            fingerprint,
            tasks,
            created_at: cx.now,
        });
    }
}

#[cfg(test)]
mod tests {
    use model::TaskId;
    use model::payload::HostStatus;

    use crate::testing::{World, app, web};

    const HOUR: i64 = 3600;

    fn with(token: &str, more: &str) -> String {
        app(&format!(r#","clientToken":"{token}"{more}"#))
    }

    #[track_caller]
    fn check_repeats(world: &mut World, body: &str, tasks: &[TaskId]) {
        let before = world.state.tasks().len();
        assert_eq!(world.run(body), tasks);
        assert_eq!(world.state.tasks().len(), before);
    }

    fn conflict(tasks: &[TaskId]) -> String {
        let arns: Vec<String> = tasks
            .iter()
            .map(|id| format!("arn:aws:ecs:us-east-1:000000000000:task/default/{id}"))
            .collect();
        format!("ConflictException: clientToken is already in use by another request. {arns:?}")
    }

    #[test]
    fn a_repetition_answers_the_original_tasks_and_starts_nothing() {
        let mut world = World::with_app();
        let tasks = world.run(&with("t", r#","count":3"#));
        assert_eq!(tasks.len(), 3);
        check_repeats(&mut world, &with("t", r#","count":3"#), &tasks);
        world.tell(tasks[0], HostStatus::Running);
        let again = world.ok("RunTask", &with("t", r#","count":3"#));
        assert_eq!(again["tasks"][0]["lastStatus"], "RUNNING");
        assert_eq!(again["failures"], serde_json::json!([]));
    }

    #[test]
    fn a_repetition_may_spell_the_cluster_and_absent_members_otherwise() {
        let mut world = World::with_app();
        let tasks = world.run(&with("t", ""));
        let arn = "arn:aws:ecs:us-east-1:000000000000:cluster/default";
        check_repeats(
            &mut world,
            &with("t", r#","cluster":"default","count":null"#),
            &tasks,
        );
        check_repeats(
            &mut world,
            &with("t", &format!(r#","cluster":"{arn}","new":1"#)),
            &tasks,
        );
    }

    #[test]
    fn the_same_token_with_other_parameters_is_a_conflict_that_names_the_tasks() {
        let mut world = World::with_app();
        let tasks = world.run(&with("t", r#","count":2"#));
        for other in ["", r#","count":3"#, r#","count":2,"startedBy":"x""#] {
            world.refused("RunTask", &with("t", other), &conflict(&tasks));
        }
    }

    #[test]
    fn tokens_are_case_sensitive() {
        let mut world = World::with_app();
        let tasks = world.run(&with("Token", ""));
        assert_ne!(world.run(&with("token", "")), tasks);
        check_repeats(&mut world, &with("Token", ""), &tasks);
    }

    #[test]
    fn a_token_counts_per_cluster() {
        let mut world = World::with_app();
        world.ok("CreateCluster", r#"{"clusterName":"other"}"#);
        let here = world.run(&web(r#","clientToken":"t""#));
        let there = world.run(&web(r#","clientToken":"t","cluster":"other""#));
        assert_ne!(here, there);
        check_repeats(
            &mut world,
            &web(r#","clientToken":"t","cluster":"other""#),
            &there,
        );
    }

    #[test]
    fn a_token_has_1_to_64_characters_of_33_to_126() {
        let mut world = World::with_app();
        let longest = "!~".repeat(32);
        assert_eq!(world.run(&with(&longest, "")).len(), 1);
        let check = |world: &mut World, token: &str, text: &str| {
            world.refused(
                "RunTask",
                &with(token, ""),
                &format!("InvalidParameterException: {text}"),
            );
        };
        check(
            &mut world,
            &format!("{longest}x"),
            "clientToken longer than 64.",
        );
        check(&mut world, "", "clientToken can not be blank.");
        for bad in ["a b", "\\u007f", "\\u0001", "é"] {
            let text = "clientToken may hold the ASCII characters 33 to 126 only.";
            check(&mut world, bad, text);
        }
    }

    #[test]
    fn a_call_that_fails_leaves_the_token_free() {
        let mut world = World::with_app();
        world.call("RunTask", &with("t", r#","count":11"#));
        assert_eq!(world.state.tokens().len(), 0);
        world.definition("big", r#","memory":"99999""#);
        let body = r#"{"taskDefinition":"big","clientToken":"t"}"#;
        assert_eq!(world.run(body), []);
        assert_eq!(world.run(&with("t", "")).len(), 1);
    }

    #[test]
    fn after_a_partial_success_a_repetition_starts_no_more() {
        let mut world = World::with_app();
        world.definition("half", r#","memory":"4000""#);
        let body = r#"{"taskDefinition":"half","count":3,"clientToken":"t"}"#;
        let tasks = world.run(body);
        assert_eq!(tasks.len(), 2);
        world.tell(tasks[0], HostStatus::Stopped);
        check_repeats(&mut world, body, &tasks);
    }

    #[test]
    fn a_revision_registered_or_deregistered_in_between_does_not_break_a_repetition() {
        let mut world = World::with_app();
        let tasks = world.run(&with("t", ""));
        world.definition("app", "");
        check_repeats(&mut world, &with("t", ""), &tasks);
        for revision in ["app:1", "app:2"] {
            let body = format!(r#"{{"taskDefinition":"{revision}"}}"#);
            world.ok("DeregisterTaskDefinition", &body);
        }
        check_repeats(&mut world, &with("t", ""), &tasks);
        let absent = "ClientException: TaskDefinition not found.";
        world.refused("RunTask", &with("other", ""), absent);
    }

    #[test]
    fn a_token_lives_an_hour_longer_than_its_last_task() {
        let mut world = World::with_app();
        let tasks = world.run(&with("t", r#","count":2"#));
        world.tell(tasks[0], HostStatus::Stopped);
        world.pass_seconds(2 * HOUR);
        world.sweep();
        world.tell(tasks[1], HostStatus::Stopped);
        world.pass_seconds(HOUR - 1);
        world.sweep();
        // The retention of the first task is over, but a repetition answers both.
        check_repeats(&mut world, &with("t", r#","count":2"#), &tasks);
        world.pass_seconds(1);
        world.sweep();
        assert_eq!(world.state.tasks().len(), 0);
        assert_eq!(world.run(&with("t", "")).len(), 1);
    }

    #[test]
    fn a_task_does_not_wait_for_the_others_longer_than_its_token_lives() {
        let mut world = World::with_app();
        let tasks = world.run(&with("t", r#","count":2"#));
        world.tell(tasks[0], HostStatus::Stopped);
        world.pass_seconds(24 * HOUR - 1);
        world.sweep();
        assert_eq!(world.state.tasks().len(), 2);
        world.pass_seconds(1);
        world.sweep();
        assert!(world.state.tasks().get(&tasks[0]).is_none());
    }

    #[test]
    fn a_token_lives_at_most_24_hours() {
        let mut world = World::with_app();
        let tasks = world.run(&with("t", ""));
        world.pass_seconds(24 * HOUR - 1);
        check_repeats(&mut world, &with("t", ""), &tasks);
        world.pass_seconds(1);
        let new = world.run(&with("t", ""));
        assert_ne!(new, tasks);
        // The end of the old tasks does not end the token of the new ones.
        world.tell(tasks[0], HostStatus::Stopped);
        world.pass_seconds(HOUR);
        world.sweep();
        assert!(world.state.tasks().get(&tasks[0]).is_none());
        check_repeats(&mut world, &with("t", ""), &new);
    }

    #[test]
    fn the_memory_of_tokens_survives_a_restart_and_ends_with_their_tasks() {
        let mut world = World::with_app();
        let tasks = world.run(&with("t", ""));
        world.restart();
        check_repeats(&mut world, &with("t", ""), &tasks);
        world.refused("RunTask", &with("t", r#","count":2"#), &conflict(&tasks));
        world.tell(tasks[0], HostStatus::Stopped);
        world.pass_seconds(HOUR);
        world.sweep();
        assert_eq!(world.state.tokens().len(), 0);
    }
}

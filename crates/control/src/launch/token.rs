//! The memory of `clientToken` (`run-task.md` §4).

use std::sync::Arc;

use model::TaskId;
use model::errors::ErrorCode;
use model::shapes::RunTaskInput;
use sha2::{Digest, Sha256};

use crate::cx::Cx;
use crate::error::OpError;
use crate::limits::CLIENT_TOKEN_CHARS_MAX;
use crate::record::token::TokenKey;
use crate::record::{Task, Token};
use crate::retention::token_is_expired;

/// What a call with a token is: new, or a repetition of one that has started tasks.
pub(crate) enum Recall {
    /// No token was given.
    Untracked,
    New {
        key: TokenKey,
        fingerprint: String,
    },
    Repetition(Vec<Arc<Task>>),
}

pub(crate) fn recall(cx: &Cx<'_>, input: &RunTaskInput, cluster: &str) -> Result<Recall, OpError> {
    let Some(token) = &input.client_token else {
        return Ok(Recall::Untracked);
    };
    check(token)?;
    let fingerprint = fingerprint(input, &cx.settings.cluster_arn(cluster))?;
    let key = TokenKey {
        cluster: cluster.to_owned(),
        token: token.clone(),
    };
    let known = cx.state.tokens().get(&key);
    match known.filter(|known| !token_is_expired(cx.state, known, cx.now)) {
        None => Ok(Recall::New { key, fingerprint }),
        Some(known) if known.fingerprint == fingerprint => {
            let tasks = known
                .tasks
                .iter()
                .filter_map(|id| cx.state.tasks().get(id).cloned());
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
    if !token.bytes().all(|byte| (33..=126).contains(&byte)) {
        let text = "clientToken may hold the ASCII characters 33 to 126 only.";
        return Err(OpError::invalid_parameter(text));
    }
    Ok(())
}

/// All members but the token; the definition as the caller wrote it, because a revision
/// registered in between must not break a retry.
fn fingerprint(input: &RunTaskInput, cluster_arn: &str) -> Result<String, OpError> {
    let compared = RunTaskInput {
        client_token: None,
        cluster: Some(cluster_arn.to_owned()),
        ..input.clone()
    };
    let json = serde_json::to_vec(&compared)
        .map_err(|cause| OpError::internal(format!("request as JSON: {cause}")))?;
    Ok(hex::encode(Sha256::digest(&json)))
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

//! What is forgotten, and when: stopped tasks after their retention, tokens
//! after the shorter of 24 hours and their last task's end plus one hour.

use model::Timestamp;

use crate::cx::Cx;
use crate::limits::{TOKEN_AFTER_STOP_MILLIS, TOKEN_LIFETIME_MILLIS, stopped_task_horizon};
use crate::record::Token;
use crate::record::definition::DefinitionStatus;
use crate::state::State;

/// Rows removed per call at most, so that a sweep never holds up the writer for long.
const SWEEP_MAX: usize = 1000;

/// Forgets what is due. Returns true if there may be more.
pub fn sweep(cx: &mut Cx<'_>) -> bool {
    let horizon = stopped_task_horizon(&cx.settings.limits, cx.now);
    let due: Vec<_> = cx
        .state
        .stopped_tasks()
        .take_while(|(stopped_at, _)| *stopped_at <= horizon)
        .take(SWEEP_MAX)
        .collect();
    // Tokens first: a token's life is read from its tasks.
    let expired: Vec<_> = cx
        .state
        .tokens()
        .iter()
        .filter(|token| token_is_expired(cx.state, token, cx.now))
        .map(|token| token.id.clone())
        .take(SWEEP_MAX)
        .collect();
    for key in &expired {
        cx.state.remove_token(key);
    }
    for (_, id) in &due {
        cx.state.remove_task(*id);
    }
    remove_deleted_definitions(cx);
    due.len() == SWEEP_MAX || expired.len() == SWEEP_MAX
}

/// Drops DELETE_IN_PROGRESS revisions that no remembered task refers to.
fn remove_deleted_definitions(cx: &mut Cx<'_>) {
    let deleted = cx.state.definitions().iter().filter(|definition| {
        definition.status == DefinitionStatus::DeleteInProgress
            && !cx
                .state
                .tasks()
                .iter()
                .any(|task| task.definition == definition.id)
    });
    let keys: Vec<_> = deleted.map(|definition| definition.id.clone()).collect();
    for key in &keys {
        cx.state.remove_definition(key);
    }
}

/// May the token be used anew? A task that is already forgotten has stopped longer ago than
/// any retention, so it does not keep the token alive.
pub(crate) fn token_is_expired(state: &State, token: &Token, now: Timestamp) -> bool {
    if now.millis_since(token.created_at) >= TOKEN_LIFETIME_MILLIS {
        return true;
    }
    token
        .tasks
        .iter()
        .filter_map(|id| state.tasks().get(id))
        .all(|task| {
            let stopped_at = task.times.stopped_at.filter(|_| task.is_stopped());
            stopped_at.is_some_and(|at| now.millis_since(at) >= TOKEN_AFTER_STOP_MILLIS)
        })
}

//! What `/_longshore/v1/interrupt` takes: the end of a FARGATE_SPOT task on demand, as when
//! Fargate takes its capacity back. Words of ours; ECS has no operation for it.

use serde::{Deserialize, Serialize};

use crate::shapes::Task;

/// Takes [`InterruptInput`], answers with [`InterruptOutput`].
pub const INTERRUPT_PATH: &str = "/_longshore/v1/interrupt";

/// Names one task on FARGATE_SPOT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InterruptInput {
    /// Name or ARN; `default` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Id or ARN.
    pub task: String,
}

/// The task as DescribeTasks shows it at the notice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InterruptOutput {
    pub task: Task,
}

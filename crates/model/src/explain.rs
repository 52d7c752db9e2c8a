//! What `/_longshore/v1/explain` and `/_longshore/v1/why` answer: where tasks were or
//! would be placed, and why not elsewhere. Words of ours; ECS has no operation for it.

use serde::{Deserialize, Serialize};

use crate::shapes::{RegisterTaskDefinitionInput, RunTaskInput};

/// Takes [`ExplainInput`], places nothing, and answers with [`Explanation`].
pub const EXPLAIN_PATH: &str = "/_longshore/v1/explain";
/// Takes [`WhyInput`], answers with [`WhyOutput`].
pub const WHY_PATH: &str = "/_longshore/v1/why";

/// The input of RunTask, and a definition that need not be registered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExplainInput {
    #[serde(flatten)]
    pub run_task: RunTaskInput,
    /// Stands in for what `taskDefinition` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<RegisterTaskDefinitionInput>,
}

/// Names one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyInput {
    /// Name or ARN; `default` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Id or ARN.
    pub task: String,
}

/// Why a task stands where it does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyOutput {
    pub task_arn: String,
    /// `None` for a task of a server that did not keep explanations yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Explanation>,
}

/// One call of RunTask, or the part of it that one task's record keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What each task asks for.
    pub asked: Asked,
    /// `memberOf EXPRESSION` or `distinctInstance`; those of the definition come first.
    pub constraints: Vec<String>,
    /// `spread FIELD`, `binpack FIELD` or `random`, in the order that they count.
    pub strategies: Vec<String>,
    /// One for each task asked for, until one fits nowhere.
    pub tasks: Vec<Decision>,
}

/// Amounts as the ledger counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// CPU units, 1024 for each core.
    pub cpu: u32,
    /// MiB.
    pub memory: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gpus: u32,
    /// Host ports that the definition fixes, as `80/tcp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
}

/// What was decided for one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Launch type or capacity provider that chose the hosts looked at.
    pub pool: String,
    /// Draws the same random choices again. At most 2^53, so that every JSON reader can hold it.
    pub seed: u64,
    /// `None`: no host takes the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Candidate>,
    /// The next best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<Candidate>,
    /// Hosts looked at.
    pub examined: u32,
    /// How many hosts each check refused.
    pub refused: Vec<ReasonCount>,
    /// All hosts in an explanation; at most ten that refused in what a task's record keeps.
    pub hosts: Vec<HostVerdict>,
}

/// A host that takes the task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    pub container_instance_arn: String,
    /// The name it has in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One value for each strategy; the lowest wins. `spread`: tasks of the group in the
    /// bucket; `binpack`: what is left of the resource before the task is placed;
    /// `random`: 0.
    pub ranking: Vec<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasonCount {
    /// As in `failures`: `RESOURCE:MEMORY`, `AGENT` …
    pub reason: String,
    pub hosts: u32,
}

/// What was found for one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostVerdict {
    #[serde(flatten)]
    pub host: Candidate,
    /// Its Availability Zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The first check that it failed; `None`: it takes the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// By how much: `asked 2048 MiB, free 1536 MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

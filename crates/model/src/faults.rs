//! What the paths of fault rules take and answer: calls and tasks that are to go wrong on
//! purpose, so that the retry code of a caller can be tried. Words of ours; ECS has no operation
//! for it.

use serde::{Deserialize, Serialize};

/// Takes [`FaultRule`], answers with [`FaultStatus`].
pub const FAULTS_ADD_PATH: &str = "/_longshore/v1/faults";
/// Takes [`ListFaultsInput`], answers with [`ListFaultsOutput`].
pub const FAULTS_LIST_PATH: &str = "/_longshore/v1/faults/list";
/// Takes [`RemoveFaultsInput`], answers with [`RemoveFaultsOutput`].
pub const FAULTS_REMOVE_PATH: &str = "/_longshore/v1/faults/remove";

/// Which calls go wrong, how often, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// As the API spells it, for example `RunTask`; every operation if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Access key id, or ARN of the principal; everybody if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// So many of the calls that match pass first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u32,
    /// Hits at most; without end if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The share of the calls that is hit, above 0 and at most 1; all of them if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Draws the same hits again, for the same calls in the same order. Only with `probability`;
    /// the server chooses one if none is given. At most 2^53, so that every JSON reader can hold
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The call has its effect first, and goes wrong then. For the faults of a call that say so.
    #[serde(default, skip_serializing_if = "is_false")]
    pub after_effect: bool,
    pub fault: Fault,
}

impl FaultRule {
    /// Every call, every time, before it has an effect.
    pub fn new(fault: Fault) -> Self {
        Self {
            operation: None,
            caller: None,
            skip: 0,
            times: None,
            probability: None,
            seed: None,
            after_effect: false,
            fault,
        }
    }
}

/// What goes wrong: with a call, with the `failures` of its answer, or with the tasks that a
/// call of RunTask or StartTask starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Fault {
    /// 400 `ThrottlingException`: Rate exceeded. May come after the effect.
    Throttling {},
    /// 500 `ServerException`. May come after the effect.
    ServerError {},
    /// The answer comes so much later. May come after the effect.
    Latency { millis: u64 },
    /// The connection ends without an answer. May come after the effect.
    Cut {},
    /// It ends in the middle of the answer's body: always after the effect.
    CutBody {},
    /// The `Date` of the answer is so far ahead of the clock, or behind it if negative.
    WrongDate { seconds: i64 },
    /// The page of a proxy that stands before the service. May come after the effect.
    HtmlPage {
        /// 400 to 599.
        #[serde(default = "service_unavailable")]
        status: u16,
    },
    /// Entries of `failures`. RunTask starts that many tasks fewer; DescribeTasks does not show
    /// that many of the tasks.
    Failures {
        /// For example `RESOURCE:MEMORY` or `MISSING`.
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// Of the resource that failed. DescribeTasks tells the task's if none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arn: Option<String>,
        /// Tasks of each call that fail, the last ones; all if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<u32>,
    },
    /// Each step of a task takes so much longer: its network, each pull, each start, the end.
    SlowTransitions { millis: u64 },
    /// Containers end with this code.
    ExitCode {
        /// 0 to 255.
        code: i32,
        /// Only the container of this name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        container: Option<String>,
        /// So long after the start; when they end by themselves if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_millis: Option<u64>,
    },
    /// Spot capacity is taken back, so long after the start. Tasks on FARGATE_SPOT only.
    SpotInterruption {
        #[serde(default)]
        after_millis: u64,
    },
    /// The task's host is gone, so long after the start, and all that ran on it.
    LostHost {
        #[serde(default)]
        after_millis: u64,
    },
}

/// A rule and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultStatus {
    /// 1 for the server's first rule; never given twice.
    pub id: u64,
    /// As it was given, with the seed that is used.
    pub rule: FaultRule,
    /// Calls, or tasks, that the rule was for, with those that it let pass.
    pub matched: u64,
    /// Those of them that went wrong by it.
    pub hits: u64,
}

/// Asks for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListFaultsInput {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListFaultsOutput {
    /// In the order in which they were added, which is that in which they are looked at.
    pub faults: Vec<FaultStatus>,
}

/// Names rules, or means all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveFaultsInput {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub all: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoveFaultsOutput {
    /// What is no longer there, with its last counts.
    pub faults: Vec<FaultStatus>,
}

fn service_unavailable() -> u16 {
    503
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

//! Why a task stands where it does, as far as it is kept with the task: enough for
//! `longshore why`, bounded however many hosts there are.

use std::sync::Arc;

use model::ContainerInstanceId;
use serde::{Deserialize, Serialize};

/// How one task was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Shared by the tasks of one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Arc<RulesText>>,
    /// Of the random choices of the call, or of one provider's share of it.
    pub seed: u64,
    /// Hosts looked at.
    pub examined: u32,
    /// One value per strategy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranking: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<RunnerUp>,
    /// How many hosts each check refused, by ECS's reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<(String, u32)>,
    /// Some of those hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
}

/// What bound and guided the choice, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesText {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategies: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerUp {
    pub instance: ContainerInstanceId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranking: Vec<u32>,
}

/// A host that refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub instance: ContainerInstanceId,
    pub reason: String,
    pub detail: String,
}

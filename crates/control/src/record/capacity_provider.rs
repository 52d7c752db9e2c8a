//! A capacity provider of one's own: the container instances of one group, and how they scale.
//! FARGATE and FARGATE_SPOT always exist and are not stored.

use model::Timestamp;
use model::shapes::Tag;
use serde::{Deserialize, Serialize};
use store::Record;

/// Fargate's own provider.
pub const FARGATE: &str = "FARGATE";
/// The same with tasks that may be interrupted.
pub const FARGATE_SPOT: &str = "FARGATE_SPOT";

/// Is it one of the two that always exist?
pub fn is_predefined(name: &str) -> bool {
    [FARGATE, FARGATE_SPOT].contains(&name)
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityProvider {
    pub name: String,
    pub status: ProviderStatus,
    pub last_change: ProviderChange,
    pub created_at: Timestamp,
    /// The Auto Scaling group as the caller named it. Here it is only a name.
    pub group: String,
    pub scaling: ManagedScaling,
    /// `managedTerminationProtection`.
    pub protected: bool,
    /// `managedDraining`.
    pub drains: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// When it became INACTIVE; it is forgotten some time later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// How the number of instances is to follow the tasks (`placement.md` §7.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedScaling {
    pub enabled: bool,
    /// How much of the instances' room is to be in use, in percent: 1–100.
    pub target_percent: u32,
    /// Instances that one step adds or takes at least: 1–10000.
    pub step_min: u32,
    /// Instances that one step adds or takes at most: 1–10000.
    pub step_max: u32,
    /// Seconds until a new instance counts: 0–10000.
    pub warmup_seconds: u32,
}

impl Default for ManagedScaling {
    fn default() -> Self {
        Self {
            enabled: false,
            target_percent: 100,
            step_min: 1,
            step_max: 10_000,
            warmup_seconds: 300,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProviderStatus {
    Active,
    /// Deleted; still described for a while.
    Inactive,
}

impl ProviderStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// What was done to it last. Nothing takes time here, so it is always complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProviderChange {
    Create,
    Update,
    Delete,
}

impl ProviderChange {
    /// `updateStatus`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE_COMPLETE",
            Self::Update => "UPDATE_COMPLETE",
            Self::Delete => "DELETE_COMPLETE",
        }
    }
}

impl CapacityProvider {
    pub fn is_active(&self) -> bool {
        self.status == ProviderStatus::Active
    }
}

impl Record for CapacityProvider {
    type Key = String;
    const TABLE: &'static str = "capacity_provider";

    fn key(&self) -> String {
        self.name.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }
}

//! A cluster: a name under which tasks and container instances are grouped.

use model::Timestamp;
use model::shapes::{ClusterConfiguration, ClusterServiceConnectDefaults, ClusterSetting, Tag};
use serde::{Deserialize, Serialize};
use store::Record;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    pub name: String,
    pub status: ClusterStatus,
    pub created_at: Timestamp,
    /// When it became INACTIVE; it is forgotten some time later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    pub settings: Vec<ClusterSetting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<ClusterConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_defaults: Option<ClusterServiceConnectDefaults>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// The providers that its tasks may name: FARGATE kinds and those of one's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_providers: Vec<String>,
    /// Used when a call names neither launch type nor strategy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_strategy: Vec<StrategyItem>,
}

/// One item of a capacity provider strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrategyItem {
    pub provider: String,
    /// Tasks that this provider gets before any other: 0–100000.
    pub base: u32,
    /// Its part of the tasks beyond the base, in proportion to the others': 0–1000.
    pub weight: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClusterStatus {
    Active,
    /// Deleted; still described for a while, and revived by CreateCluster.
    Inactive,
}

impl ClusterStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
        }
    }
}

impl Record for Cluster {
    type Key = String;
    const TABLE: &'static str = "cluster";

    fn key(&self) -> String {
        self.name.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }
}

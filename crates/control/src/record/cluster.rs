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
    pub settings: Vec<ClusterSetting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<ClusterConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_defaults: Option<ClusterServiceConnectDefaults>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
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

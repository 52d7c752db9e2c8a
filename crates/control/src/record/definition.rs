//! A task definition revision, stored as the checked shape, and its family's counter.

use std::fmt;

use model::shapes::{ContainerDefinition, Tag, TaskDefinition};
use serde::{Deserialize, Serialize};
use store::Record;

/// `family:revision`. Ordered by family, then by revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DefinitionKey {
    pub family: String,
    pub revision: u32,
}

impl fmt::Display for DefinitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.family, self.revision)
    }
}

/// One revision. `shape` is what DescribeTaskDefinition answers, defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    pub id: DefinitionKey,
    pub status: DefinitionStatus,
    pub shape: TaskDefinition,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DefinitionStatus {
    Active,
    Inactive,
    DeleteInProgress,
}

impl DefinitionStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
        }
    }
}

impl Record for Definition {
    type Key = DefinitionKey;
    const TABLE: &'static str = "task_definition";

    fn key(&self) -> DefinitionKey {
        self.id.clone()
    }

    fn key_text(key: &DefinitionKey) -> String {
        key.to_string()
    }
}

/// The counter of a family: revisions never repeat, also after deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    pub name: String,
    pub last_revision: u32,
}

impl Record for Family {
    type Key = String;
    const TABLE: &'static str = "family";

    fn key(&self) -> String {
        self.name.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }
}

impl Definition {
    /// The container of that name.
    pub fn container(&self, name: &str) -> Option<&ContainerDefinition> {
        self.containers()
            .iter()
            .find(|container| container.name.as_deref() == Some(name))
    }

    /// Runs on Windows; Linux where it names no operating system.
    pub fn is_windows(&self) -> bool {
        is_windows(&self.shape)
    }

    /// At least one: registration refuses an empty list.
    pub fn containers(&self) -> &[ContainerDefinition] {
        self.shape
            .container_definitions
            .as_deref()
            .unwrap_or_default()
    }
}

/// Does it run on Windows? Linux where it names no operating system.
pub(crate) fn is_windows(shape: &TaskDefinition) -> bool {
    let platform = shape.runtime_platform.as_ref();
    let family = platform.and_then(|platform| platform.operating_system_family.as_ref());
    family.is_some_and(|family| family.as_str().starts_with("WINDOWS"))
}

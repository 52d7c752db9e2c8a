//! The form of `smithy/ecs.json`: what is a fact of the ECS model and nothing
//! else. Written by `model import`, read by `codegen`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The whole file. Maps are sorted, so a new model is a readable diff.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub origin: Origin,
    pub service: Service,
    pub operations: BTreeMap<String, Operation>,
    pub waiters: BTreeMap<String, Waiter>,
    pub shapes: BTreeMap<String, Shape>,
}

/// Where the facts come from.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub package: String,
    pub version: String,
    /// Inside the package.
    pub path: String,
    /// Of the uncompressed file, in hexadecimal digits.
    pub sha256: String,
}

/// How the service is spoken to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Service {
    pub api_version: String,
    pub endpoint_prefix: String,
    pub json_version: String,
    pub protocol: String,
    pub service_id: String,
    pub signing_name: String,
    pub target_prefix: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    pub input: String,
    pub output: String,
    /// Sorted names of the error shapes it declares.
    pub errors: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub idempotent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<Pages>,
}

/// How an operation is paged, in the names of its members.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pages {
    pub input_token: String,
    pub limit_key: String,
    pub output_token: String,
    pub result_key: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Waiter {
    pub operation: String,
    /// Seconds between two calls.
    pub delay: u32,
    pub max_attempts: u32,
    pub acceptors: Vec<Acceptor>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Acceptor {
    pub state: String,
    pub matcher: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    pub expected: serde_json::Value,
}

/// One shape; what it does not have is left out.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Structures: wire name of the member to the name of its shape.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub members: BTreeMap<String, String>,
    /// Structures: members that must be given, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// Structures: the member that a client fills with a fresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_token: Option<String>,
    /// Structures: members that should no longer be used, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deprecated_members: BTreeMap<String, String>,
    /// Lists and maps: the shape of what they hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
    /// Strings: the known values, in the model's order.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<serde_json::Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<serde_json::Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub sensitive: bool,
    /// Exactly one member is set.
    #[serde(default, skip_serializing_if = "is_false")]
    pub union: bool,
    /// Any JSON value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub document: bool,
    /// An error.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exception: bool,
    /// An error of the server's own making.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fault: bool,
    /// Since when the shape should no longer be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_since: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    Structure,
    List,
    Map,
    String,
    Boolean,
    Integer,
    Long,
    Double,
    Timestamp,
    Blob,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

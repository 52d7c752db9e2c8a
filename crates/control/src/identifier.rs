//! Names and ARNs as callers write them, settled at the edge into keys of our tables.
//! Texts are those of `run-task.md` §7.

use std::sync::Arc;

use model::errors::ErrorCode;
use model::{Arn, ContainerInstanceId, TaskId};
use uuid::Uuid;

use crate::cx::{ReadCx, Settings};
use crate::error::OpError;
use crate::limits::NAME_CHARS_MAX;
use crate::record::cluster::ClusterStatus;
use crate::record::definition::DefinitionStatus;
use crate::record::{Cluster, Definition, DefinitionKey, Task};
use crate::state::State;

/// The partition of all our ARNs, whatever the region is called.
const PARTITION: &str = "aws";
/// The cluster that is meant when a request names none.
pub const DEFAULT_CLUSTER: &str = "default";

impl Settings {
    fn arn(&self, resource: impl std::fmt::Display) -> String {
        let Self {
            region, account, ..
        } = self;
        format!("arn:{PARTITION}:ecs:{region}:{account}:{resource}")
    }

    pub fn cluster_arn(&self, name: &str) -> String {
        self.arn(format_args!("cluster/{name}"))
    }

    pub fn capacity_provider_arn(&self, name: &str) -> String {
        self.arn(format_args!("capacity-provider/{name}"))
    }

    pub fn task_arn(&self, cluster: &str, id: TaskId) -> String {
        self.arn(format_args!("task/{cluster}/{id}"))
    }

    pub fn definition_arn(&self, key: &DefinitionKey) -> String {
        self.arn(format_args!("task-definition/{key}"))
    }

    pub fn instance_arn(&self, cluster: &str, id: ContainerInstanceId) -> String {
        self.arn(format_args!("container-instance/{cluster}/{id}"))
    }

    pub fn container_arn(&self, task: &Task, id: Uuid) -> String {
        self.arn(format_args!("container/{}/{}/{id}", task.cluster, task.id))
    }

    /// An ARN of ours of the wanted type; the part after the type.
    fn own(&self, arn: &Arn, resource_type: &str) -> Result<String, OpError> {
        if arn.service != "ecs" || arn.resource_type() != resource_type {
            let text = format!("Unsupported resource type: {}", arn.resource_type());
            return Err(OpError::invalid_parameter(text));
        }
        if arn.partition != PARTITION {
            let text = format!(
                "Invalid identifier: partition {} is not {PARTITION}",
                arn.partition
            );
            return Err(OpError::invalid_parameter(text));
        }
        if arn.account != self.account {
            return Err(OpError::invalid_parameter("AccountIDs mismatch"));
        }
        if arn.region != self.region {
            let text = format!(
                "Invalid identifier: region {} is not {}",
                arn.region, self.region
            );
            return Err(OpError::invalid_parameter(text));
        }
        Ok(arn.resource_path().to_owned())
    }
}

fn malformed() -> OpError {
    OpError::invalid_parameter("Invalid identifier: Unexpected number of separators")
}

/// Splits off the ARN form: `Some(path)` for an ARN of the wanted type, `None` for a bare name.
pub(crate) fn own_path(
    settings: &Settings,
    text: &str,
    resource_type: &str,
) -> Result<Option<String>, OpError> {
    if !text.starts_with("arn:") {
        return Ok(None);
    }
    let arn: Arn = text.parse().map_err(|_| malformed())?;
    settings.own(&arn, resource_type).map(Some)
}

/// Letters, digits, hyphen and underscore, 1–255 of them.
pub fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A role's name or ARN; an empty text is no role. Whether it exists is not known here.
pub(crate) fn check_role(role: Option<&str>) -> Result<(), OpError> {
    let Some(role) = role.filter(|role| !role.is_empty()) else {
        return Ok(());
    };
    let named = |name: &str| {
        name.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+=,.@-_/".contains(&b))
    };
    let valid = match role.parse::<Arn>() {
        Ok(arn) => arn.service == "iam" && arn.resource_type() == "role" && named(&arn.resource),
        Err(_) => !role.starts_with("arn:") && named(role),
    };
    if valid {
        Ok(())
    } else {
        Err(OpError::client("Role is not valid"))
    }
}

/// The name of the meant cluster, whether it exists or not.
pub fn cluster_name(settings: &Settings, text: Option<&str>) -> Result<String, OpError> {
    let Some(text) = text else {
        return Ok(DEFAULT_CLUSTER.to_owned());
    };
    let name = own_path(settings, text, "cluster")?.unwrap_or_else(|| text.to_owned());
    check_cluster_name(&name)?;
    Ok(name)
}

pub(crate) fn check_cluster_name(name: &str) -> Result<(), OpError> {
    if is_name(name) {
        return Ok(());
    }
    Err(OpError::invalid_parameter(format!(
        "Cluster must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {name}"
    )))
}

/// An ACTIVE cluster.
pub fn active_cluster(cx: &ReadCx<'_>, text: Option<&str>) -> Result<Arc<Cluster>, OpError> {
    let name = cluster_name(cx.settings, text)?;
    let not_found = |text: &str| OpError::new(ErrorCode::ClusterNotFoundException, text);
    let cluster = cx
        .state
        .clusters()
        .get(&name)
        .ok_or_else(|| not_found("Cluster not found."))?;
    match cluster.status {
        ClusterStatus::Active => Ok(cluster.clone()),
        ClusterStatus::Inactive => Err(not_found("The referenced cluster was inactive.")),
    }
}

/// An ACTIVE cluster, which the call must name: it has no default.
pub(crate) fn named_cluster(cx: &ReadCx<'_>, text: Option<&str>) -> Result<Arc<Cluster>, OpError> {
    let named = text.filter(|name| !name.is_empty());
    let named = named.ok_or_else(|| OpError::invalid_parameter("Cluster can not be blank."))?;
    active_cluster(cx, Some(named))
}

/// Where a caller says a task is: a cluster (of the ARN, if it has one) and an id.
pub fn task_id(settings: &Settings, cluster: &str, text: &str) -> Result<TaskId, OpError> {
    let id = in_cluster(settings, cluster, text, "task")?;
    if !matches!(id.len(), 32 | 36) {
        return Err(OpError::invalid_parameter(
            "taskId length should be one of [32,36]",
        ));
    }
    id.parse().map_err(|_| not_hexadecimal(&id))
}

/// A task of the cluster that is still remembered.
pub(crate) fn known_task(state: &State, cluster: &str, id: TaskId) -> Result<Arc<Task>, OpError> {
    let known = state.task_in(cluster, id).cloned();
    known.ok_or_else(|| OpError::invalid_parameter("The referenced task was not found."))
}

fn not_hexadecimal(id: &str) -> OpError {
    OpError::invalid_parameter(format!(
        "Invalid identifier: {id} has characters other than hexadecimal digits"
    ))
}

pub fn container_instance_id(
    settings: &Settings,
    cluster: &str,
    text: &str,
) -> Result<ContainerInstanceId, OpError> {
    let id = in_cluster(settings, cluster, text, "container-instance")?;
    if !matches!(id.len(), 32 | 36) {
        let text = "containerInstanceId length should be one of [32,36]";
        return Err(OpError::invalid_parameter(text));
    }
    id.parse().map_err(|_| not_hexadecimal(&id))
}

/// The last part of `TYPE/CLUSTER/ID`, `TYPE/ID` or a bare id; a long ARN must name the cluster.
fn in_cluster(
    settings: &Settings,
    cluster: &str,
    text: &str,
    resource_type: &str,
) -> Result<String, OpError> {
    let Some(path) = own_path(settings, text, resource_type)? else {
        return if text.contains(['/', ':']) {
            Err(malformed())
        } else {
            Ok(text.to_owned())
        };
    };
    match path.split_once('/') {
        None => Ok(path),
        Some((_, id)) if id.contains('/') => Err(malformed()),
        Some((named, id)) if named == cluster => Ok(id.to_owned()),
        Some((named, _)) => Err(OpError::invalid_parameter(format!(
            "Invalid identifier: Identifier is for cluster {named}. Your cluster is {cluster}"
        ))),
    }
}

/// `family`, `family:revision` or an ARN, as written; nothing is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionRef {
    pub family: String,
    pub revision: Option<u32>,
}

pub fn definition_ref(settings: &Settings, text: &str) -> Result<DefinitionRef, OpError> {
    let name = own_path(settings, text, "task-definition")?.unwrap_or_else(|| text.to_owned());
    let (family, revision) = match name.split_once(':') {
        Some((family, revision)) => (family, Some(revision)),
        None => (&*name, None),
    };
    if !is_name(family) {
        return Err(OpError::client("Family contains invalid characters."));
    }
    let revision = revision.map(parse_revision).transpose()?;
    Ok(DefinitionRef {
        family: family.to_owned(),
        revision,
    })
}

fn parse_revision(text: &str) -> Result<u32, OpError> {
    let number = text
        .parse()
        .ok()
        .filter(|&n| n > 0 && text.bytes().all(|b| b.is_ascii_digit()));
    number.ok_or_else(|| {
        OpError::invalid_parameter(format!("Invalid revision number. Number: {text}"))
    })
}

/// The named revision, or the newest ACTIVE one of the family.
pub fn find_definition<'a>(state: &'a State, named: &DefinitionRef) -> Option<&'a Arc<Definition>> {
    let key = |revision| DefinitionKey {
        family: named.family.clone(),
        revision,
    };
    match named.revision {
        Some(revision) => state.definitions().get(&key(revision)),
        None => state
            .definitions()
            .range(key(0)..=key(u32::MAX))
            .rev()
            .find(|definition| definition.status == DefinitionStatus::Active),
    }
}

//! The resources that carry tags, found by their ARN.

use model::errors::ErrorCode;
use model::shapes::Tag;
use model::{Arn, ContainerInstanceId, TaskId};

use crate::cx::{Cx, ReadCx, Settings};
use crate::error::OpError;
use crate::identifier;
use crate::record::{Cluster, Definition, DefinitionKey, Instance, Task};
use crate::view::cluster::is_active;

/// What a `resourceArn` names.
pub(crate) enum Taggable {
    Cluster(String),
    Definition(DefinitionKey),
    Instance(ContainerInstanceId),
    Task(TaskId),
}

impl Taggable {
    /// Parses the ARN; says nothing about whether the resource exists.
    pub(crate) fn parse(settings: &Settings, text: Option<&str>) -> Result<Self, OpError> {
        let text = text.unwrap_or_default();
        let arn: Arn = text.parse().map_err(|_| {
            OpError::invalid_parameter("Invalid identifier: Unexpected number of separators")
        })?;
        // The last path part is the id; the long form has the cluster in front of it.
        let path = arn.resource_path();
        let cluster = path
            .split_once('/')
            .map_or(identifier::DEFAULT_CLUSTER, |(name, _)| name);
        match arn.resource_type() {
            "cluster" => identifier::cluster_name(settings, Some(text)).map(Self::Cluster),
            "task" => identifier::task_id(settings, cluster, text).map(Self::Task),
            "container-instance" => {
                identifier::container_instance_id(settings, cluster, text).map(Self::Instance)
            }
            "task-definition" => definition_key(settings, text).map(Self::Definition),
            other => {
                let text = format!("Unsupported resource type: {other}");
                Err(OpError::invalid_parameter(text))
            }
        }
    }

    /// The tags the resource has.
    pub(crate) fn tags(&self, cx: &ReadCx<'_>) -> Result<Vec<Tag>, OpError> {
        let tags = match self {
            Self::Cluster(name) => {
                let found = cx
                    .state
                    .clusters()
                    .get(name)
                    .filter(|cluster| is_active(cluster));
                found.map(|cluster| cluster.tags.clone())
            }
            Self::Definition(key) => cx.state.definitions().get(key).map(|one| one.tags.clone()),
            Self::Instance(id) => cx.state.instances().get(id).map(|one| one.tags.clone()),
            Self::Task(id) => cx.state.tasks().get(id).map(|one| one.tags.clone()),
        };
        tags.ok_or_else(|| self.not_found())
    }

    /// Replaces the tags of a resource that [`Taggable::tags`] has found.
    pub(crate) fn put_tags(&self, cx: &mut Cx<'_>, tags: Vec<Tag>) -> Result<(), OpError> {
        match self {
            Self::Cluster(name) => {
                let old = cx
                    .state
                    .clusters()
                    .get(name)
                    .cloned()
                    .ok_or_else(|| self.not_found())?;
                cx.state.put_cluster(Cluster {
                    tags,
                    ..Cluster::clone(&old)
                });
            }
            Self::Definition(key) => {
                let old = cx.state.definitions().get(key).cloned();
                let old = old.ok_or_else(|| self.not_found())?;
                cx.state.put_definition(Definition {
                    tags,
                    ..Definition::clone(&old)
                });
            }
            Self::Instance(id) => {
                let old = cx
                    .state
                    .instances()
                    .get(id)
                    .cloned()
                    .ok_or_else(|| self.not_found())?;
                cx.state.put_instance(Instance {
                    tags,
                    ..Instance::clone(&old)
                });
            }
            Self::Task(id) => {
                let old = cx
                    .state
                    .tasks()
                    .get(id)
                    .cloned()
                    .ok_or_else(|| self.not_found())?;
                cx.state.put_task(Task {
                    tags,
                    ..Task::clone(&old)
                });
            }
        }
        Ok(())
    }

    fn not_found(&self) -> OpError {
        match self {
            Self::Cluster(_) => {
                OpError::new(ErrorCode::ClusterNotFoundException, "Cluster not found.")
            }
            Self::Task(_) => OpError::invalid_parameter("The referenced task was not found."),
            Self::Definition(_) | Self::Instance(_) => OpError::new(
                ErrorCode::ResourceNotFoundException,
                "The specified resource was not found.",
            ),
        }
    }
}

fn definition_key(settings: &Settings, text: &str) -> Result<DefinitionKey, OpError> {
    let named = identifier::definition_ref(settings, text)?;
    let revision = named.revision.ok_or_else(|| {
        OpError::invalid_parameter("Tags belong to a revision: name one as FAMILY:REVISION.")
    })?;
    Ok(DefinitionKey {
        family: named.family,
        revision,
    })
}

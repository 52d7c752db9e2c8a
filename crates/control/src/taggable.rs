//! The resources that carry tags, found by their ARN.

use model::errors::ErrorCode;
use model::shapes::Tag;
use model::{Arn, ContainerInstanceId, TaskId};

use crate::cx::{Cx, ReadCx, Settings};
use crate::error::OpError;
use crate::record::instance::InstanceStatus;
use crate::record::{CapacityProvider, Cluster, Definition, DefinitionKey, Instance, Task};
use crate::state::State;
use crate::view::cluster::is_active;
use crate::{capacity, identifier};

/// What a `resourceArn` names.
pub(crate) enum Taggable {
    CapacityProvider(String),
    Cluster(String),
    Definition(DefinitionKey),
    Instance(InCluster<ContainerInstanceId>),
    Task(InCluster<TaskId>),
}

/// An id and the cluster that the ARN names; the old short ARN names none.
pub(crate) struct InCluster<T> {
    cluster: Option<String>,
    id: T,
}

impl<T> InCluster<T> {
    fn is_of(&self, cluster: &str) -> bool {
        self.cluster.as_deref().is_none_or(|named| named == cluster)
    }
}

impl Taggable {
    /// Parses the ARN; says nothing about whether the resource exists.
    pub(crate) fn parse(settings: &Settings, text: Option<&str>) -> Result<Self, OpError> {
        let text = text.unwrap_or_default();
        let arn: Arn = text.parse().map_err(|_| {
            OpError::invalid_parameter("Invalid identifier: Unexpected number of separators")
        })?;
        // The last path part is the id; the long form has the cluster in front of it.
        let cluster = arn.resource_path().split_once('/').map(|(name, _)| name);
        let named = cluster.unwrap_or_default();
        let cluster = cluster.map(str::to_owned);
        match arn.resource_type() {
            "capacity-provider" => {
                capacity::name::named(settings, text).map(Self::CapacityProvider)
            }
            "cluster" => identifier::cluster_name(settings, Some(text)).map(Self::Cluster),
            "task" => identifier::task_id(settings, named, text)
                .map(|id| Self::Task(InCluster { cluster, id })),
            "container-instance" => identifier::container_instance_id(settings, named, text)
                .map(|id| Self::Instance(InCluster { cluster, id })),
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
            Self::CapacityProvider(name) => self.provider(cx.state, name)?.tags.clone(),
            Self::Cluster(name) => self.cluster(cx.state, name)?.tags.clone(),
            Self::Definition(key) => self.definition(cx.state, key)?.tags.clone(),
            Self::Instance(named) => self.instance(cx.state, named)?.tags.clone(),
            Self::Task(named) => self.task(cx.state, named)?.tags.clone(),
        };
        Ok(tags)
    }

    /// Changes the tags of the resource; a stopped task keeps those it has.
    pub(crate) fn change(
        &self,
        cx: &mut Cx<'_>,
        change: impl FnOnce(&[Tag]) -> Result<Vec<Tag>, OpError>,
    ) -> Result<(), OpError> {
        match self {
            Self::CapacityProvider(name) => {
                let mut provider = CapacityProvider::clone(self.provider(cx.state, name)?);
                provider.tags = change(&provider.tags)?;
                cx.state.put_capacity_provider(provider);
            }
            Self::Cluster(name) => {
                let mut cluster = Cluster::clone(self.cluster(cx.state, name)?);
                cluster.tags = change(&cluster.tags)?;
                cx.state.put_cluster(cluster);
            }
            Self::Definition(key) => {
                let mut definition = Definition::clone(self.definition(cx.state, key)?);
                definition.tags = change(&definition.tags)?;
                cx.state.put_definition(definition);
            }
            Self::Instance(named) => {
                let mut instance = Instance::clone(self.instance(cx.state, named)?);
                instance.tags = change(&instance.tags)?;
                cx.state.put_instance(instance);
            }
            Self::Task(named) => {
                let mut task = Task::clone(self.task(cx.state, named)?);
                if task.is_stopped() {
                    return Err(OpError::invalid_parameter(
                        "The specified task is stopped. Specify a running task and try again.",
                    ));
                }
                task.tags = change(&task.tags)?;
                cx.state.put_task(task);
            }
        }
        Ok(())
    }

    /// FARGATE and FARGATE_SPOT carry no tags.
    fn provider<'a>(
        &self,
        state: &'a State,
        name: &String,
    ) -> Result<&'a CapacityProvider, OpError> {
        let found = state.capacity_providers().get(name);
        let found = found.filter(|one| one.is_active());
        found.map(|one| &**one).ok_or_else(|| self.not_found())
    }

    fn cluster<'a>(&self, state: &'a State, name: &String) -> Result<&'a Cluster, OpError> {
        let found = state.clusters().get(name).filter(|one| is_active(one));
        found.map(|one| &**one).ok_or_else(|| self.not_found())
    }

    fn definition<'a>(
        &self,
        state: &'a State,
        key: &DefinitionKey,
    ) -> Result<&'a Definition, OpError> {
        let found = state.definitions().get(key);
        found.map(|one| &**one).ok_or_else(|| self.not_found())
    }

    /// One that was deregistered is gone, as deleted clusters and providers are.
    fn instance<'a>(
        &self,
        state: &'a State,
        named: &InCluster<ContainerInstanceId>,
    ) -> Result<&'a Instance, OpError> {
        let found = state.instances().get(&named.id);
        let found = found.filter(|one| named.is_of(&one.cluster) && is_registered(one));
        found.map(|one| &**one).ok_or_else(|| self.not_found())
    }

    fn task<'a>(&self, state: &'a State, named: &InCluster<TaskId>) -> Result<&'a Task, OpError> {
        let found = state.tasks().get(&named.id);
        let found = found.filter(|one| named.is_of(&one.cluster));
        found.map(|one| &**one).ok_or_else(|| self.not_found())
    }

    fn not_found(&self) -> OpError {
        match self {
            Self::Cluster(_) => {
                OpError::new(ErrorCode::ClusterNotFoundException, "Cluster not found.")
            }
            Self::Task(_) => OpError::invalid_parameter("The referenced task was not found."),
            Self::CapacityProvider(_) | Self::Definition(_) | Self::Instance(_) => OpError::new(
                ErrorCode::ResourceNotFoundException,
                "The specified resource was not found.",
            ),
        }
    }
}

fn is_registered(instance: &Instance) -> bool {
    instance.status != InstanceStatus::Inactive
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

//! StartTask: starts one task on each of 1–10 container instances that the caller names
//! (`run-task.md` §11).
//!
//! What surprises: nothing is placed, so neither the definition's constraints nor the status
//! DRAINING keep a task from an instance; the launch type of each task is that of its instance.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::ContainerInstanceId;
use model::shapes::{self, Failure, RunTaskInput, StartTaskInput, StartTaskOutput};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{active_cluster, container_instance_id};
use crate::instance_attributes::EXTERNAL;
use crate::launch::create::{Start, Template};
use crate::launch::placement::Rules;
use crate::launch::{placing, request, template};
use crate::limits::{START_INSTANCES_MAX, START_TASK_STARTED_BY_CHARS_MAX};
use crate::record::instance::{Instance, InstanceStatus};
use crate::record::task::{LaunchType, Task};
use crate::record::{Cluster, Definition};
use crate::view;

pub(crate) fn start_task(
    cx: &mut Cx<'_>,
    mut input: StartTaskInput,
) -> Result<StartTaskOutput, OpError> {
    let named = input.container_instances.take().unwrap_or_default();
    let started_by = input.started_by.take();
    let input = as_run_task(input);
    let definition = template::definition(&cx.reading(), &input)?;
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let definition = definition.ok_or_else(template::no_definition)?;
    let named = instances(cx, &cluster, &named)?;
    let input = RunTaskInput {
        started_by: request::started_by(started_by, START_TASK_STARTED_BY_CHARS_MAX)?,
        ..input
    };
    let templates = templates(cx, &input, &cluster, &definition, &named)?;
    let (mut tasks, mut failures) = (Vec::with_capacity(named.len()), Vec::new());
    for (id, found) in named {
        let started = match found {
            Ok(instance) => start(cx, &templates[&launch_type(&instance)], id, tasks.len()),
            Err(reason) => Err(reason.to_owned()),
        };
        match started {
            Ok(task) => tasks.push(task),
            Err(reason) => failures.push(Failure {
                arn: Some(cx.settings.instance_arn(&cluster.name, id)),
                reason: Some(reason),
                detail: None,
            }),
        }
    }
    Ok(StartTaskOutput {
        tasks: Some(view::task::started(&cx.reading(), &tasks)),
        failures: Some(failures),
    })
}

/// The members that both operations have.
fn as_run_task(input: StartTaskInput) -> RunTaskInput {
    RunTaskInput {
        cluster: input.cluster,
        enable_ecs_managed_tags: input.enable_ecs_managed_tags,
        enable_execute_command: input.enable_execute_command,
        group: input.group,
        network_configuration: input.network_configuration,
        overrides: input.overrides,
        propagate_tags: input.propagate_tags,
        reference_id: input.reference_id,
        tags: input.tags,
        task_definition: input.task_definition,
        volume_configurations: input.volume_configurations,
        ..RunTaskInput::default()
    }
}

/// An instance as it was named: there, or the reason why not.
type Named = (ContainerInstanceId, Result<Arc<Instance>, &'static str>);

fn instances(cx: &Cx<'_>, cluster: &Cluster, named: &[String]) -> Result<Vec<Named>, OpError> {
    if named.is_empty() {
        return Err(OpError::client("Container Instances cannot be empty."));
    }
    if named.len() > START_INSTANCES_MAX {
        return Err(OpError::invalid_parameter(format!(
            "containerInstances can have at most {START_INSTANCES_MAX} items."
        )));
    }
    let named = named.iter().map(|text| {
        let id = container_instance_id(cx.settings, &cluster.name, text)?;
        let known = cx.state.instances().get(&id);
        let found = match known.filter(|instance| instance.cluster == cluster.name) {
            None => Err("MISSING"),
            Some(one) if one.status == InstanceStatus::Inactive => Err("INACTIVE"),
            Some(instance) => Ok(instance.clone()),
        };
        Ok((id, found))
    });
    named.collect()
}

fn launch_type(instance: &Instance) -> LaunchType {
    match instance.attribute(EXTERNAL) {
        Some(_) => LaunchType::External,
        None => LaunchType::Ec2,
    }
}

/// One for each launch type of the instances. Without any instance the request is still checked.
fn templates<'a>(
    cx: &Cx<'_>,
    input: &RunTaskInput,
    cluster: &'a Cluster,
    definition: &'a Definition,
    named: &[Named],
) -> Result<BTreeMap<LaunchType, Template<'a>>, OpError> {
    let mut templates = BTreeMap::new();
    let found = named.iter().filter_map(|(_, found)| found.as_ref().ok());
    let mut kinds: Vec<LaunchType> = found.map(|instance| launch_type(instance)).collect();
    if kinds.is_empty() {
        kinds.push(LaunchType::Ec2);
    }
    for kind in kinds {
        if templates.contains_key(&kind) {
            continue;
        }
        let input = RunTaskInput {
            launch_type: Some(shapes::LaunchType::from(kind.as_str())),
            ..input.clone()
        };
        let checked = template::checked(cx.settings, input, cluster, definition)?;
        let rules = Rules::default();
        templates.insert(kind, Template { rules, ..checked });
    }
    Ok(templates)
}

/// Starts one task on the instance, or says why that refuses.
fn start(
    cx: &mut Cx<'_>,
    template: &Template<'_>,
    id: ContainerInstanceId,
    index: usize,
) -> Result<Arc<Task>, String> {
    let placed = placing::admit(cx.state, template.needs(), template.cluster, id);
    let placed = placed.map_err(|refusal| refusal.to_string())?;
    Ok(template.create(cx, None, Start::Placed(&placed, None), index))
}

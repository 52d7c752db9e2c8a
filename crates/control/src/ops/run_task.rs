//! RunTask: places and starts 1–10 tasks of a task definition (`run-task.md`).
//!
//! What surprises: the definition is resolved to a revision first of all, because
//! authorization is decided on it; a call in which nothing fits is still a success
//! with an empty `tasks`; on container instances there is one failure per instance
//! examined, not per task.

use std::sync::Arc;

use model::shapes::{Failure, RunTaskInput, RunTaskOutput, Tag};
use scheduler::{Placements, Pool};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{active_cluster, definition_ref, find_definition};
use crate::launch::create::Template;
use crate::launch::placement::Rules;
use crate::launch::request::Propagation;
use crate::launch::token::{self, Recall};
use crate::launch::{demand, network, overrides, placing, request};
use crate::record::Definition;
use crate::record::task::{LaunchType, Task};
use crate::view::task::Tags;
use crate::{honoured, tags, view};

pub(crate) fn run_task(cx: &mut Cx<'_>, mut input: RunTaskInput) -> Result<RunTaskOutput, OpError> {
    let definition = definition(cx, &input)?;
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let recall = token::recall(cx, &mut input, &cluster.name)?;
    if let Recall::Repetition(tasks) = &recall {
        return Ok(answer(cx, tasks, Vec::new()));
    }
    let absent = || OpError::client("TaskDefinition not found.");
    let definition = definition.ok_or_else(absent)?;
    let count = request::count(&input)?;
    let template = template(input, &cluster.name, &definition)?;
    let placing = placing::place(cx, &template, pool(&template), count);
    let failures = failures(cx, &template, &placing.placements)?;
    let mut tasks = Vec::with_capacity(placing.placements.placed.len());
    for (index, placed) in placing.placements.placed.iter().enumerate() {
        tasks.push(template.create(cx, placed, placing.record(index), index));
    }
    token::remember(cx, recall, &tasks);
    Ok(answer(cx, &tasks, failures))
}

/// `None` for one that does not exist, which a repeated call need not care about.
fn definition(cx: &Cx<'_>, input: &RunTaskInput) -> Result<Option<Arc<Definition>>, OpError> {
    let text = input.task_definition.as_deref().unwrap_or_default();
    if text.is_empty() {
        return Err(OpError::invalid_parameter(
            "taskDefinition can not be blank.",
        ));
    }
    let named = definition_ref(cx.settings, text)?;
    Ok(find_definition(cx.state, &named).cloned())
}

/// Checks the request against the definition and keeps what all tasks of the call share.
fn template<'a>(
    mut input: RunTaskInput,
    cluster: &'a str,
    definition: &'a Definition,
) -> Result<Template<'a>, OpError> {
    request::check_definition(definition)?;
    let launch_type = request::launch_type(&input, definition)?;
    let rules = Rules::checked(&input, definition, launch_type)?;
    request::check_execute_command(&input, definition)?;
    request::check_volumes(&input, definition)?;
    let platform_version = request::platform_version(&input, launch_type)?;
    let overrides = overrides::checked(input.overrides.take(), definition, launch_type)?;
    let network_mode = network::mode(definition);
    let network = input.network_configuration.take();
    let subnets = network::subnets(network, network_mode, launch_type)?;
    let tags = task_tags(&mut input, cluster, definition)?;
    let group = request::group(input.group.take(), &definition.id.family)?;
    let started_by = request::started_by(input.started_by.take())?;
    request::check_supported(&input)?;
    honoured::check(definition)?;
    let reserved = demand::reserved(overrides.as_deref(), definition, network_mode);
    Ok(Template {
        cluster,
        definition,
        launch_type,
        group,
        started_by,
        overrides,
        network_mode,
        subnets,
        platform_version,
        reserved,
        rules,
        tags,
    })
}

/// Tags of the request, then those of the definition that do not collide, then the managed one.
fn task_tags(
    input: &mut RunTaskInput,
    cluster: &str,
    definition: &Definition,
) -> Result<Vec<Tag>, OpError> {
    let mut all = tags::checked(input.tags.take())?;
    if request::propagation(input)? == Propagation::FromDefinition {
        let own = definition
            .tags
            .iter()
            .filter(|tag| !tags::is_reserved(tags::key_of(tag)));
        for tag in own {
            if !all.iter().any(|known| known.key == tag.key) {
                all.push(tag.clone());
            }
        }
    }
    if input.enable_ecs_managed_tags == Some(true) {
        let key = Some("aws:ecs:clusterName".to_owned());
        all.push(Tag {
            key,
            value: Some(cluster.to_owned()),
        });
    }
    tags::check_count(&all)?;
    Ok(all)
}

fn pool<'a>(template: &Template<'a>) -> Pool<'a> {
    let cluster = template.cluster;
    match template.launch_type {
        LaunchType::Ec2 => Pool::Ec2 { cluster },
        LaunchType::External => Pool::External { cluster },
        LaunchType::Fargate => Pool::Fargate,
    }
}

/// Translates refusals into `failures`; an empty cluster is an error of its own.
fn failures(
    cx: &Cx<'_>,
    template: &Template<'_>,
    placements: &Placements,
) -> Result<Vec<Failure>, OpError> {
    if template.launch_type == LaunchType::Fargate {
        let placed_all = placements.refusals.is_empty() && placements.examined > 0;
        return Ok(if placed_all {
            Vec::new()
        } else {
            vec![no_fargate_capacity()]
        });
    }
    if placements.examined == 0 {
        let text = "No Container Instances were found in your cluster.";
        return Err(OpError::invalid_parameter(text));
    }
    let failure = |(id, refusal): &(_, scheduler::Refusal)| Failure {
        arn: Some(cx.settings.instance_arn(template.cluster, *id)),
        reason: Some(refusal.to_string()),
        detail: None,
    };
    Ok(placements.refusals.iter().map(failure).collect())
}

fn no_fargate_capacity() -> Failure {
    let reason = "Capacity is unavailable at this time. \
                  Please try again later or in a different availability zone";
    Failure {
        arn: None,
        reason: Some(reason.to_owned()),
        detail: None,
    }
}

fn answer(cx: &Cx<'_>, tasks: &[Arc<Task>], failures: Vec<Failure>) -> RunTaskOutput {
    let reading = cx.reading();
    let tasks = tasks
        .iter()
        .map(|task| view::task::task(&reading, task, Tags::Shown))
        .collect();
    RunTaskOutput {
        tasks: Some(tasks),
        failures: Some(failures),
    }
}

#[cfg(test)]
mod tests;

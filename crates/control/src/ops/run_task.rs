//! RunTask: places and starts 1–10 tasks of a task definition (`run-task.md`).
//!
//! What surprises: the definition is resolved to a revision first of all, because
//! authorization is decided on it; a call in which nothing fits is still a success
//! with an empty `tasks`; on container instances there is one failure per instance
//! examined, not per task.

use std::sync::Arc;

use model::shapes::{Failure, RunTaskInput, RunTaskOutput};
use scheduler::Placements;

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::active_cluster;
use crate::launch::create::Template;
use crate::launch::token::{self, Recall};
use crate::launch::{placing, request, template};
use crate::record::task::{LaunchType, Task};
use crate::view;
use crate::view::task::Tags;

pub(crate) fn run_task(cx: &mut Cx<'_>, mut input: RunTaskInput) -> Result<RunTaskOutput, OpError> {
    let definition = template::definition(&cx.reading(), &input)?;
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let recall = token::recall(cx, &mut input, &cluster.name)?;
    if let Recall::Repetition(tasks) = &recall {
        return Ok(answer(cx, tasks, Vec::new()));
    }
    let definition = definition.ok_or_else(template::no_definition)?;
    let count = request::count(&input)?;
    let template = template::checked(input, &cluster.name, &definition)?;
    let placing = placing::place(cx, &template, template.pool(), count);
    let failures = failures(cx, &template, &placing.placements)?;
    let mut tasks = Vec::with_capacity(placing.placements.placed.len());
    for (index, placed) in placing.placements.placed.iter().enumerate() {
        tasks.push(template.create(cx, placed, placing.record(index), index));
    }
    token::remember(cx, recall, &tasks);
    Ok(answer(cx, &tasks, failures))
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

//! RunTask: places and starts 1–10 tasks of a task definition (`run-task.md`).
//!
//! What surprises: the definition is resolved to a revision first of all, because
//! authorization is decided on it; a call in which nothing fits is still a success
//! with an empty `tasks`; on container instances there is one failure per instance
//! examined, not per task.

use std::sync::Arc;

use model::shapes::{Failure, RunTaskInput, RunTaskOutput};
use scheduler::Placements;

use crate::capacity::queue;
use crate::cx::{Cx, Withheld};
use crate::error::OpError;
use crate::identifier::active_cluster;
use crate::launch::create::{Share, Start, Template};
use crate::launch::token::{self, Recall};
use crate::launch::{placing, request, template};
use crate::record::task::{LaunchType, Task};
use crate::view;

pub(crate) fn run_task(cx: &mut Cx<'_>, mut input: RunTaskInput) -> Result<RunTaskOutput, OpError> {
    let definition = template::definition(&cx.reading(), &input)?;
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let recall = token::recall(cx, &mut input, &cluster.name)?;
    if let Recall::Repetition(tasks) = &recall {
        return Ok(answer(cx, tasks, Vec::new()));
    }
    let definition = definition.ok_or_else(template::no_definition)?;
    let count = request::count(&input)?;
    let template = template::checked(cx.settings, input, &cluster, &definition)?;
    let (mut tasks, mut failures) = (Vec::with_capacity(count), withheld(cx, count));
    for share in template.shares(count - failures.len()) {
        failures.extend(start(cx, &template, &share, &mut tasks)?);
    }
    token::remember(cx, recall, &tasks);
    Ok(answer(cx, &tasks, failures))
}

/// The failures of tasks that are not to be started.
fn withheld(cx: &mut Cx<'_>, asked: usize) -> Vec<Failure> {
    let Some(Withheld { failure, count }) = cx.withheld.take() else {
        return Vec::new();
    };
    vec![failure; count.unwrap_or(asked).min(asked)]
}

/// Starts one share of the tasks. What does not fit waits where its capacity provider can grow,
/// and is told as `failures` where not.
fn start(
    cx: &mut Cx<'_>,
    template: &Template<'_>,
    share: &Share<'_>,
    tasks: &mut Vec<Arc<Task>>,
) -> Result<Vec<Failure>, OpError> {
    let wait = queue::may_wait(cx.state, share.provider);
    if wait && queue::holds_back(cx, template.cluster, share.provider) {
        queue::join(cx, template, share, share.count, tasks)?;
        // The older one may be too large for any instance, and then nobody waits for it.
        cx.state.make_news();
        return Ok(Vec::new());
    }
    let placing = placing::place(cx, template.needs(), share.pool, share.count);
    let placements = &placing.placements;
    for (nth, placed) in placements.placed.iter().enumerate() {
        let start = Start::Placed(placed, placing.record(nth));
        let index = tasks.len();
        tasks.push(template.create(cx, share.provider, start, index));
    }
    let left = share.count - placements.placed.len();
    if !wait {
        return match left {
            0 => Ok(Vec::new()),
            _ => failures(cx, template, share, placements),
        };
    }
    if left < share.count {
        queue::pass_over(cx, template.cluster, share.provider);
    }
    queue::join(cx, template, share, left, tasks)?;
    Ok(Vec::new())
}

/// Translates refusals into `failures`; an empty cluster is an error of its own.
fn failures(
    cx: &Cx<'_>,
    template: &Template<'_>,
    share: &Share<'_>,
    placements: &Placements,
) -> Result<Vec<Failure>, OpError> {
    if template.launch_type == LaunchType::Fargate {
        return Ok(vec![no_fargate_capacity(placements)]);
    }
    if placements.examined == 0 {
        return match share.provider {
            Some(provider) => {
                no_instance_of(cx, template.cluster, provider, share.is_only).map(|one| vec![one])
            }
            None => Err(OpError::invalid_parameter(
                "No Container Instances were found in your cluster.",
            )),
        };
    }
    let failure = |(id, refusal): &(_, scheduler::Refusal)| Failure {
        arn: Some(cx.settings.instance_arn(template.cluster, *id)),
        reason: Some(refusal.to_string()),
        detail: None,
    };
    Ok(placements.refusals.iter().map(failure).collect())
}

/// The provider cannot grow, and has no instance that takes tasks, or none at all. That is an
/// error only where it is the strategy's only one: the others' tasks must not be lost.
fn no_instance_of(
    cx: &Cx<'_>,
    cluster: &str,
    provider: &str,
    is_only: bool,
) -> Result<Failure, OpError> {
    let reason = match queue::has_instances(cx.state, cluster, provider) {
        true => "NO ACTIVE INSTANCES",
        false if is_only => {
            return Err(OpError::invalid_parameter(
                "No Container Instances were found in your capacity provider.",
            ));
        }
        false => "EMPTY CAPACITY PROVIDER",
    };
    Ok(Failure {
        arn: Some(cx.settings.capacity_provider_arn(provider)),
        reason: Some(reason.to_owned()),
        detail: None,
    })
}

/// AWS's only reason for Fargate. `detail` says what trying again does not mend: Fargate here is
/// this server's own machine, which may lack what the definition requires.
fn no_fargate_capacity(placements: &Placements) -> Failure {
    let reason = "Capacity is unavailable at this time. \
                  Please try again later or in a different availability zone";
    let refusals = placements.refusals.iter().map(|(_, refusal)| refusal);
    let mut lasting = refusals.filter(|one| !matches!(one, scheduler::Refusal::Resource(_)));
    Failure {
        arn: None,
        reason: Some(reason.to_owned()),
        detail: lasting.next().map(scheduler::Refusal::detail),
    }
}

fn answer(cx: &Cx<'_>, tasks: &[Arc<Task>], failures: Vec<Failure>) -> RunTaskOutput {
    RunTaskOutput {
        tasks: Some(view::task::started(&cx.reading(), tasks)),
        failures: Some(failures),
    }
}

#[cfg(test)]
mod tests;

//! Tells why a task stands where it does, from what was kept when it was placed.

use model::explain::{Decision, Explanation, HostVerdict, ReasonCount, WhyInput, WhyOutput};

use super::explain::{asked, named, zone};
use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{active_cluster, task_id};
use crate::record::placement::{Placement, Sample};
use crate::record::task::Task;

pub(crate) fn why(cx: &ReadCx<'_>, input: WhyInput) -> Result<WhyOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    let id = task_id(cx.settings, &cluster.name, &input.task)?;
    let not_found = || OpError::invalid_parameter("The referenced task was not found.");
    let task = cx.state.task_in(&cluster.name, id).ok_or_else(not_found)?;
    Ok(WhyOutput {
        task_arn: cx.settings.task_arn(&task.cluster, task.id),
        placement: task
            .placement
            .as_deref()
            .map(|kept| explanation(cx, task, kept)),
    })
}

fn explanation(cx: &ReadCx<'_>, task: &Task, kept: &Placement) -> Explanation {
    let rules = kept.rules.as_deref().cloned().unwrap_or_default();
    let chosen = task.instance.map(|id| named(cx, id, &kept.ranking));
    let runner_up = kept.runner_up.as_ref();
    let decision = Decision {
        pool: pool_text(task),
        seed: kept.seed,
        chosen,
        runner_up: runner_up.map(|next| named(cx, next.instance, &next.ranking)),
        examined: kept.examined,
        refused: kept.refused.iter().map(count).collect(),
        hosts: kept.samples.iter().map(|one| verdict(cx, one)).collect(),
    };
    Explanation {
        asked: asked(&task.reserved),
        constraints: rules.constraints,
        strategies: rules.strategies,
        tasks: vec![decision],
    }
}

fn pool_text(task: &Task) -> String {
    format!("launch type {}", task.launch_type.as_str())
}

fn count((reason, hosts): &(String, u32)) -> ReasonCount {
    ReasonCount {
        reason: reason.clone(),
        hosts: *hosts,
    }
}

fn verdict(cx: &ReadCx<'_>, sample: &Sample) -> HostVerdict {
    HostVerdict {
        host: named(cx, sample.instance, &[]),
        zone: zone(cx, sample.instance),
        reason: Some(sample.reason.clone()),
        detail: Some(sample.detail.clone()),
    }
}

//! Tells why a task stands where it does, from what was kept when it was placed; and of one
//! that still waits for its capacity provider, why it does.

use model::explain::{Decision, Explanation, HostVerdict, ReasonCount, WhyInput, WhyOutput};

use super::explain::{asked, decision_now, named, pool_text, zone};
use crate::capacity::queue;
use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{active_cluster, known_task, task_id};
use crate::launch::{create, placing};
use crate::record::placement::{Placement, RulesText, Sample};
use crate::record::task::Task;

pub(crate) fn why(cx: &ReadCx<'_>, input: WhyInput) -> Result<WhyOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    let id = task_id(cx.settings, &cluster.name, &input.task)?;
    let task = &*known_task(cx.state, &cluster.name, id)?;
    let placement = match task.placement.as_deref() {
        Some(kept) => Some(explanation(
            task,
            kept.rules.as_deref(),
            then(cx, task, kept),
        )),
        None if task.is_waiting() => {
            let rules = task.waiting.as_ref().and_then(|one| one.rules.as_deref());
            now(cx, task).map(|decision| explanation(task, rules, decision))
        }
        None => None,
    };
    Ok(WhyOutput {
        task_arn: cx.settings.task_arn(&task.cluster, task.id),
        placement,
    })
}

fn explanation(task: &Task, rules: Option<&RulesText>, decision: Decision) -> Explanation {
    let rules = rules.cloned().unwrap_or_default();
    Explanation {
        asked: asked(&task.reserved),
        constraints: rules.constraints,
        strategies: rules.strategies,
        tasks: vec![decision],
    }
}

/// As it was decided.
fn then(cx: &ReadCx<'_>, task: &Task, kept: &Placement) -> Decision {
    let pool = create::pool(task.launch_type, &task.cluster, task.provider.as_deref());
    let runner_up = kept.runner_up.as_ref();
    Decision {
        pool: pool_text(pool),
        seed: kept.seed,
        chosen: task.instance.map(|id| named(cx, id, &kept.ranking)),
        runner_up: runner_up.map(|next| named(cx, next.instance, &next.ranking)),
        examined: kept.examined,
        refused: kept.refused.iter().map(count).collect(),
        hosts: kept.samples.iter().map(|one| verdict(cx, one)).collect(),
    }
}

/// As it would be decided now.
fn now(cx: &ReadCx<'_>, task: &Task) -> Option<Decision> {
    let definition = cx.state.definitions().get(&task.definition)?;
    queue::asking(cx.settings, task, definition, |needs, pool| {
        placing::ask(cx.state, needs, pool, 1, |_, request| {
            decision_now(cx, request)
        })
    })
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

//! Tasks that wait for the instances of their capacity provider (`placement.md` §7.3).
//!
//! The queue of a provider in a cluster is sorted by age. Whenever room may have come, its tasks
//! are looked at in this order, and each that fits is placed; so small tasks may pass large ones.
//! A task that was first passed over [`PATIENCE_MILLIS`] ago holds the queue back: nothing behind
//! it is placed, and no new task of the provider, until it is placed itself. It does so only as
//! long as there is an instance that is large enough for it, and merely too full.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scheduler::{Placements, Pool, Refusal};

use crate::cx::{Cx, Settings};
use crate::error::OpError;
use crate::launch::create::{self, Share, Start, Template};
use crate::launch::network;
use crate::launch::placement::Rules;
use crate::launch::placing::{self, Needs, Placing};
use crate::limits::WAITING_TASKS_MAX;
use crate::record::task::{LaunchType, Stop, StopCode, Waiting};
use crate::record::{Definition, Task};
use crate::state::State;

/// How long a task lets others pass, in milliseconds.
pub(crate) const PATIENCE_MILLIS: i64 = 60_000;

/// Do tasks that find no room wait? Only where the provider can grow.
pub(crate) fn may_wait(state: &State, provider: Option<&str>) -> bool {
    let own = provider.and_then(|name| state.capacity_providers().get(&name.to_owned()));
    own.is_some_and(|own| own.is_active() && own.scaling.enabled)
}

/// Must a new task wait for an older one, whether it would fit or not?
pub(crate) fn holds_back(cx: &Cx<'_>, cluster: &str, provider: Option<&str>) -> bool {
    let mut waiting = of_provider(cx.state, cluster, provider);
    waiting.any(|task| is_impatient(task, cx.now))
}

/// Remembers that a new task went ahead of those that wait.
pub(crate) fn pass_over(cx: &mut Cx<'_>, cluster: &str, provider: Option<&str>) {
    let waiting = of_provider(cx.state, cluster, provider);
    let patient = waiting.filter(|task| passed_over_at(task).is_none());
    let patient: Vec<Arc<Task>> = patient.cloned().collect();
    mark(cx, &patient);
}

/// Creates tasks that wait.
pub(crate) fn join(
    cx: &mut Cx<'_>,
    template: &Template<'_>,
    share: &Share<'_>,
    count: usize,
    tasks: &mut Vec<Arc<Task>>,
) -> Result<(), OpError> {
    if cx.state.waiting_count(template.cluster) + count > WAITING_TASKS_MAX {
        let text = "Tasks provisioning capacity limit exceeded.";
        return Err(OpError::client(text));
    }
    let rules = placing::rules_text(&template.rules);
    for _ in 0..count {
        let waiting = Waiting {
            rules: rules.clone(),
            subnets: template.subnets.clone(),
            passed_over_at: None,
        };
        let index = tasks.len();
        tasks.push(template.create(cx, share.provider, Start::Waiting(waiting), index));
    }
    Ok(())
}

/// Has the provider any instance in the cluster that is registered?
pub(crate) fn has_instances(state: &State, cluster: &str, provider: &str) -> bool {
    state.fleet().hosts().any(|host| {
        host.cluster == cluster
            && host.capacity_provider.as_deref() == Some(provider)
            && is_registered(state, &host.id)
    })
}

fn is_registered(state: &State, id: &model::ContainerInstanceId) -> bool {
    use crate::record::instance::InstanceStatus;
    let instance = state.instances().get(id);
    instance.is_some_and(|instance| instance.status != InstanceStatus::Inactive)
}

/// Places waiting tasks, if anything has changed since the last time that could let them in. To
/// be called after changes, before they are committed.
pub fn advance(cx: &mut Cx<'_>) {
    if !cx.state.take_news() {
        return;
    }
    let clusters: Vec<String> = cx.state.clusters_that_wait().cloned().collect();
    for cluster in &clusters {
        advance_cluster(cx, cluster);
    }
}

/// What one look at a cluster's queue has found so far.
#[derive(Default)]
struct Look {
    refused: Vec<Refused>,
    /// Providers whose queue is held back.
    held: BTreeSet<String>,
}

/// A task that did not fit. An equal one does not fit either.
struct Refused {
    task: Arc<Task>,
    /// Some instance is large enough for it, and merely too full.
    may_come: bool,
}

fn advance_cluster(cx: &mut Cx<'_>, cluster: &str) {
    let waiting: Vec<Arc<Task>> = cx.state.waiting_tasks_of(cluster).cloned().collect();
    let mut look = Look::default();
    for task in waiting {
        let provider = task.provider.clone().unwrap_or_default();
        if look.held.contains(&provider) {
            continue;
        }
        let mut refused = look.refused.iter();
        let known = refused.find(|refused| asks_the_same(&refused.task, &task));
        let may_come = match known.map(|refused| refused.may_come) {
            Some(may_come) => may_come,
            None => match attempt(cx, &task) {
                Some(placing) if !placing.placements.placed.is_empty() => {
                    enter(cx, &task, &placing);
                    let passed = look.refused.iter().map(|refused| &refused.task);
                    let passed = passed.filter(|one| one.provider == task.provider);
                    let passed: Vec<Arc<Task>> = passed.cloned().collect();
                    mark(cx, &passed);
                    continue;
                }
                Some(placing) => is_large_enough(cx, &task, &placing.placements),
                None => continue,
            },
        };
        if may_come && is_impatient(&task, cx.now) {
            look.held.insert(provider);
        }
        look.refused.push(Refused { task, may_come });
    }
}

fn asks_the_same(one: &Task, other: &Task) -> bool {
    one.provider == other.provider
        && one.definition == other.definition
        && one.reserved == other.reserved
        && one.group == other.group
        && rules_of(one) == rules_of(other)
        && subnets_of(one) == subnets_of(other)
}

fn rules_of(task: &Task) -> Option<&crate::record::placement::RulesText> {
    task.waiting.as_ref()?.rules.as_deref()
}

fn subnets_of(task: &Task) -> &[String] {
    let waiting = task.waiting.as_deref();
    waiting.map_or(&[], |waiting| &waiting.subnets)
}

/// Asks for a place. `None` for a task without a definition, which cannot be.
fn attempt(cx: &mut Cx<'_>, task: &Task) -> Option<Placing> {
    let definition = cx.state.definitions().get(&task.definition)?.clone();
    let settings = cx.settings;
    Some(asking(settings, task, &definition, |needs, pool| {
        placing::place(cx, needs, pool, 1)
    }))
}

/// What a task that waits needs, and of whom.
pub(crate) fn asking<T>(
    settings: &Settings,
    task: &Task,
    definition: &Definition,
    ask: impl FnOnce(Needs<'_>, Pool<'_>) -> T,
) -> T {
    let rules = rules_of(task).map(Rules::from_text).unwrap_or_default();
    let zones = network::zones(settings, task.launch_type, subnets_of(task));
    let needs = Needs {
        definition,
        zones: &zones,
        reserved: &task.reserved,
        group: &task.group,
        rules: &rules,
    };
    let pool = create::pool(LaunchType::Ec2, &task.cluster, task.provider.as_deref());
    ask(needs, pool)
}

fn enter(cx: &mut Cx<'_>, task: &Task, placing: &Placing) {
    let Some(placed) = placing.placements.placed.first() else {
        return;
    };
    let mut task = task.clone();
    let instance = cx.state.instances().get(&placed.host);
    let zone = instance.and_then(|instance| instance.zone());
    let subnet = network::subnet_in(cx.settings, subnets_of(&task), zone, 0).cloned();
    if let (Some(attachment), Some(subnet)) = (&mut task.attachment, subnet) {
        attachment.subnet = subnet;
    }
    task.leave_queue(placed.host, placed.gpu_ids.clone(), cx.now);
    task.placement = placing.record(0).map(Box::new);
    task.version += 1;
    cx.state.put_task(task);
}

/// Is there an instance that is merely too full?
fn is_large_enough(cx: &Cx<'_>, task: &Task, placements: &Placements) -> bool {
    let holds = |id| {
        let host = cx.state.fleet().host(id);
        host.is_some_and(|host| {
            host.cpu_units >= task.reserved.cpu_units
                && host.memory_mib >= task.reserved.memory_mib
                && host.gpus.len() >= task.reserved.gpu_count as usize
                && host.network_interfaces != Some(0)
        })
    };
    let mut refusals = placements.refusals.iter();
    refusals.any(|(id, refusal)| matches!(refusal, Refusal::Resource(_)) && holds(id))
}

fn of_provider<'a>(
    state: &'a State,
    cluster: &str,
    provider: Option<&'a str>,
) -> impl Iterator<Item = &'a Arc<Task>> {
    let waiting = state.waiting_tasks_of(cluster);
    waiting.filter(move |task| task.provider.as_deref() == provider)
}

fn passed_over_at(task: &Task) -> Option<model::Timestamp> {
    task.waiting.as_ref()?.passed_over_at
}

fn is_impatient(task: &Task, now: model::Timestamp) -> bool {
    passed_over_at(task).is_some_and(|at| now.millis_since(at) >= PATIENCE_MILLIS)
}

/// Notes, once for each, that a task behind was placed first.
fn mark(cx: &mut Cx<'_>, passed: &[Arc<Task>]) {
    for task in passed {
        let current = cx.state.tasks().get(&task.id).cloned();
        let Some(task) = current.filter(|task| passed_over_at(task).is_none()) else {
            continue;
        };
        let mut task = Task::clone(&task);
        if let Some(waiting) = &mut task.waiting {
            waiting.passed_over_at = Some(cx.now);
            cx.state.put_task(task);
        }
    }
}

/// Ends the tasks that have waited too long. Returns how many.
pub fn expire(cx: &mut Cx<'_>) -> usize {
    let timeout = cx
        .settings
        .limits
        .provisioning_timeout_seconds
        .saturating_mul(1000);
    let horizon = cx.now.plus_millis(-timeout);
    let clusters: Vec<String> = cx.state.clusters_that_wait().cloned().collect();
    let mut expired = Vec::new();
    for cluster in &clusters {
        let waiting = cx.state.waiting_tasks_of(cluster);
        expired.extend(
            waiting
                .take_while(|task| task.times.created_at <= horizon)
                .cloned(),
        );
    }
    for task in &expired {
        let cause = Stop {
            code: StopCode::TaskFailedToStart,
            reason: format!("TaskFailedToStart: {}", why(cx, task)),
        };
        let mut task = Task::clone(task);
        task.end_unplaced(cause, cx.now);
        task.version += 1;
        cx.state.put_task(task);
    }
    expired.len()
}

/// What kept the task from being placed: the reason of most instances.
fn why(cx: &mut Cx<'_>, task: &Task) -> String {
    let provider = task.provider.as_deref().unwrap_or_default();
    if !has_instances(cx.state, &task.cluster, provider) {
        return "EMPTY CAPACITY PROVIDER".to_owned();
    }
    let tally = attempt(cx, task).map(|placing| placing.placements.tally);
    let tally: BTreeMap<&str, usize> = tally.unwrap_or_default();
    let most = tally
        .iter()
        .max_by_key(|(reason, count)| (**count, std::cmp::Reverse(**reason)));
    match most {
        Some((reason, _)) => reason.trim_end_matches('.').to_owned(),
        None => "NO ACTIVE INSTANCES".to_owned(),
    }
}

#[cfg(test)]
mod tests;

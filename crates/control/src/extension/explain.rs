//! Explains what RunTask would do: every host's verdict, for each task of the call. Places
//! nothing and stores nothing.

use std::sync::Arc;

use model::explain::{
    Asked, Candidate, Decision, ExplainInput, Explanation, HostVerdict, ReasonCount,
};
use model::shapes::RegisterTaskDefinitionInput;
use model::{ContainerInstanceId, Timestamp};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scheduler::{Examined, Fleet, Pool, RankValue, Request};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::active_cluster;
use crate::launch::{placing, request, template};
use crate::record::definition::DefinitionStatus;
use crate::record::task::Reserved;
use crate::record::{Definition, DefinitionKey};
use crate::{registration, tags};

pub(crate) fn explain(cx: &ReadCx<'_>, mut input: ExplainInput) -> Result<Explanation, OpError> {
    let definition = match input.definition.take() {
        Some(given) => Arc::new(unregistered(given)?),
        None => {
            let known = template::definition(cx, &input.run_task)?;
            known.ok_or_else(template::no_definition)?
        }
    };
    let cluster = active_cluster(cx, input.run_task.cluster.as_deref())?;
    let count = request::count(&input.run_task)?;
    let template = template::checked(cx.settings, input.run_task, &cluster, &definition)?;
    let seed = seed(cx.now);
    let mut fleet = cx.state.fleet().clone();
    let mut tasks = Vec::with_capacity(count);
    for share in template.shares(count) {
        let needs = template.needs();
        tasks.extend(placing::ask(
            cx.state,
            needs,
            share.pool,
            1,
            |_, request| decisions(cx, &mut fleet, request, share.count, seed),
        ));
    }
    let rules = placing::rules_text(&template.rules).unwrap_or_default();
    Ok(Explanation {
        asked: asked(&template.reserved),
        constraints: rules.constraints.clone(),
        strategies: rules.strategies.clone(),
        tasks,
    })
}

/// As it would be registered. Its revision does not count for placement.
fn unregistered(mut given: RegisterTaskDefinitionInput) -> Result<Definition, OpError> {
    let tags = tags::checked(given.tags.take())?;
    let shape = registration::checked(given)?;
    let family = shape.family.clone().unwrap_or_default();
    Ok(Definition {
        id: DefinitionKey {
            family,
            revision: 0,
        },
        status: DefinitionStatus::Active,
        shape,
        tags,
    })
}

/// A reader has no generator of its own: the moment of asking decides the random choices.
fn seed(now: Timestamp) -> u64 {
    now.millis().unsigned_abs()
}

/// What the scheduler would say to one more task now.
pub(crate) fn decision_now(cx: &ReadCx<'_>, request: &Request<'_>) -> Option<Decision> {
    let mut fleet = cx.state.fleet().clone();
    let mut decisions = decisions(cx, &mut fleet, request, 1, seed(cx.now));
    decisions.pop()
}

/// One after the other; each sees what the ones before took. Ends with the first that fits
/// nowhere.
fn decisions(
    cx: &ReadCx<'_>,
    fleet: &mut Fleet,
    request: &Request<'_>,
    count: usize,
    seed: u64,
) -> Vec<Decision> {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let mut decisions = Vec::with_capacity(count);
    for _ in 0..count {
        let seen = scheduler::explain(fleet, request, &mut rng);
        let placed = seen.placements.placed.into_iter().next();
        let chosen = placed
            .as_ref()
            .map(|placed| candidate(cx, placed.host, &placed.values));
        let next = placed.as_ref().and_then(|placed| placed.runner_up.as_ref());
        decisions.push(Decision {
            pool: pool_text(request.pool),
            seed,
            chosen,
            runner_up: next.map(|next| candidate(cx, next.host, &next.values)),
            examined: placing::count(seen.hosts.len()),
            refused: counts(&seen.hosts),
            hosts: seen.hosts.iter().map(|host| verdict(cx, host)).collect(),
        });
        let Some(placed) = placed else { break };
        fleet.take(&placed.host, request.demand, &placed.gpu_ids, request.group);
    }
    decisions
}

fn counts(hosts: &[Examined]) -> Vec<ReasonCount> {
    let mut tally = std::collections::BTreeMap::new();
    for refusal in hosts.iter().filter_map(|host| host.refusals.first()) {
        *tally.entry(refusal.reason()).or_insert(0) += 1;
    }
    let count = |(reason, hosts): (&str, u32)| ReasonCount {
        reason: reason.to_owned(),
        hosts,
    };
    tally.into_iter().map(count).collect()
}

fn verdict(cx: &ReadCx<'_>, examined: &Examined) -> HostVerdict {
    let details = examined.refusals.iter().map(|refusal| refusal.detail());
    let details: Vec<String> = details.collect();
    let first = examined.refusals.first();
    HostVerdict {
        host: candidate(cx, examined.host, &examined.values),
        zone: zone(cx, examined.host),
        reason: first.map(|refusal| refusal.reason().to_owned()),
        detail: (!details.is_empty()).then(|| details.join("; ")),
    }
}

pub(crate) fn candidate(
    cx: &ReadCx<'_>,
    id: ContainerInstanceId,
    values: &[RankValue],
) -> Candidate {
    named(cx, id, &placing::ranking(values))
}

/// A host with the name that people know it by.
pub(crate) fn named(cx: &ReadCx<'_>, id: ContainerInstanceId, ranking: &[u32]) -> Candidate {
    let instance = cx.state.instances().get(&id);
    let cluster = instance.map_or("", |instance| instance.cluster.as_str());
    Candidate {
        container_instance_arn: cx.settings.instance_arn(cluster, id),
        name: instance.and_then(|instance| instance.name.clone()),
        ranking: ranking.iter().copied().map(u64::from).collect(),
    }
}

pub(crate) fn zone(cx: &ReadCx<'_>, id: ContainerInstanceId) -> Option<String> {
    let instance = cx.state.instances().get(&id)?;
    instance.zone().map(str::to_owned)
}

pub(crate) fn asked(reserved: &Reserved) -> Asked {
    let tcp = reserved.tcp_ports.iter().map(|port| format!("{port}/tcp"));
    let udp = reserved.udp_ports.iter().map(|port| format!("{port}/udp"));
    Asked {
        cpu: reserved.cpu_units,
        memory: reserved.memory_mib,
        gpus: reserved.gpu_count,
        ports: tcp.chain(udp).collect(),
    }
}

pub(crate) fn pool_text(pool: Pool<'_>) -> String {
    match pool {
        Pool::Ec2 { .. } => "launch type EC2".to_owned(),
        Pool::External { .. } => "launch type EXTERNAL".to_owned(),
        Pool::Fargate => "launch type FARGATE".to_owned(),
        Pool::Provider { provider, .. } => format!("capacity provider {provider}"),
    }
}

//! From a call's template to the scheduler and back: one share of the call's tasks, all in
//! one pool of hosts, and what is kept of the decision.

use std::sync::Arc;

use model::ContainerInstanceId;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scheduler::{
    BinpackBy, Constraint, Placed, Placements, Pool, RankValue, Refusal, Request, SpreadBy,
    Strategy, Survey,
};

use super::demand;
use super::placement::Rules;
use crate::cx::Cx;
use crate::local_host::demand_of;
use crate::record::Definition;
use crate::record::placement::{Placement, RulesText, RunnerUp, Sample};
use crate::record::task::Reserved;
use crate::state::State;

/// Above so many hosts a placed task's record does not count who would have refused it:
/// asking all of them would cost more than the placement. `explain` asks them.
const SURVEYED_HOSTS_MAX: usize = 100;
/// Refusals that a task's record shows one by one.
const SAMPLES_MAX: usize = 10;

/// What came of placing one share.
pub(crate) struct Placing {
    pub(crate) seed: u64,
    pub(crate) placements: Placements,
    /// As the hosts stood before the first task.
    survey: Option<Survey>,
    rules: Option<Arc<RulesText>>,
}

/// What a task needs of its host, and what guides the choice.
#[derive(Clone, Copy)]
pub(crate) struct Needs<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) reserved: &'a Reserved,
    pub(crate) group: &'a str,
    /// Empty for any zone.
    pub(crate) zones: &'a [String],
    pub(crate) rules: &'a Rules,
}

/// Places `count` tasks in the pool; the caller creates them.
pub(crate) fn place(cx: &mut Cx<'_>, needs: Needs<'_>, pool: Pool<'_>, count: usize) -> Placing {
    let seed = seed(cx.random.placement());
    ask(cx.state, needs, pool, count, |fleet, request| {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let placements = scheduler::place(fleet, request, &mut rng);
        let survey = match placements.placed.is_empty() {
            true => None,
            false => scheduler::survey(fleet, request, SURVEYED_HOSTS_MAX, SAMPLES_MAX),
        };
        Placing {
            seed,
            placements,
            survey,
            rules: rules_text(needs.rules),
        }
    })
}

/// Asks the host that the caller has named, whatever its status. One that the ledger does not
/// have is one that nobody stands behind.
pub(crate) fn admit(
    state: &State,
    needs: Needs<'_>,
    cluster: &str,
    host: ContainerInstanceId,
) -> Result<Placed, Refusal> {
    let pool = Pool::Ec2 { cluster };
    let answer = ask(state, needs, pool, 1, |fleet, request| {
        scheduler::admit(fleet, &host, request)
    });
    answer.unwrap_or(Err(Refusal::Agent))
}

/// Puts the needs into the scheduler's words and hands them to `with`.
pub(crate) fn ask<T>(
    state: &State,
    needs: Needs<'_>,
    pool: Pool<'_>,
    count: usize,
    with: impl FnOnce(&scheduler::Fleet, &Request<'_>) -> T,
) -> T {
    let attributes = demand::required_attributes(needs.definition);
    let demand = demand_of(needs.reserved);
    let zones: Vec<&str> = needs.zones.iter().map(String::as_str).collect();
    let request = Request {
        pool,
        count,
        demand: &demand,
        attributes: &attributes,
        group: needs.group,
        zones: &zones,
        constraints: &needs.rules.constraints,
        strategies: &needs.rules.strategies,
    };
    with(state.fleet(), &request)
}

/// 53 bits, so that every reader of JSON can hold the number.
fn seed(rng: &mut impl Rng) -> u64 {
    rng.random::<u64>() >> 11
}

impl Placing {
    /// What the `index`-th placed task of the share keeps.
    pub(crate) fn record(&self, index: usize) -> Option<Placement> {
        let placed = self.placements.placed.get(index)?;
        let runner_up = placed.runner_up.as_ref().map(|next| RunnerUp {
            instance: next.host,
            ranking: ranking(&next.values),
        });
        let survey = self.survey.as_ref();
        let tally = survey.into_iter().flat_map(|survey| &survey.tally);
        let refusals = survey.into_iter().flat_map(|survey| &survey.refusals);
        Some(Placement {
            rules: self.rules.clone(),
            seed: self.seed,
            examined: count(self.placements.examined),
            ranking: ranking(&placed.values),
            runner_up,
            refused: tally
                .map(|(reason, hosts)| ((*reason).to_owned(), count(*hosts)))
                .collect(),
            samples: refusals.map(sample).collect(),
        })
    }
}

fn sample((instance, refusal): &(ContainerInstanceId, scheduler::Refusal)) -> Sample {
    Sample {
        instance: *instance,
        reason: refusal.reason().to_owned(),
        detail: refusal.detail(),
    }
}

/// A number of hosts or tasks, for the wire.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The number behind each value; the least wins.
pub(crate) fn ranking(values: &[RankValue]) -> Vec<u32> {
    let number = |value: &RankValue| match value {
        RankValue::Random => 0,
        RankValue::Spread { tasks, .. } => *tasks,
        RankValue::Binpack { left, .. } => *left,
    };
    values.iter().map(number).collect()
}

/// `None` for a call without any.
pub(crate) fn rules_text(rules: &Rules) -> Option<Arc<RulesText>> {
    if rules.constraints.is_empty() && rules.strategies.is_empty() {
        return None;
    }
    Some(Arc::new(RulesText {
        constraints: rules.constraints.iter().map(constraint_text).collect(),
        strategies: rules.strategies.iter().map(strategy_text).collect(),
    }))
}

fn constraint_text(constraint: &Constraint) -> String {
    match constraint {
        Constraint::MemberOf(expression) => format!("memberOf {}", expression.text()),
        Constraint::DistinctInstance => "distinctInstance".to_owned(),
    }
}

fn strategy_text(strategy: &Strategy) -> String {
    match strategy {
        Strategy::Random => "random".to_owned(),
        Strategy::Spread(SpreadBy::InstanceId) => "spread instanceId".to_owned(),
        Strategy::Spread(SpreadBy::Attribute(name)) => format!("spread attribute:{name}"),
        Strategy::Binpack(BinpackBy::Cpu) => "binpack cpu".to_owned(),
        Strategy::Binpack(BinpackBy::Memory) => "binpack memory".to_owned(),
    }
}

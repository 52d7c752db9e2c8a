//! The whole picture behind a placement, for dry runs: every host examined.

use model::ContainerInstanceId;
use rand::Rng;

use crate::check::check_all;
use crate::rank;
use crate::scan::pool;
use crate::{Fleet, Placements, RankValue, Refusal, Request, place};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// As they stood before the first task: the best first, then those that refuse, by id.
    pub hosts: Vec<Examined>,
    /// What [`place`] answers from the same seed.
    pub placements: Placements,
}

/// One host, and what it would say to one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub host: ContainerInstanceId,
    /// Every check that it fails, the one that ECS tells first. Empty: it may run the task.
    pub refusals: Vec<Refusal>,
    /// One per strategy, also for a host that refuses.
    pub values: Vec<RankValue>,
}

/// Looks at every host of the pool, however many there are.
pub fn explain(fleet: &Fleet, request: &Request<'_>, rng: &mut impl Rng) -> Explanation {
    let buckets = rank::count_buckets(fleet, request);
    let examined = pool(fleet, request).map(|account| Examined {
        host: account.host.id,
        refusals: check_all(account, request),
        values: rank::values_of(account, request, &buckets),
    });
    let mut hosts: Vec<Examined> = examined.collect();
    hosts.sort_by(|one, other| {
        let fits = |host: &Examined| host.refusals.is_empty();
        let by_rank = || match fits(one) {
            true => rank::compare(&one.values, &other.values),
            false => std::cmp::Ordering::Equal,
        };
        fits(other).cmp(&fits(one)).then_with(by_rank)
    });
    let placements = place(fleet, request, rng);
    Explanation { hosts, placements }
}

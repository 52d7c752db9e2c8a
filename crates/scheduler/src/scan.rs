//! The choice of a host by looking at each: what the indexes must agree with.

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::account::Account;
use crate::check::check;
use crate::place::{Placed, Placements, REFUSALS_MAX, Refused, RunnerUp, place_with};
use crate::rank::{self, Buckets};
use crate::{Fleet, RankValue, Request};

/// As [`crate::place`], at a cost that grows with the number of hosts. The reference of tests
/// and benchmarks.
pub fn place_by_scan(fleet: &Fleet, request: &Request<'_>, rng: &mut impl Rng) -> Placements {
    place_with(fleet, request, |fleet| choose(fleet, request, rng))
}

/// One host for one task, with the number of hosts looked at.
pub(crate) fn choose(
    fleet: &Fleet,
    request: &Request<'_>,
    rng: &mut impl Rng,
) -> Result<(Placed, usize), Refused> {
    let mut refused = Refused::default();
    let mut fitting = Vec::new();
    for account in pool(fleet, request) {
        refused.examined += 1;
        match check(account, request) {
            Ok(()) => fitting.push(account),
            Err(refusal) => {
                refused.add(refusal.reason(), 1);
                if refused.refusals.len() < REFUSALS_MAX {
                    refused.refusals.push((account.host.id, refusal));
                }
            }
        }
    }
    let buckets = rank::count_buckets(fleet, request);
    match best(fitting, request, &buckets, rng) {
        Some(placed) => Ok((placed, refused.examined)),
        None => Err(refused),
    }
}

pub(crate) fn pool<'a>(
    fleet: &'a Fleet,
    request: &Request<'_>,
) -> impl Iterator<Item = &'a Account> {
    let pool = request.pool;
    fleet
        .accounts()
        .filter(move |account| pool.holds(&account.host))
}

/// One of the best at random; the best of the others, by id where they tie, comes second.
fn best(
    fitting: Vec<&Account>,
    request: &Request<'_>,
    buckets: &Buckets<'_>,
    rng: &mut impl Rng,
) -> Option<Placed> {
    let valued = fitting.into_iter().map(|account| {
        let values = rank::values_of(account, request, buckets);
        (account, values)
    });
    let mut ranked: Vec<(&Account, Vec<RankValue>)> = valued.collect();
    ranked.sort_by(|(_, one), (_, other)| rank::compare(one, other));
    let least = &ranked.first()?.1;
    let ties = ranked.partition_point(|(_, values)| rank::compare(values, least).is_eq());
    let winners: Vec<usize> = (0..ties).collect();
    let winner = *winners.choose(rng)?;
    let (account, values) = ranked.remove(winner);
    let gpus = request.demand.gpus as usize;
    let runner_up = ranked.into_iter().next().map(|(account, values)| RunnerUp {
        host: account.host.id,
        values,
    });
    Some(Placed {
        host: account.host.id,
        gpu_ids: account.free_gpus().take(gpus).cloned().collect(),
        values,
        runner_up,
    })
}

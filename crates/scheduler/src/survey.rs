//! Who would refuse one more task, counted: what a placed task's record keeps.

use std::collections::BTreeMap;

use model::ContainerInstanceId;

use crate::check::check;
use crate::index::Class;
use crate::request::BinpackBy;
use crate::{Fleet, Refusal, Request};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Hosts that refuse, by ECS's reason.
    pub tally: BTreeMap<&'static str, usize>,
    /// The first of them, in the order of ids.
    pub refusals: Vec<(ContainerInstanceId, Refusal)>,
}

/// Asks every host of the pool. `None` when there are more than `hosts_max`, because the cost
/// grows with them; at most `refusals_max` refusals are told one by one.
pub fn survey(
    fleet: &Fleet,
    request: &Request<'_>,
    hosts_max: usize,
    refusals_max: usize,
) -> Option<Survey> {
    let mut survey = Survey::default();
    for id in pool(fleet, request, hosts_max)? {
        let Some(Err(refusal)) = fleet.account(&id).map(|account| check(account, request)) else {
            continue;
        };
        *survey.tally.entry(refusal.reason()).or_insert(0) += 1;
        if survey.refusals.len() < refusals_max {
            survey.refusals.push((id, refusal));
        }
    }
    Some(survey)
}

/// The hosts of the pool by id, unless there are too many. Found through the index: a fleet is
/// often much larger than one cluster's part of it.
fn pool(
    fleet: &Fleet,
    request: &Request<'_>,
    hosts_max: usize,
) -> Option<Vec<ContainerInstanceId>> {
    let near = fleet.index().classes_near(request.pool);
    let classes: Vec<&Class> = near
        .filter(|class| request.pool.holds(class.alike()))
        .collect();
    if classes.iter().map(|class| class.len()).sum::<usize>() > hosts_max {
        return None;
    }
    let entries = classes.iter().flat_map(|class| {
        let shelf = class.shelf(BinpackBy::Cpu);
        (0..shelf.len()).filter_map(|rank| shelf.nth(rank))
    });
    let mut ids: Vec<_> = entries.map(|entry| entry.id).collect();
    ids.sort_unstable();
    Some(ids)
}

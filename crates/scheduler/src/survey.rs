//! Who would refuse one more task, counted: what a placed task's record keeps.

use std::collections::BTreeMap;

use model::ContainerInstanceId;

use crate::check::check;
use crate::scan::pool;
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
    for (index, account) in pool(fleet, request).enumerate() {
        if index == hosts_max {
            return None;
        }
        let Err(refusal) = check(account, request) else {
            continue;
        };
        *survey.tally.entry(refusal.reason()).or_insert(0) += 1;
        if survey.refusals.len() < refusals_max {
            survey.refusals.push((account.host.id, refusal));
        }
    }
    Some(survey)
}

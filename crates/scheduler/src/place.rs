//! The public function: a host for each task of a request, or the reasons against.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::ContainerInstanceId;
use rand::Rng;

use crate::search::Search;
use crate::{Fleet, RankValue, Refusal, Request};

/// With so many hosts in the pool every refusal is told one by one.
pub const REFUSALS_MAX: usize = 1000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placements {
    /// One entry per placed task, in order.
    pub placed: Vec<Placed>,
    /// Empty when all were placed. Else how many hosts refused the first task that fitted
    /// nowhere, by ECS's reason; the sum is `examined`.
    pub tally: BTreeMap<&'static str, usize>,
    /// The verdicts behind the tally, in the order of ids: all of them, or 20 of each reason
    /// when the pool has more than [`REFUSALS_MAX`] hosts.
    pub refusals: Vec<(ContainerInstanceId, Refusal)>,
    /// Hosts in the pool; 0 means that there was nothing to look at.
    pub examined: usize,
}

/// Where one task goes, and what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub host: ContainerInstanceId,
    /// The devices it gets: as many as it asked for.
    pub gpu_ids: Vec<String>,
    /// One per strategy.
    pub values: Vec<RankValue>,
    /// The best of the other hosts that could have taken the task.
    pub runner_up: Option<RunnerUp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerUp {
    pub host: ContainerInstanceId,
    pub values: Vec<RankValue>,
}

/// Why a task fits nowhere.
#[derive(Default)]
pub(crate) struct Refused {
    pub(crate) tally: BTreeMap<&'static str, usize>,
    pub(crate) refusals: Vec<(ContainerInstanceId, Refusal)>,
    pub(crate) examined: usize,
}

impl Refused {
    /// Counts hosts of one reason, and says how many there were before.
    pub(crate) fn add(&mut self, reason: &'static str, hosts: usize) -> usize {
        let count = self.tally.entry(reason).or_insert(0);
        *count += hosts;
        *count - hosts
    }
}

/// Places the tasks one after the other; each sees what the ones before took. The fleet itself
/// is left as it is: the caller takes what was placed.
pub fn place(fleet: &Fleet, request: &Request<'_>, rng: &mut impl Rng) -> Placements {
    place_with(fleet, request, |fleet| {
        let search = Search::new(fleet, request);
        let placed = search.choose(rng);
        let examined = search.examined();
        placed.map_or_else(|| Err(search.refused()), |placed| Ok((placed, examined)))
    })
}

/// The same with another way to choose a host for one task.
pub(crate) fn place_with(
    fleet: &Fleet,
    request: &Request<'_>,
    mut choose: impl FnMut(&Fleet) -> Result<(Placed, usize), Refused>,
) -> Placements {
    let mut fleet = Cow::Borrowed(fleet);
    let mut result = Placements::default();
    for left in (0..request.count).rev() {
        match choose(&fleet) {
            Ok((placed, examined)) => {
                result.examined = examined;
                if left > 0 {
                    let fleet = fleet.to_mut();
                    fleet.take(&placed.host, request.demand, &placed.gpu_ids, request.group);
                }
                result.placed.push(placed);
            }
            Err(refused) => {
                result.tally = refused.tally;
                result.refusals = refused.refusals;
                result.examined = refused.examined;
                break;
            }
        }
    }
    result
}

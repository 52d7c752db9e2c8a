//! The choice of a host through the index.
//!
//! The strategies narrow what is left, one after the other: a spread by attribute leaves
//! some of the classes, a binpack one amount of the resource, a spread by instance one
//! number of tasks. What is narrowed is never listed: only in the end is one host looked
//! up, or drawn, among those that are left. A step that leaves no host which fits is
//! taken back, and the next best bucket tried.

use std::collections::BTreeSet;
use std::iter;
use std::sync::Arc;

use model::ContainerInstanceId;
use rand::{Rng, RngExt};

use crate::expression::Expression;
use crate::groups::GroupNumber;
use crate::index::{Class, Share};
use crate::judge::Judged;
use crate::leaf::Entry;
use crate::place::{Placed, RunnerUp};
use crate::rank;
use crate::request::{BinpackBy, Constraint, Request, SpreadBy, Strategy};
use crate::room::{Room, Span};
use crate::{Fleet, RankValue};

/// One task looking for a host.
pub(crate) struct Search<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) request: &'a Request<'a>,
    pub(crate) judged: Vec<Judged<'a>>,
    pub(crate) asked: Room,
    /// `None`: no host has such a task.
    pub(crate) group: Option<GroupNumber>,
    pub(crate) is_distinct: bool,
}

/// How to choose between equals.
pub(crate) enum Pick<'r> {
    /// A number below the given one, at random.
    Random(&'r mut dyn FnMut(usize) -> usize),
    First,
}

/// A host, and the class it is in.
#[derive(Clone, Copy)]
pub(crate) struct Found<'s> {
    pub(crate) judged: &'s Judged<'s>,
    pub(crate) entry: Entry,
}

/// What the strategies so far have left.
#[derive(Clone)]
pub(crate) struct Field<'s> {
    pub(crate) classes: Vec<&'s Judged<'s>>,
    pub(crate) span: Span,
    /// The shelf to look on, once a strategy has chosen.
    pub(crate) by: Option<BinpackBy>,
    /// Only hosts with so many tasks of the group.
    pub(crate) tasks: Option<u32>,
    pub(crate) not: Option<ContainerInstanceId>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(fleet: &'a Fleet, request: &'a Request<'a>) -> Self {
        let pool = request.pool;
        let group = fleet.group(request.group);
        let near: Vec<&Class> = fleet.index().classes_near(pool).collect();
        let held = near.iter().filter(|class| pool.holds(class.alike()));
        let is_distinct = |one: &Constraint| matches!(one, Constraint::DistinctInstance);
        let demand = request.demand;
        let mut judged: Vec<_> = held.map(|class| Judged::new(class)).collect();
        for (at, strategy) in request.strategies().iter().enumerate() {
            if let Strategy::Spread(SpreadBy::Attribute(name)) = strategy {
                let counted = near.iter().filter(|class| pool.counts(class.alike()));
                count_buckets(at, name, group, counted.copied(), &mut judged);
            }
        }
        Self {
            fleet,
            request,
            judged,
            asked: Room::new(
                demand.cpu_units,
                demand.memory_mib,
                demand.gpus,
                demand.network_interfaces,
            ),
            group,
            is_distinct: request.constraints.iter().any(is_distinct),
        }
    }

    /// How many hosts are in the pool.
    pub(crate) fn examined(&self) -> usize {
        self.judged.iter().map(|judged| judged.class.len()).sum()
    }

    pub(crate) fn choose(&self, rng: &mut impl Rng) -> Option<Placed> {
        let mut field = Field {
            classes: self.judged.iter().collect(),
            span: Span::at_least(self.asked),
            by: None,
            tasks: None,
            not: None,
        };
        let mut draw = |below| rng.random_range(0..below);
        let winner = self.best(&field, 0, &mut Pick::Random(&mut draw))?;
        field.not = Some(winner.entry.id);
        let runner_up = self.best(&field, 0, &mut Pick::First);
        let gpus = self.request.demand.gpus as usize;
        let account = if gpus > 0 {
            self.fleet.account(&winner.entry.id)
        } else {
            None
        };
        let gpu_ids = match account {
            Some(account) => account.free_gpus().take(gpus).cloned().collect(),
            None => Vec::new(),
        };
        Some(Placed {
            host: winner.entry.id,
            gpu_ids,
            values: self.values(winner),
            runner_up: runner_up.map(|runner_up| RunnerUp {
                host: runner_up.entry.id,
                values: self.values(runner_up),
            }),
        })
    }

    fn values(&self, found: Found<'_>) -> Vec<RankValue> {
        let Found { judged, entry } = found;
        let tasks = || self.tasks_on(&entry.id);
        let in_bucket = |at: usize, _: &str| judged.in_bucket[at];
        let host = judged.class.alike();
        rank::values(host, entry.room, tasks, in_bucket, self.request)
    }

    fn tasks_on(&self, id: &ContainerInstanceId) -> u32 {
        let account = self.fleet.account(id).zip(self.group);
        account.map_or(0, |(account, group)| account.tasks_of_number(group))
    }

    pub(crate) fn share(&self, judged: &Judged<'a>) -> Option<&'a Share> {
        judged.class.share(self.group?)
    }

    /// One of the best by the strategies from the `at`-th on.
    fn best<'f>(&self, field: &Field<'f>, at: usize, pick: &mut Pick<'_>) -> Option<Found<'f>> {
        match self.request.strategies().get(at) {
            None | Some(Strategy::Random) => self.any(field, pick),
            Some(Strategy::Binpack(by)) => {
                let (classes, span) = self.with_least(field, *by)?;
                let field = Field {
                    classes,
                    span,
                    by: Some(*by),
                    ..*field
                };
                self.best(&field, at + 1, pick)
            }
            Some(Strategy::Spread(SpreadBy::Attribute(_))) => {
                let mut classes = field.classes.clone();
                classes.sort_by_key(|judged| judged.in_bucket[at]);
                let mut equal =
                    classes.chunk_by(|one, other| one.in_bucket[at] == other.in_bucket[at]);
                equal.find_map(|classes| {
                    let classes = classes.to_vec();
                    let field = Field { classes, ..*field };
                    self.best(&field, at + 1, pick)
                })
            }
            Some(Strategy::Spread(SpreadBy::InstanceId)) => {
                // A second spread by instance finds one number only.
                let numbers = match field.tasks {
                    Some(tasks) => vec![tasks],
                    None => self.numbers(field),
                };
                numbers.into_iter().find_map(|tasks| {
                    let mut field = field.clone();
                    field.tasks = Some(tasks);
                    self.best(&field, at + 1, pick)
                })
            }
        }
    }

    /// The classes with a host that has the least left, and only such room.
    fn with_least<'f>(
        &self,
        field: &Field<'f>,
        by: BinpackBy,
    ) -> Option<(Vec<&'f Judged<'f>>, Span)> {
        let firsts = field.classes.iter().filter_map(|judged| {
            let first = self.first(field, judged, by)?;
            Some((first.room.of(by.amount()), *judged))
        });
        let mut firsts: Vec<_> = firsts.collect();
        firsts.sort_by_key(|(least, _)| *least);
        let equal = firsts.chunk_by(|(one, _), (other, _)| one == other);
        let mut open = equal.map(|equal| {
            let classes = equal.iter().map(|(_, judged)| *judged);
            let classes: Vec<_> = classes.filter(|judged| self.is_open(judged)).collect();
            (classes, equal[0].0)
        });
        let (classes, least) = open.find(|(classes, _)| !classes.is_empty())?;
        Some((classes, field.span.with(by.amount(), least)))
    }

    /// How many tasks of the group hosts have, the least first.
    fn numbers(&self, field: &Field<'_>) -> Vec<u32> {
        let mut numbers = BTreeSet::new();
        for judged in &field.classes {
            let share = self.share(judged);
            let with_some = share.map_or(0, |share| share.hosts.len());
            if with_some < judged.class.len() {
                numbers.insert(0);
            }
            numbers.extend(share.into_iter().flat_map(numbers_of));
        }
        numbers.into_iter().collect()
    }

    pub(crate) fn is_open(&self, judged: &Judged<'_>) -> bool {
        judged.verdict(self.request).is_open()
    }

    /// Expressions that must be asked of each host.
    pub(crate) fn pending<'s>(&'s self, judged: &'s Judged<'_>) -> &'s [Arc<Expression>] {
        match self.request.constraints {
            [] => &[],
            _ => &judged.verdict(self.request).pending,
        }
    }

    pub(crate) fn has_ports(&self) -> bool {
        let demand = self.request.demand;
        !demand.tcp_ports.is_empty() || !demand.udp_ports.is_empty()
    }
}

/// What the `at`-th strategy, a spread by attribute, counts; told to the classes in the pool.
fn count_buckets<'a>(
    at: usize,
    attribute: &str,
    group: Option<GroupNumber>,
    counted: impl Iterator<Item = &'a Class>,
    judged: &mut [Judged<'a>],
) {
    let Some(group) = group else {
        return;
    };
    let tasks = counted.map(|class| {
        let tasks = class.share(group).map_or(0, |share| share.tasks);
        (class.bucket(attribute), tasks)
    });
    let mut buckets: Vec<(Option<&str>, u32)> = tasks.collect();
    buckets.sort_unstable();
    buckets.dedup_by(|(next, more), (bucket, tasks)| {
        let is_same = next == bucket;
        *tasks += if is_same { *more } else { 0 };
        is_same
    });
    for judged in judged {
        let bucket = judged.class.bucket(attribute);
        let found = buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket);
        judged.in_bucket[at] = found.map_or(0, |found| buckets[found].1);
    }
}

/// The different numbers of tasks, the least first.
fn numbers_of(share: &Share) -> impl Iterator<Item = u32> {
    let next = |tasks: u32| {
        let above = (tasks.checked_add(1)?, ContainerInstanceId::from_bits(0));
        Some(share.hosts.range(above..).next()?.0)
    };
    iter::successors(next(0), move |tasks| next(*tasks))
}

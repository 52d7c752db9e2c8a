//! The choice of a host through the index.
//!
//! The strategies narrow what is left, one after the other: a spread by attribute leaves
//! some of the classes, a binpack one amount of the resource, a spread by instance one
//! number of tasks. What is narrowed is never listed: only in the end is one host looked
//! up, or drawn, among those that are left. A step that leaves no host which fits is
//! taken back, and the next best bucket tried.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;

use model::ContainerInstanceId;
use rand::{Rng, RngExt};

use crate::account::Account;
use crate::check::ports;
use crate::expression::Expression;
use crate::groups::GroupNumber;
use crate::index::Share;
use crate::judge::Judged;
use crate::leaf::Entry;
use crate::member::is_member;
use crate::place::{Placed, RunnerUp};
use crate::rank::{self, Buckets, bucket};
use crate::request::{BinpackBy, Constraint, Request, SpreadBy, Strategy};
use crate::room::{Room, Span};
use crate::{Fleet, RankValue};

/// How often a host is drawn at random before those that fit are listed.
const DRAWS: usize = 16;
/// So few hosts are asked one by one.
const FEW: usize = 32;

/// One task looking for a host.
pub(crate) struct Search<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) request: &'a Request<'a>,
    pub(crate) judged: Vec<Judged<'a>>,
    pub(crate) asked: Room,
    /// `None`: no host has such a task.
    group: Option<GroupNumber>,
    is_distinct: bool,
    buckets: Buckets<'a>,
}

/// How to choose between equals.
enum Pick<'r> {
    /// A number below the given one, at random.
    Random(&'r mut dyn FnMut(usize) -> usize),
    First,
}

/// A host, and the class it is in.
#[derive(Clone, Copy)]
struct Found<'s> {
    judged: &'s Judged<'s>,
    entry: Entry,
}

/// What the strategies so far have left.
#[derive(Clone)]
struct Field<'s> {
    classes: Vec<&'s Judged<'s>>,
    span: Span,
    /// The shelf to look on, once a strategy has chosen.
    by: Option<BinpackBy>,
    /// Only hosts with so many tasks of the group.
    tasks: Option<u32>,
    not: Option<ContainerInstanceId>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(fleet: &'a Fleet, request: &'a Request<'a>) -> Self {
        let pool = request.pool;
        let near = fleet.index().classes_near(pool);
        let held = near.filter(|class| pool.holds(class.alike()));
        let is_distinct = |one: &Constraint| matches!(one, Constraint::DistinctInstance);
        let demand = request.demand;
        let mut judged: Vec<_> = held.map(Judged::new).collect();
        Self {
            fleet,
            request,
            buckets: count_buckets(fleet, request, &mut judged),
            judged,
            asked: Room::new(
                demand.cpu_units,
                demand.memory_mib,
                demand.gpus,
                demand.network_interfaces,
            ),
            group: fleet.group(request.group),
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
        let (host, buckets) = (judged.class.alike(), &self.buckets);
        rank::values(host, entry.room, tasks, self.request, buckets)
    }

    fn tasks_on(&self, id: &ContainerInstanceId) -> u32 {
        let account = self.fleet.account(id).zip(self.group);
        account.map_or(0, |(account, group)| account.tasks_of_number(group))
    }

    fn share(&self, judged: &Judged<'a>) -> Option<&'a Share> {
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

    fn any<'f>(&self, field: &Field<'f>, pick: &mut Pick<'_>) -> Option<Found<'f>> {
        let classes = field.classes.iter().copied();
        let mut open = classes.filter(|judged| self.is_open(judged));
        let draw = match pick {
            Pick::Random(draw) => draw,
            Pick::First => {
                let by = field.by.unwrap_or(BinpackBy::Cpu);
                return open.find_map(|judged| {
                    let entry = self.first(field, judged, by)?;
                    Some(Found { judged, entry })
                });
            }
        };
        if field.by.is_none()
            && let Some(found) = self.drawn_of_all(field, draw)
        {
            return Some(found);
        }
        let field = &Field {
            classes: open.collect(),
            ..*field
        };
        // The other shelf, when the first has many hosts that lack the other amount.
        let shelves: &[BinpackBy] = match &field.by {
            Some(by) => std::slice::from_ref(by),
            None => &[BinpackBy::Memory, BinpackBy::Cpu],
        };
        let mut drawn = shelves.iter().map(|by| self.drawn(field, *by, draw));
        if let Some(found) = drawn.find_map(|found| found) {
            return Some(found);
        }
        let by = shelves[0];
        let mut all = Vec::new();
        for judged in field.classes.iter().copied() {
            self.each(field, judged, by, &mut |entry| {
                let entry = *entry;
                all.push(Found { judged, entry });
                false
            });
        }
        (!all.is_empty()).then(|| all[draw(all.len())])
    }

    /// Draws hosts, whatever they have left, a few times: one that fits is as likely as any
    /// other. That is all it takes while many fit.
    fn drawn_of_all<'f>(
        &self,
        field: &Field<'f>,
        draw: &mut dyn FnMut(usize) -> usize,
    ) -> Option<Found<'f>> {
        let all: usize = field.classes.iter().map(|judged| judged.class.len()).sum();
        for _ in 0..DRAWS.min(all) {
            let mut drawn = draw(all);
            for judged in field.classes.iter().copied() {
                let len = judged.class.len();
                if drawn < len {
                    let entry = *judged.class.shelf(BinpackBy::Memory).nth(drawn)?;
                    let fits = field.span.holds(entry.room)
                        && self.is_open(judged)
                        && self.fits(field, judged, &entry);
                    if fits {
                        return Some(Found { judged, entry });
                    }
                    break;
                }
                drawn -= len;
            }
        }
        None
    }

    /// Draws among hosts that have enough of one amount.
    fn drawn<'f>(
        &self,
        field: &Field<'f>,
        by: BinpackBy,
        draw: &mut dyn FnMut(usize) -> usize,
    ) -> Option<Found<'f>> {
        let classes = field.classes.iter();
        let ranks: Vec<_> = classes
            .map(|judged| judged.class.shelf(by).ranks(&field.span))
            .collect();
        let all: usize = ranks.iter().map(std::ops::Range::len).sum();
        for _ in 0..DRAWS.min(all) {
            let mut drawn = draw(all);
            for (judged, ranks) in field.classes.iter().copied().zip(&ranks) {
                if drawn < ranks.len() {
                    let entry = *judged.class.shelf(by).nth(ranks.start + drawn)?;
                    if field.span.holds(entry.room) && self.fits(field, judged, &entry) {
                        return Some(Found { judged, entry });
                    }
                    break;
                }
                drawn -= ranks.len();
            }
        }
        None
    }

    /// The host of the class with the least left.
    fn first(&self, field: &Field<'_>, judged: &Judged<'_>, by: BinpackBy) -> Option<Entry> {
        // What was found for the winner serves for the runner-up too.
        let is_whole = field.tasks.is_none() && field.by.is_none();
        let known = judged.first(by);
        match known.get() {
            Some(first) if is_whole && first.map(|first| first.id) != field.not => return first,
            _ => {}
        }
        let mut first = None;
        self.each(field, judged, by, &mut |entry| {
            first = Some(*entry);
            true
        });
        if is_whole && field.not.is_none() {
            known.set(Some(first));
        }
        first
    }

    /// Visits hosts of the class that fit, in the order of the shelf, until `stop` says so.
    fn each(
        &self,
        field: &Field<'_>,
        judged: &Judged<'_>,
        by: BinpackBy,
        stop: &mut dyn FnMut(&Entry) -> bool,
    ) {
        let mut test = |entry: &Entry| self.fits(field, judged, entry) && stop(entry);
        match self.few(field, judged) {
            Some(mut few) => {
                few.retain(|entry| field.span.holds(entry.room));
                few.sort_unstable_by_key(|entry| by.key(entry));
                few.iter().find(|entry| test(entry));
            }
            None => {
                judged.class.shelf(by).first(&field.span, test);
            }
        }
    }

    /// When only hosts with a number of tasks are wanted and those are few: all of them.
    fn few(&self, field: &Field<'_>, judged: &Judged<'_>) -> Option<Vec<Entry>> {
        let tasks = field.tasks.filter(|tasks| *tasks > 0)?;
        let Some(share) = self.share(judged) else {
            return Some(Vec::new());
        };
        let hosts = with_tasks(share, tasks).take(FEW + 1);
        let accounts = hosts.filter_map(|id| self.fleet.account(&id));
        let few: Vec<Entry> = accounts.map(Account::entry).collect();
        (few.len() <= FEW).then_some(few)
    }

    /// Whether a host with enough room passes the rest.
    fn fits(&self, field: &Field<'_>, judged: &Judged<'_>, entry: &Entry) -> bool {
        if field.not == Some(entry.id) {
            return false;
        }
        if !self.must_ask(judged) && field.tasks.is_none() {
            return true;
        }
        let Some(account) = self.fleet.account(&entry.id) else {
            return false;
        };
        let tasks = || self.group.map_or(0, |group| account.tasks_of_number(group));
        field.tasks.is_none_or(|wanted| tasks() == wanted)
            && (!self.is_distinct || tasks() == 0)
            && ports(account, self.request).is_none()
            && self
                .pending(judged)
                .iter()
                .all(|one| is_member(account, one))
    }

    fn is_open(&self, judged: &Judged<'_>) -> bool {
        judged.verdict(self.request).is_open()
    }

    /// Expressions that must be asked of each host.
    fn pending<'s>(&'s self, judged: &'s Judged<'_>) -> &'s [Arc<Expression>] {
        match self.request.constraints {
            [] => &[],
            _ => &judged.verdict(self.request).pending,
        }
    }

    pub(crate) fn has_ports(&self) -> bool {
        let demand = self.request.demand;
        !demand.tcp_ports.is_empty() || !demand.udp_ports.is_empty()
    }

    /// Whether what is left of amounts does not decide alone.
    fn must_ask(&self, judged: &Judged<'_>) -> bool {
        self.is_distinct || self.has_ports() || !self.pending(judged).is_empty()
    }
}

/// What each spread by attribute counts, from the classes; told to those in the pool.
fn count_buckets<'a>(
    fleet: &'a Fleet,
    request: &Request<'_>,
    judged: &mut [Judged<'a>],
) -> Buckets<'a> {
    let group = fleet.group(request.group);
    let mut all = Buckets::new();
    for (at, strategy) in request.strategies().iter().enumerate() {
        let mut buckets = BTreeMap::new();
        if let Strategy::Spread(SpreadBy::Attribute(name)) = strategy {
            let near = fleet.index().classes_near(request.pool);
            let near = near.map(|class| (class, bucket(class.alike(), name)));
            let near: Vec<_> = near.collect();
            for (class, bucket) in &near {
                if request.pool.counts(class.alike()) {
                    let share = group.and_then(|group| class.share(group));
                    let tasks = share.map_or(0, |share| share.tasks);
                    *buckets.entry(*bucket).or_insert(0) += tasks;
                }
            }
            // Those judged are some of those near, in the same order.
            let mut near = near.iter();
            for judged in &mut *judged {
                let own = near.find(|(class, _)| std::ptr::eq(*class, judged.class));
                let tasks = own.and_then(|(_, bucket)| buckets.get(bucket));
                judged.in_bucket[at] = tasks.copied().unwrap_or(0);
            }
        }
        all.push(buckets);
    }
    all
}

/// The different numbers of tasks, the least first.
fn numbers_of(share: &Share) -> impl Iterator<Item = u32> {
    let next = |tasks: u32| {
        let above = (tasks.checked_add(1)?, ContainerInstanceId::from_bits(0));
        Some(share.hosts.range(above..).next()?.0)
    };
    iter::successors(next(0), move |tasks| next(*tasks))
}

/// Hosts with exactly so many tasks.
fn with_tasks(share: &Share, tasks: u32) -> impl Iterator<Item = ContainerInstanceId> {
    let first = (tasks, ContainerInstanceId::from_bits(0));
    let last = (tasks, ContainerInstanceId::from_bits(u128::MAX));
    share.hosts.range(first..=last).map(|(_, id)| *id)
}

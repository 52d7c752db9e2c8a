//! One host among those that the strategies have left: the first, or any at random.

use model::ContainerInstanceId;

use crate::account::Account;
use crate::check::ports;
use crate::index::Share;
use crate::judge::Judged;
use crate::leaf::Entry;
use crate::member::is_member;
use crate::request::BinpackBy;
use crate::search::{Field, Found, Pick, Search};

/// How often a host is drawn at random before those that fit are listed.
const DRAWS: usize = 16;
/// So few hosts are asked one by one.
const FEW: usize = 32;

impl Search<'_> {
    pub(crate) fn any<'f>(&self, field: &Field<'f>, pick: &mut Pick<'_>) -> Option<Found<'f>> {
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
    pub(crate) fn first(
        &self,
        field: &Field<'_>,
        judged: &Judged<'_>,
        by: BinpackBy,
    ) -> Option<Entry> {
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

    /// Whether what is left of amounts does not decide alone.
    fn must_ask(&self, judged: &Judged<'_>) -> bool {
        self.is_distinct || self.has_ports() || !self.pending(judged).is_empty()
    }
}

/// Hosts with exactly so many tasks.
fn with_tasks(share: &Share, tasks: u32) -> impl Iterator<Item = ContainerInstanceId> {
    let first = (tasks, ContainerInstanceId::from_bits(0));
    let last = (tasks, ContainerInstanceId::from_bits(u128::MAX));
    share.hosts.range(first..=last).map(|(_, id)| *id)
}

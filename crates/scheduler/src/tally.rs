//! Why a task fits nowhere, through the index: hosts that lack the same amount are
//! counted by whole subtrees, and only a sample of them is told.

use model::ContainerInstanceId;

use crate::check::check;
use crate::judge::Judged;
use crate::leaf::Entry;
use crate::place::{REFUSALS_MAX, Refused};
use crate::refusal::{Refusal, Resource};
use crate::request::BinpackBy;
use crate::room::{Amount, Room, Span};
use crate::search::Search;

/// How many refusals of each reason are told when there are more hosts than
/// [`REFUSALS_MAX`].
const SAMPLE: usize = 20;

/// Refusals, counted and told up to a number of each reason.
struct Tally {
    refused: Refused,
    sample: usize,
}

impl Tally {
    /// How many more refusals of this reason are told, now that `hosts` more refuse.
    fn add(&mut self, reason: &'static str, hosts: usize) -> usize {
        self.sample.saturating_sub(self.refused.add(reason, hosts))
    }

    fn tell(&mut self, id: ContainerInstanceId, refusal: Refusal) {
        self.refused.refusals.push((id, refusal));
    }
}

impl Search<'_> {
    /// Why every host refuses. Only right when no host fits.
    pub(crate) fn refused(&self) -> Refused {
        let examined = self.examined();
        let is_small = examined <= REFUSALS_MAX;
        let mut tally = Tally {
            refused: Refused {
                examined,
                ..Refused::default()
            },
            sample: if is_small { examined } else { SAMPLE },
        };
        for judged in &self.judged {
            self.count_class(&mut tally, judged);
        }
        let mut refused = tally.refused;
        refused.refusals.sort_unstable_by_key(|(id, _)| *id);
        refused
    }

    fn count_class(&self, tally: &mut Tally, judged: &Judged<'_>) {
        let verdict = judged.verdict(self.request);
        if let Some(early) = &verdict.early {
            return count(tally, judged, &Span::ALL, |_| early.clone());
        }
        // Hosts that pass the checks so far.
        let mut passing = Span::ALL;
        for amount in self.amounts().iter().copied() {
            let (enough, lacking) = passing.split(amount, self.asked.of(amount));
            if let Some(lacking) = lacking {
                count(tally, judged, &lacking, |entry| {
                    lacks(amount, self.asked, entry.room)
                });
            }
            passing = enough;
        }
        match &verdict.late {
            Some(late) if verdict.pending.is_empty() && !self.has_ports() => {
                count(tally, judged, &passing, |_| late.clone());
            }
            _ => self.ask(tally, judged, &passing),
        }
    }

    /// What is checked one after the other, up to the first check that must be asked.
    fn amounts(&self) -> &'static [Amount] {
        let all = &[
            Amount::Cpu,
            Amount::Memory,
            Amount::Gpus,
            Amount::NetworkInterfaces,
        ];
        if self.has_ports() { &all[..2] } else { all }
    }

    fn ask(&self, tally: &mut Tally, judged: &Judged<'_>, span: &Span) {
        judged.class.shelf(BinpackBy::Cpu).first(span, |entry| {
            let account = self.fleet.account(&entry.id);
            let refusal = account.and_then(|account| check(account, self.request).err());
            if let Some(refusal) = refusal
                && tally.add(refusal.reason(), 1) > 0
            {
                tally.tell(entry.id, refusal);
            }
            false
        });
    }
}

/// Counts all hosts of the class in `span`, which refuse for one reason.
fn count(tally: &mut Tally, judged: &Judged<'_>, span: &Span, why: impl Fn(&Entry) -> Refusal) {
    let shelf = judged.class.shelf(BinpackBy::Cpu);
    let mut left = None;
    shelf.first(span, |entry| {
        let refusal = why(entry);
        let left = left.get_or_insert_with(|| tally.add(refusal.reason(), shelf.count(span)));
        let is_told = *left > 0;
        if is_told {
            *left -= 1;
            tally.tell(entry.id, refusal);
        }
        !is_told
    });
}

fn lacks(amount: Amount, asked: Room, free: Room) -> Refusal {
    let (asked, free) = (asked.of(amount), free.of(amount));
    Refusal::Resource(match amount {
        Amount::Cpu => Resource::Cpu { asked, free },
        Amount::Memory => Resource::Memory { asked, free },
        Amount::Gpus => Resource::Gpu { asked, free },
        Amount::NetworkInterfaces => Resource::Eni { asked, free },
    })
}

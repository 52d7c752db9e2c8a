//! Why a task fits nowhere, through the index: whole subtrees refuse for one reason, so
//! hosts are counted without being asked one by one.

use crate::check::check;
use crate::judge::Judged;
use crate::place::{REFUSALS_MAX, Refused};
use crate::refusal::{Refusal, Resource};
use crate::request::BinpackBy;
use crate::room::{Room, Span};
use crate::search::Search;
use crate::shelf::{Entry, Found};

/// How many refusals of each reason are told when there are more hosts than
/// [`REFUSALS_MAX`].
const SAMPLE: usize = 100;

/// The check that all hosts of a span fail first.
#[derive(Clone, Copy)]
enum First {
    Cpu,
    Memory,
    Gpus,
    Interfaces,
    /// What [`Judged::late`] says.
    Late,
}

impl Search<'_> {
    /// Why every host refuses. Only right when no host fits.
    pub(crate) fn refused(&self) -> Refused {
        let examined = self.examined();
        let sample = if examined <= REFUSALS_MAX {
            examined
        } else {
            SAMPLE
        };
        let mut refused = Refused {
            examined,
            ..Refused::default()
        };
        for judged in &self.judged {
            let shelf = judged.class.shelf(BinpackBy::Cpu);
            let settled =
                |span: &Span| judged.early.is_some() || self.failed(judged, span).is_some();
            shelf.walk(&settled, &mut |found| {
                self.count(&mut refused, judged, sample, found)
            });
        }
        refused.refusals.sort_unstable_by_key(|(id, _)| *id);
        refused
    }

    fn count(&self, refused: &mut Refused, judged: &Judged<'_>, sample: usize, found: Found<'_>) {
        match found {
            Found::One(entry) => {
                let first = self.failed(judged, &Span::of(entry.room));
                if let Some(refusal) = self.refusal(judged, first, entry) {
                    let told = refused.add(refusal.reason(), 1);
                    if told < sample {
                        refused.refusals.push((entry.id, refusal));
                    }
                }
            }
            Found::Many(part) => {
                let first = self.failed(judged, part.span());
                let mut told = None;
                part.take(1, &mut |entry| {
                    let refusal = self.refusal(judged, first, entry);
                    told = refusal.map(|refusal| refused.add(refusal.reason(), part.len()));
                });
                let left = told.map_or(0, |told| sample.saturating_sub(told));
                part.take(left, &mut |entry| {
                    let refusal = self.refusal(judged, first, entry);
                    refused
                        .refusals
                        .extend(refusal.map(|refusal| (entry.id, refusal)));
                });
            }
        }
    }

    /// The check that every host fails which has what `span` says, and none fails an earlier
    /// one; `None` if they differ or must be asked.
    fn failed(&self, judged: &Judged<'_>, span: &Span) -> Option<First> {
        if judged.early.is_some() {
            return None;
        }
        let demand = self.request.demand;
        let has_ports = !demand.tcp_ports.is_empty() || !demand.udp_ports.is_empty();
        let amounts: [(First, fn(Room) -> u32); 4] = [
            (First::Cpu, Room::cpu),
            (First::Memory, Room::memory),
            (First::Gpus, Room::gpus),
            (First::Interfaces, Room::interfaces),
        ];
        for (first, amount) in amounts {
            let asked = amount(self.asked);
            match first {
                First::Gpus if has_ports => return None,
                _ if amount(span.most) < asked => return Some(first),
                _ if amount(span.least) < asked => return None,
                _ => {}
            }
        }
        let is_late = judged.late.is_some() && judged.pending.is_empty();
        is_late.then_some(First::Late)
    }

    fn refusal(&self, judged: &Judged<'_>, first: Option<First>, entry: &Entry) -> Option<Refusal> {
        if judged.early.is_some() {
            return judged.early.clone();
        }
        let (asked, free) = (self.asked, entry.room);
        let resource = match first {
            Some(First::Cpu) => Resource::Cpu {
                asked: asked.cpu(),
                free: free.cpu(),
            },
            Some(First::Memory) => Resource::Memory {
                asked: asked.memory(),
                free: free.memory(),
            },
            Some(First::Gpus) => Resource::Gpu {
                asked: asked.gpus(),
                free: free.gpus(),
            },
            Some(First::Interfaces) => Resource::Eni {
                asked: asked.interfaces(),
                free: free.interfaces(),
            },
            Some(First::Late) => return judged.late.clone(),
            None => {
                let account = self.fleet.account(&entry.id)?;
                return check(account, self.request).err();
            }
        };
        Some(Refusal::Resource(resource))
    }
}

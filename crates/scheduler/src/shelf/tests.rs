//! A shelf is a sorted list that answers faster.

use model::ContainerInstanceId;
use proptest::prelude::*;
use proptest::sample::Index;

use super::Shelf;
use crate::leaf::Entry;
use crate::request::BinpackBy;
use crate::room::{Amount, Room, Span};

#[derive(Clone, Debug)]
enum Step {
    Insert(Room),
    Remove(Index),
    /// A host moves: what it has left changes.
    Change(Index, Room),
}

fn any_room() -> impl Strategy<Value = Room> {
    (0..40u32, 0..40u32, 0..3u32, 0..3u32)
        .prop_map(|(cpu, memory, gpus, slots)| Room::new(cpu, memory, gpus, slots))
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => any_room().prop_map(Step::Insert),
        3 => any::<Index>().prop_map(Step::Remove),
        2 => (any::<Index>(), any_room()).prop_map(|(at, room)| Step::Change(at, room)),
    ]
}

/// The shelf and what is on it, in order.
struct Both {
    by: BinpackBy,
    shelf: Shelf,
    list: Vec<Entry>,
}

impl Both {
    fn insert(&mut self, entry: Entry) {
        self.shelf.insert(entry);
        self.list.push(entry);
        let by = self.by;
        self.list.sort_by_key(|entry| by.key(entry));
    }

    fn remove(&mut self, at: &Index) -> Option<Entry> {
        if self.list.is_empty() {
            return None;
        }
        let entry = self.list.remove(at.index(self.list.len()));
        self.shelf.remove(&entry);
        Some(entry)
    }

    fn take(&mut self, number: usize, step: &Step) {
        match step {
            Step::Insert(room) => self.insert(Entry {
                room: *room,
                id: ContainerInstanceId::from_bits(number as u128),
            }),
            Step::Remove(at) => {
                self.remove(at);
            }
            Step::Change(at, room) => {
                if let Some(entry) = self.remove(at) {
                    let room = *room;
                    self.insert(Entry { room, ..entry });
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_answers_as_a_sorted_list_does(
        first in proptest::collection::vec(any_room().prop_map(Step::Insert), 0..300),
        then in proptest::collection::vec(any_step(), 0..600),
        asked in proptest::collection::vec((any_room(), 0..40u32), 10),
        by in proptest::sample::select(vec![BinpackBy::Cpu, BinpackBy::Memory]),
    ) {
        let mut both = Both { by, shelf: Shelf::new(by), list: Vec::new() };
        for (number, step) in first.iter().chain(&then).enumerate() {
            both.take(number, step);
        }
        let Both { shelf, list, .. } = both;
        prop_assert_eq!(shelf.len(), list.len());
        for (rank, entry) in list.iter().enumerate() {
            prop_assert_eq!(shelf.nth(rank), Some(entry));
        }
        prop_assert_eq!(shelf.nth(list.len()), None);
        for (room, exactly) in asked {
            let least = Span::at_least(room);
            for span in [Span::ALL, least, least.with(Amount::Cpu, exactly)] {
                let inside = list.iter().filter(|entry| span.holds(entry.room));
                prop_assert_eq!(shelf.count(&span), inside.clone().count());
                prop_assert_eq!(shelf.first(&span, |_| true), inside.clone().next());
                let mut visited = Vec::new();
                shelf.first(&span, |entry| {
                    visited.push(*entry);
                    false
                });
                prop_assert_eq!(visited, inside.copied().collect::<Vec<_>>());
                let own = |room: Room| room.of(by.amount());
                let range = own(span.least)..=own(span.most);
                let near = |entry: &&Entry| range.contains(&own(entry.room));
                prop_assert_eq!(shelf.ranks(&span).len(), list.iter().filter(near).count());
            }
        }
    }
}

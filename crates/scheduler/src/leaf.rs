//! A few hosts in order, in place: a shelf's leaf is one piece of memory.

use std::ops::Deref;

use model::ContainerInstanceId;

use crate::room::Room;

/// One more than a leaf keeps: it is split when it has so many.
pub(crate) const ROOM: usize = 17;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) room: Room,
    pub(crate) id: ContainerInstanceId,
}

const EMPTY: Entry = Entry {
    room: Room::NONE,
    id: ContainerInstanceId::from_bits(0),
};

#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    len: usize,
    entries: [Entry; ROOM],
}

impl Deref for Leaf {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.entries[..self.len]
    }
}

impl Leaf {
    pub(crate) fn new() -> Self {
        Self {
            len: 0,
            entries: [EMPTY; ROOM],
        }
    }

    /// Those behind the first [`ROOM`] are left out.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut leaf = Self::new();
        for entry in entries.iter().take(ROOM) {
            leaf.insert(leaf.len, *entry);
        }
        leaf
    }

    /// There must be room.
    pub(crate) fn insert(&mut self, at: usize, entry: Entry) {
        self.entries.copy_within(at..self.len, at + 1);
        self.entries[at] = entry;
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, at: usize) {
        self.entries.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }

    /// Keeps the first `count`, and gives the others back.
    pub(crate) fn split_off(&mut self, count: usize) -> Self {
        let right = Self::of(&self[count..]);
        self.len = count;
        right
    }
}

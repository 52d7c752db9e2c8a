//! Hosts in the order of what they have left: a persistent B-tree whose nodes know
//! the least and the most that hosts below them have.
//!
//! A clone is O(1), and what a clone does not share changes in place. From the
//! spans a search passes over whole subtrees: the first host with enough of
//! everything is found in a few steps, and so is that there is none.

use std::sync::Arc;

use model::ContainerInstanceId;

use crate::leaf::{Entry, Leaf, ROOM};
use crate::request::BinpackBy;
use crate::room::{Amount, Room, Span};

/// Entries of a leaf and children of an inner node. Half as many are left after a split, and
/// below a quarter a node merges with its neighbour. A change touches a leaf's memory, so
/// leaves are small.
const WIDTH: usize = ROOM - 1;

/// By the shelf's own amount, then the other one, then the id.
type Key = (u32, u32, ContainerInstanceId);

#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    by: BinpackBy,
    root: Part,
}

/// A node and what is known of everything below it.
#[derive(Clone, Debug)]
struct Part {
    span: Span,
    /// The greatest key; meaningless when empty.
    last: Key,
    len: usize,
    node: Arc<Node>,
}

#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all nodes are leaves, and a leaf is one piece of memory"
)]
enum Node {
    Leaf(Leaf),
    Inner(Vec<Part>),
}

impl Shelf {
    pub(crate) fn new(by: BinpackBy) -> Self {
        Self {
            by,
            root: Part::new(by, Node::Leaf(Leaf::new())),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.root.len
    }

    pub(crate) fn insert(&mut self, entry: Entry) {
        if let Some(right) = self.root.insert(self.by, entry) {
            let empty = Part::new(self.by, Node::Leaf(Leaf::new()));
            let left = std::mem::replace(&mut self.root, empty);
            self.root = Part::new(self.by, Node::Inner(vec![left, right]));
        }
    }

    /// `entry` as it was inserted.
    pub(crate) fn remove(&mut self, entry: &Entry) {
        self.root.remove(self.by, entry);
        if let Node::Inner(parts) = &*self.root.node
            && let [only] = parts.as_slice()
        {
            self.root = only.clone();
        }
    }

    /// In order, the first host in `span` that passes `test`. Hosts outside are not tested.
    pub(crate) fn first(
        &self,
        span: &Span,
        mut test: impl FnMut(&Entry) -> bool,
    ) -> Option<&Entry> {
        self.root.first(self.by, span, &mut test)
    }

    /// How many hosts are in `span`.
    pub(crate) fn count(&self, span: &Span) -> usize {
        self.root.count(span)
    }

    /// The ranks, from 0, of hosts whose own amount is that of a room in `span`.
    pub(crate) fn ranks(&self, span: &Span) -> std::ops::Range<usize> {
        let (least, _) = self.by.amounts(span.least);
        let (most, _) = self.by.amounts(span.most);
        let end = match most.checked_add(1) {
            Some(above) => self.root.below(self.by, above),
            None => self.len(),
        };
        self.root.below(self.by, least)..end
    }

    /// The host of a rank.
    pub(crate) fn nth(&self, rank: usize) -> Option<&Entry> {
        self.root.nth(rank)
    }
}

impl BinpackBy {
    pub(crate) fn amount(self) -> Amount {
        match self {
            Self::Cpu => Amount::Cpu,
            Self::Memory => Amount::Memory,
        }
    }

    fn amounts(self, room: Room) -> (u32, u32) {
        let (cpu, memory) = (room.of(Amount::Cpu), room.of(Amount::Memory));
        match self {
            Self::Cpu => (cpu, memory),
            Self::Memory => (memory, cpu),
        }
    }

    /// Where a host stands on the shelf of this amount.
    pub(crate) fn key(self, entry: &Entry) -> Key {
        let (own, other) = self.amounts(entry.room);
        (own, other, entry.id)
    }
}

impl Part {
    fn new(by: BinpackBy, node: Node) -> Self {
        let mut part = Self {
            span: Span::NONE,
            last: (0, 0, ContainerInstanceId::from_bits(0)),
            len: 0,
            node: Arc::new(node),
        };
        part.measure(by);
        part
    }

    fn measure(&mut self, by: BinpackBy) {
        self.span = Span::NONE;
        match &*self.node {
            Node::Leaf(entries) => {
                for entry in entries.iter() {
                    self.span.add_room(entry.room);
                }
                self.len = entries.len();
                if let Some(last) = entries.last() {
                    self.last = by.key(last);
                }
            }
            Node::Inner(parts) => {
                for part in parts {
                    self.span.add(&part.span);
                }
                self.len = parts.iter().map(|part| part.len).sum();
                if let Some(last) = parts.last() {
                    self.last = last.last;
                }
            }
        }
    }

    /// The right half, when the node had to be split.
    fn insert(&mut self, by: BinpackBy, entry: Entry) -> Option<Self> {
        let wanted = by.key(&entry);
        match Arc::make_mut(&mut self.node) {
            Node::Leaf(entries) => {
                let at = entries.partition_point(|one| by.key(one) < wanted);
                entries.insert(at, entry);
            }
            Node::Inner(parts) => {
                let at = parts.partition_point(|part| part.last < wanted);
                let at = at.min(parts.len() - 1);
                if let Some(right) = parts[at].insert(by, entry) {
                    parts.insert(at + 1, right);
                }
            }
        }
        self.span.add_room(entry.room);
        self.last = if self.len == 0 {
            wanted
        } else {
            self.last.max(wanted)
        };
        self.len += 1;
        self.split(by)
    }

    fn split(&mut self, by: BinpackBy) -> Option<Self> {
        if self.width() <= WIDTH {
            return None;
        }
        let right = match Arc::make_mut(&mut self.node) {
            Node::Leaf(entries) if entries.len() > WIDTH => {
                Node::Leaf(entries.split_off(WIDTH / 2))
            }
            Node::Inner(parts) if parts.len() > WIDTH => Node::Inner(parts.split_off(WIDTH / 2)),
            Node::Leaf(_) | Node::Inner(_) => return None,
        };
        self.measure(by);
        Some(Self::new(by, right))
    }

    fn remove(&mut self, by: BinpackBy, entry: &Entry) {
        let wanted = by.key(entry);
        match Arc::make_mut(&mut self.node) {
            Node::Leaf(entries) => {
                if let Ok(at) = entries.binary_search_by(|one| by.key(one).cmp(&wanted)) {
                    entries.remove(at);
                }
            }
            Node::Inner(parts) => {
                let at = parts.partition_point(|part| part.last < wanted);
                if let Some(part) = parts.get_mut(at) {
                    part.remove(by, entry);
                    merge(by, parts, at);
                }
            }
        }
        if self.len > 1 && self.span.survives_without(entry.room) && wanted < self.last {
            self.len -= 1;
        } else {
            self.measure(by);
        }
    }

    fn width(&self) -> usize {
        match &*self.node {
            Node::Leaf(entries) => entries.len(),
            Node::Inner(parts) => parts.len(),
        }
    }

    /// Takes what `right`, its neighbour of the same height, holds.
    fn absorb(&mut self, by: BinpackBy, right: Self) -> Option<Self> {
        let mut rest = None;
        match (Arc::make_mut(&mut self.node), &*right.node) {
            (Node::Leaf(entries), Node::Leaf(more)) => {
                let all = [&**entries, &**more].concat();
                let half = if all.len() > WIDTH {
                    all.len() / 2
                } else {
                    all.len()
                };
                *entries = Leaf::of(&all[..half]);
                if half < all.len() {
                    rest = Some(Self::new(by, Node::Leaf(Leaf::of(&all[half..]))));
                }
            }
            (Node::Inner(parts), Node::Inner(more)) => parts.extend_from_slice(more),
            // All leaves are equally deep.
            (Node::Leaf(_), Node::Inner(_)) | (Node::Inner(_), Node::Leaf(_)) => {}
        }
        self.measure(by);
        rest.or_else(|| self.split(by))
    }

    fn first(
        &self,
        by: BinpackBy,
        span: &Span,
        test: &mut impl FnMut(&Entry) -> bool,
    ) -> Option<&Entry> {
        let ((least, _), (most, _)) = (by.amounts(span.least), by.amounts(span.most));
        match &*self.node {
            Node::Leaf(entries) => {
                let start = entries.partition_point(|entry| by.amounts(entry.room).0 < least);
                entries[start..]
                    .iter()
                    .take_while(|entry| by.amounts(entry.room).0 <= most)
                    .find(|entry| span.holds(entry.room) && test(entry))
            }
            Node::Inner(parts) => {
                let start = parts.partition_point(|part| part.last.0 < least);
                parts[start..]
                    .iter()
                    .take_while(|part| by.amounts(part.span.least).0 <= most)
                    .filter(|part| part.span.meets(span))
                    .find_map(|part| part.first(by, span, test))
            }
        }
    }

    fn count(&self, span: &Span) -> usize {
        if span.contains(&self.span) {
            return self.len;
        }
        match &*self.node {
            Node::Leaf(entries) => {
                let inside = entries.iter().filter(|entry| span.holds(entry.room));
                inside.count()
            }
            Node::Inner(parts) => {
                let near = parts.iter().filter(|part| part.span.meets(span));
                near.map(|part| part.count(span)).sum()
            }
        }
    }

    /// How many hosts have less than `amount`.
    fn below(&self, by: BinpackBy, amount: u32) -> usize {
        match &*self.node {
            Node::Leaf(entries) => {
                entries.partition_point(|entry| by.amounts(entry.room).0 < amount)
            }
            Node::Inner(parts) => {
                let whole = parts.partition_point(|part| part.last.0 < amount);
                let before: usize = parts[..whole].iter().map(|part| part.len).sum();
                before + parts.get(whole).map_or(0, |part| part.below(by, amount))
            }
        }
    }

    fn nth(&self, mut rank: usize) -> Option<&Entry> {
        match &*self.node {
            Node::Leaf(entries) => entries.get(rank),
            Node::Inner(parts) => {
                for part in parts {
                    if rank < part.len {
                        return part.nth(rank);
                    }
                    rank -= part.len;
                }
                None
            }
        }
    }
}

/// Keeps the children of a node from becoming many and small.
fn merge(by: BinpackBy, parts: &mut Vec<Part>, at: usize) {
    if parts[at].width() >= WIDTH / 4 || parts.len() == 1 {
        return;
    }
    let left = at.saturating_sub(1);
    let right = parts.remove(left + 1);
    if let Some(rest) = parts[left].absorb(by, right) {
        parts.insert(left + 1, rest);
    }
}

#[cfg(test)]
mod tests;

//! What is left on one host, as four amounts, and ranges of it.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room([u32; 4]);

/// In the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    Cpu,
    Memory,
    Gpus,
    NetworkInterfaces,
}

impl Room {
    pub(crate) fn new(cpu_units: u32, memory_mib: u32, gpus: u32, interfaces: u32) -> Self {
        Self([cpu_units, memory_mib, gpus, interfaces])
    }

    pub(crate) const NONE: Self = Self([0; 4]);

    pub(crate) fn of(self, amount: Amount) -> u32 {
        self.0[amount as usize]
    }

    /// Whether every amount is at most the other's.
    fn fits_in(self, other: Self) -> bool {
        (0..4).all(|at| self.0[at] <= other.0[at])
    }
}

/// Rooms between two, both included: those of a set of hosts, or those that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) least: Room,
    pub(crate) most: Room,
}

impl Span {
    pub(crate) const ALL: Self = Self {
        least: Room([0; 4]),
        most: Room([u32::MAX; 4]),
    };

    /// Holds nothing, and any [`Span::add`] replaces it.
    pub(crate) const NONE: Self = Self {
        least: Room([u32::MAX; 4]),
        most: Room([0; 4]),
    };

    pub(crate) fn at_least(least: Room) -> Self {
        Self { least, ..Self::ALL }
    }

    pub(crate) fn holds(&self, room: Room) -> bool {
        self.least.fits_in(room) && room.fits_in(self.most)
    }

    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.least.fits_in(other.least) && other.most.fits_in(self.most)
    }

    /// Whether a room could be in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.least.fits_in(other.most) && other.least.fits_in(self.most)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for at in 0..4 {
            self.least.0[at] = self.least.0[at].min(other.least.0[at]);
            self.most.0[at] = self.most.0[at].max(other.most.0[at]);
        }
    }

    pub(crate) fn add_room(&mut self, room: Room) {
        self.add(&Self {
            least: room,
            most: room,
        });
    }

    /// Whether the span of a set stays as it is when one of several loses `room`.
    pub(crate) fn survives_without(&self, room: Room) -> bool {
        (0..4).all(|at| {
            let (least, most, one) = (self.least.0[at], self.most.0[at], room.0[at]);
            least == most || (least < one && one < most)
        })
    }

    /// Only rooms with exactly this much.
    pub(crate) fn with(mut self, amount: Amount, exactly: u32) -> Self {
        let at = amount as usize;
        (self.least.0[at], self.most.0[at]) = (exactly, exactly);
        self
    }

    /// The part with at least so much, and the part with less, if any can have less.
    pub(crate) fn split(self, amount: Amount, asked: u32) -> (Self, Option<Self>) {
        let at = amount as usize;
        let (mut enough, mut lacking) = (self, self);
        enough.least.0[at] = asked;
        let below = asked.checked_sub(1);
        if let Some(below) = below {
            lacking.most.0[at] = below;
        }
        (enough, below.map(|_| lacking))
    }
}

//! What is left on one host, as four amounts, and ranges of it.

/// In the order in which they are checked, so that index 0 is what CPU is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room([u32; 4]);

const CPU: usize = 0;
const MEMORY: usize = 1;
const GPUS: usize = 2;
const INTERFACES: usize = 3;

impl Room {
    pub(crate) fn new(cpu_units: u32, memory_mib: u32, gpus: u32, interfaces: u32) -> Self {
        Self([cpu_units, memory_mib, gpus, interfaces])
    }

    pub(crate) fn cpu(self) -> u32 {
        self.0[CPU]
    }

    pub(crate) fn memory(self) -> u32 {
        self.0[MEMORY]
    }

    pub(crate) fn gpus(self) -> u32 {
        self.0[GPUS]
    }

    pub(crate) fn interfaces(self) -> u32 {
        self.0[INTERFACES]
    }

    fn pairs(self, other: Self) -> impl Iterator<Item = (u32, u32)> {
        self.0.into_iter().zip(other.0)
    }

    /// Whether every amount is at most the other's.
    fn fits_in(self, other: Self) -> bool {
        self.pairs(other).all(|(one, other)| one <= other)
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

    pub(crate) fn of(room: Room) -> Self {
        Self {
            least: room,
            most: room,
        }
    }

    pub(crate) fn at_least(least: Room) -> Self {
        Self { least, ..Self::ALL }
    }

    pub(crate) fn holds(&self, room: Room) -> bool {
        self.least.fits_in(room) && room.fits_in(self.most)
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

    /// Whether the span of a set stays as it is when one of several loses `room`.
    pub(crate) fn survives_without(&self, room: Room) -> bool {
        (0..4).all(|at| {
            let (least, most, one) = (self.least.0[at], self.most.0[at], room.0[at]);
            least == most || (least < one && one < most)
        })
    }

    /// Only rooms with exactly this much CPU.
    pub(crate) fn with_cpu(mut self, amount: u32) -> Self {
        (self.least.0[CPU], self.most.0[CPU]) = (amount, amount);
        self
    }

    pub(crate) fn with_memory(mut self, amount: u32) -> Self {
        (self.least.0[MEMORY], self.most.0[MEMORY]) = (amount, amount);
        self
    }
}

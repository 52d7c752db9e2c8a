//! Capacity providers: their names, settings and association with clusters; the tasks that
//! wait for their instances; how many instances they want (`placement.md` §7).

pub(crate) mod association;
pub(crate) mod name;
pub(crate) mod queue;
pub(crate) mod settings;
pub(crate) mod wish;

pub use queue::{advance, expire};
pub use wish::wishes;

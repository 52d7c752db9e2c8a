//! RunTask with what the bare call leaves to its caller: whether the tasks were placed,
//! counts above ten, repetition until there is room.

mod failure;
mod outcome;
mod start;
mod token;

pub use failure::{Constraint, FailureKind, Resource, RetryHint, RunTaskFailure};
pub use outcome::{NotPlaced, RunTaskOutcome};
pub use start::{PlacementPolicy, StartError};

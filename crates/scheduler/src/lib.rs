//! Which host runs a task, and why not the others. Pure.
//!
//! [`Fleet`] is the ledger: what every host has and what is taken from it.
//! [`place`] walks it for one request and answers with a host for each task
//! that fits, or with the first check that each examined host failed.

mod check;
mod demand;
mod fleet;
mod place;

pub use check::{Refusal, Resource};
pub use demand::{Demand, RequiredAttribute};
pub use fleet::{Fleet, Free, Host};
pub use place::{Placements, Pool, Request, place};

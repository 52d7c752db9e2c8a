//! Waiting for what the service does meanwhile: for tasks, and for anything that an
//! answer shows.

mod answer;
pub mod judges;
mod look;
mod policy;
mod rounds;
mod tasks;

pub use answer::{Verdict, WaitFailed};
pub use policy::WaitPolicy;
pub use tasks::{LastPoll, Poll, TaskWait, WaitError};

pub(crate) use look::Look;
pub(crate) use rounds::{Rounds, within};

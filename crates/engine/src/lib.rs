//! One task's life on one host, as a pure state machine: events in, effects out.
//!
//! The engine decides; it never waits, never fails and knows neither a clock nor a
//! container runtime. [`Task::accept`] begins a life, [`Task::resume`] picks one up
//! after a restart, [`Task::step`] takes one event. The rules live in one file each:
//! `dependency` (dependsOn, startTimeout), `health`, `restart` (restartPolicy),
//! `stopping` (signals, timeouts, removal), `resume`; `task` holds the state and the order in which rules apply.

mod container;
mod dependency;
mod effect;
mod event;
mod health;
mod report;
mod restart;
mod resume;
mod stopping;
mod task;

pub use container::ContainerIndex;
pub use effect::Effect;
pub use event::{Event, HealthOutcome};
pub use task::Task;

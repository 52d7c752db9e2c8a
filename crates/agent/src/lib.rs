//! A host's shell: hears from the control plane which tasks are wanted, lets the engine
//! decide, has the driver do it, and reports. Async, without decisions of its own.
//!
//! Each task has one owner, a [`life`] that holds its engine and performs its effects.
//! The [`Agent`] starts lives and passes stops on. Nothing here is durable: after a restart
//! the control plane says what it knows, the driver what it has, and the engine resumes.

mod agent;
mod backoff;
mod life;
mod outbox;
mod perform;
mod plane;
mod references;

pub use agent::Agent;
pub use plane::{Assignment, Assignments, ControlPlane, ReportError};
pub use references::{ContainerValues, Resolved, Resolver};

//! The control plane without I/O: every operation is a function on the state.
//!
//! [`ops`] has one file per operation and a generated table of all of them.
//! [`state::State`] is what they read and change; [`record`] holds what is
//! stored, [`view`] turns records into wire shapes. Time, randomness and the
//! caller arrive in [`cx::Cx`]; nothing here waits, logs or talks to a host.

mod account_settings;
pub mod assignment;
pub mod capacity;
mod cluster_settings;
pub mod cx;
mod deregistration;
mod environment;
pub mod error;
pub mod extension;
mod gpus;
mod honoured;
pub mod hosting;
pub mod identifier;
mod instance_attributes;
mod launch;
pub mod limits;
mod local_host;
pub mod loss;
pub mod operation;
pub mod ops;
mod paging;
pub mod record;
mod registration;
pub mod report;
pub mod retention;
mod sizes;
pub mod state;
mod stopping;
mod taggable;
mod tags;
#[cfg(test)]
mod testing;
mod view;

pub use cx::{Caller, Cx, ReadCx, Settings};
pub use error::OpError;
pub use operation::{Entry, Prepared};
pub use state::State;

//! Containers on this machine: the [`Driver`] trait and its drivers.

pub mod clock;
pub mod conformance;
pub mod docker;
pub mod driver;
mod lines;
#[cfg(target_os = "linux")]
pub mod native;
pub mod registry;
pub mod scripted;
mod signals;

pub use clock::Clock;
pub use driver::{Capacity, Driver, Executed};

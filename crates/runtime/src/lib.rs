//! Containers on this machine: the [`Driver`] trait and its drivers.

pub mod clock;
pub mod conformance;
pub mod driver;
#[cfg(target_os = "linux")]
pub mod native;
pub mod scripted;

pub use clock::Clock;
pub use driver::{Capacity, Driver, Executed};

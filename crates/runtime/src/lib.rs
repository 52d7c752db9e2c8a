//! Containers on this machine: the [`Driver`] trait and its drivers.

pub mod driver;

pub use driver::{Capacity, Driver, Executed};

//! The native driver on real containers. Needs root and Debian's `busybox-static`.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

mod confinement;
mod conformance;
mod image_volumes;
mod leaks;
mod life;
mod limits;
mod output;
mod process;
mod restart;
mod surroundings;
mod testbed;
mod volumes;

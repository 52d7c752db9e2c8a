//! The tests of the docker driver against Podman's compatible socket. Needs root, and Debian's
//! podman and docker.io, whose command line looks at the engine. Runs when it is named only.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

#[path = "../docker/adoption.rs"]
mod adoption;
#[path = "../docker/conformance.rs"]
mod conformance;
mod daemon;
#[path = "../docker/engine.rs"]
mod engine;
#[path = "../docker/images.rs"]
mod images;
#[path = "../docker/network.rs"]
mod network;
#[path = "../docker/testbed.rs"]
mod testbed;
#[path = "../docker/volumes.rs"]
mod volumes;

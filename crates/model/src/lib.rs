//! The words of ECS: request and response shapes, enumerations, error names,
//! ARNs, identifiers, timestamps. Pure data; knows no transport and no server.
//!
//! [`generated`] comes from `smithy/ecs.json`; everything else is written by
//! hand. [`container`] and [`payload`] are the words that a host's engine and
//! its container driver share without knowing each other.

pub mod arn;
pub mod container;
pub mod id;
pub mod payload;
pub mod timestamp;

pub use arn::Arn;
pub use id::{ContainerInstanceId, TaskId};
pub use timestamp::Timestamp;

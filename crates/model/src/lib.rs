//! The words of ECS: request and response shapes, enumerations, error names,
//! ARNs, identifiers, timestamps. Pure data; knows no transport and no server.
//!
//! [`shapes`], [`errors`] and [`operations`] are generated from
//! `smithy/ecs.json`; everything else is written by hand. [`container`] and
//! [`payload`] are the words that a host's engine and its container driver share
//! without knowing each other; [`explain`], [`interrupt`], [`faults`] and
//! [`capacity`] hold those of the server's own paths.

pub mod arn;
pub mod capacity;
pub mod cloudwatch_logs;
pub mod container;
pub mod explain;
pub mod faults;
pub mod id;
pub mod interrupt;
pub mod objects;
mod open_enum;
mod operation;
pub mod payload;
mod redacted;
pub mod timestamp;

mod generated {
    pub(crate) mod enums;
    pub(crate) mod errors;
    pub(crate) mod operations;
    pub(crate) mod shapes;
}

/// Structures and enumerations of the API.
pub mod shapes {
    pub use crate::generated::enums::*;
    pub use crate::generated::shapes::*;
}

/// Names and bodies of errors.
pub mod errors {
    pub use crate::generated::errors::*;
}

/// Operations: a type each, and the table of their facts.
pub mod operations {
    pub use crate::generated::operations::*;
    pub use crate::operation::{Message, Operation, OperationFacts, Pages};
}

pub use arn::Arn;
pub use id::{ContainerInstanceId, TaskId};
pub use timestamp::Timestamp;

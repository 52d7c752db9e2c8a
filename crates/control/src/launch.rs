//! The parts of launching tasks that RunTask puts together: checks of the
//! request, what a task takes, the new records, the memory of client tokens.

pub(crate) mod create;
pub(crate) mod demand;
pub(crate) mod network;
pub(crate) mod overrides;
pub(crate) mod placement;
pub(crate) mod placing;
pub(crate) mod platform;
pub(crate) mod request;
pub(crate) mod strategy;
pub(crate) mod template;
pub(crate) mod token;
pub(crate) mod volumes;
mod vpc;

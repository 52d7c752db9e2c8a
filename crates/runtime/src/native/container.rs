//! One container as the server sees it: its folder, its processes, and the commands the
//! server gives by starting a shim. Nothing is kept in memory: what a call needs is read
//! from the folder, so that a restarted server knows as much as the one before it.

pub(crate) mod execute;
pub(crate) mod folder;
pub(crate) mod holder;
pub(crate) mod launch;
pub(crate) mod outcome;
pub(crate) mod process;
pub(crate) mod record;
pub(crate) mod template;

//! What the programs share: how a call is measured. The minimal programs use nothing of it.

#[cfg(feature = "measure")]
pub mod measure;

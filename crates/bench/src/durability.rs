//! What must outlive a crash: each token's tasks, once, as everybody was told who asked for them.
//! `cargo xtask crashes` kills the server, `cargo xtask powerloss` the machine below it.

pub mod client;
pub mod crashes;
mod diary;
#[cfg(target_os = "linux")]
pub mod guest;
#[cfg(target_os = "linux")]
mod machine;
mod moments;
#[cfg(target_os = "linux")]
pub mod powerloss;
mod report;
pub mod server;
pub mod stored;
pub mod told;

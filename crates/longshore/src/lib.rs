//! The program: finds or starts a server and hands the user's commands a
//! connection to it. The composition root: the one clock, the writer thread,
//! and the wires between API, control plane, store, agent and driver.

mod arguments;
mod clock;
mod commands;
mod config;
mod connect;
mod data_dir;
mod driver;
mod embed;
mod exit;
mod faults;
mod gateway;
mod guests;
mod history;
mod instances;
mod keys;
mod metrics;
mod plane;
mod references;
mod scaling;
mod server;
mod sweeper;
mod writer;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

pub use embed::{EmbedError, Embedded};

/// The hidden subcommand that becomes a container's shim.
#[cfg(target_os = "linux")]
const SHIM: &str = "shim";

/// Does what the words of the command line say; returns the process's exit code.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    // Before anything else: a shim must not start a thread.
    #[cfg(target_os = "linux")]
    if words.get(1).is_some_and(|word| word == SHIM) {
        return runtime::native::shim::run(words.into_iter().skip(2));
    }
    let arguments = Arguments::parse_from(words);
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(commands::execute(arguments)),
        Err(error) => exit::failure(&format!("the async runtime does not start: {error}")),
    }
}

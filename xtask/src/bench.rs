//! `cargo xtask bench`: how fast it is, as ratios. Every figure is measured in the
//! same run as the peer or floor it is compared with, on the same machine; the
//! goals stand beside them and nothing fails when one is missed.

mod api;
mod client;
mod docker;
mod engine;
mod figures;
mod load;
mod memory;
mod refusals;
mod remembering;
mod server;
mod start;
mod table;

use crate::programs::Programs;
use crate::shell;
use crate::workplace::Workplace;
pub(crate) use client::Builds;
use table::Table;

/// The API, with containers that are scripts.
pub(crate) fn api() -> anyhow::Result<()> {
    measure(api::measure)
}

/// Our client beside the AWS SDK for Rust.
pub(crate) fn client(builds: Builds) -> anyhow::Result<()> {
    let programs = Programs::build_echo()?;
    in_workplace(|workplace, table| client::measure(&programs, workplace, builds, table))
}

/// What a refused request costs.
pub(crate) fn refusals() -> anyhow::Result<()> {
    measure(refusals::measure)
}

/// Lives of real containers.
pub(crate) fn start() -> anyhow::Result<()> {
    measure(start::measure)
}

/// Starts of containers in a Docker engine.
pub(crate) fn docker() -> anyhow::Result<()> {
    measure(docker::measure)
}

/// The choice of a host, which needs no server. The crate's own benchmark prints the tables.
pub(crate) fn placement() -> anyhow::Result<()> {
    shell::check(shell::cargo().args(["bench", "--package", "scheduler", "--bench", "placement"]))
}

fn measure(
    what: fn(&Programs, &Workplace, &mut Table) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let programs = Programs::build()?;
    in_workplace(|workplace, table| what(&programs, workplace, table))
}

fn in_workplace(
    what: impl FnOnce(&Workplace, &mut Table) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let workplace = Workplace::create()?;
    let mut table = Table::default();
    let result = what(&workplace, &mut table);
    // What was found before something broke is worth a look.
    table.print();
    result
}

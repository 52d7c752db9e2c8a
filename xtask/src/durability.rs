//! `cargo xtask crashes` and `powerloss`: what was answered outlives the process, and the machine.

use anyhow::Context as _;

use crate::programs::Programs;
use crate::workplace::Workplace;
use crate::{packages, shell};

/// Idempotency under SIGKILL; `None` is the program's own number of rounds.
pub(crate) fn crashes(rounds: Option<&str>) -> anyhow::Result<()> {
    let programs = Programs::build()?;
    let workplace = Workplace::create()?;
    let mut command = programs.command("crashes");
    command.arg("--longshore").arg(programs.path("longshore"));
    command.arg("--data-dir").arg(workplace.fresh("data")?);
    if let Some(rounds) = rounds {
        command.args(["--rounds", rounds]);
    }
    shell::check(&mut command)
}

/// The whole machine, with a control that does not sync; `None` is the program's own number of
/// boots.
pub(crate) fn powerloss(boots: Option<&str>) -> anyhow::Result<()> {
    packages::ensure_guests()?;
    let workplace = Workplace::create()?;
    // Built first: the other build takes its place.
    let unsafe_sync = Programs::build_with(&["unsafe-sync"])?.path("longshore");
    let control = workplace.folder().join("longshore-unsafe-sync");
    std::fs::copy(&unsafe_sync, &control).with_context(|| unsafe_sync.display().to_string())?;
    let programs = Programs::build()?;
    let mut command = programs.command("powerloss");
    command.arg("host").arg("--control").arg(&control);
    command.arg("--longshore").arg(programs.path("longshore"));
    command.arg("--folder").arg(workplace.fresh("machines")?);
    if let Some(boots) = boots {
        command.args(["--boots", boots]);
    }
    shell::check(&mut command)
}

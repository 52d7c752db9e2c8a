//! `cargo xtask fuzz`: random inputs by the million. The crates' own programs make them.

use crate::shell;

/// The cluster query language, over all cores; `None` is the program's own number of inputs.
pub(crate) fn expression(inputs: Option<&str>) -> anyhow::Result<()> {
    let mut command = shell::cargo();
    command.args(["run", "--release", "--package", "scheduler"]);
    command.args(["--example", "fuzz_expression", "--"]);
    shell::check(command.args(inputs))
}

//! `target/sdk-rust`: the black-box test with the AWS SDK for Rust, a package of its own.

use crate::{paths, shell};

/// Builds the program that `conformance/test_rust.py` runs.
pub(crate) fn ensure() -> anyhow::Result<()> {
    let root = paths::workspace();
    let mut command = shell::cargo();
    command.args(["build", "--quiet", "--locked", "--manifest-path"]);
    command.arg(root.join("conformance/sdk-rust/Cargo.toml"));
    command
        .arg("--target-dir")
        .arg(root.join("target/sdk-rust"));
    shell::check(&mut command)
}

//! `target/javascript`: the AWS SDK for JavaScript from npm, where npm is installed.

use crate::{paths, say, shell};

/// The package, of a version whose interface the test knows.
const PACKAGE: &str = "@aws-sdk/client-ecs@3";

/// Brings the SDK unless it is there. Without npm the test of it is skipped.
pub(crate) fn ensure() -> anyhow::Result<()> {
    let folder = paths::workspace().join("target/javascript");
    if folder.join("node_modules/@aws-sdk/client-ecs").is_dir() {
        return Ok(());
    }
    if !shell::exists("npm") {
        say("npm is not installed: the test with the JavaScript SDK is skipped");
        return Ok(());
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
    let options = ["--silent", "--no-fund", "--no-audit", "--ignore-scripts"];
    shell::check(
        shell::command("npm")
            .current_dir(&folder)
            .arg("install")
            .args(options)
            .arg(PACKAGE),
    )
}

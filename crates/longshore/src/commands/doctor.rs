//! `longshore doctor`: what this machine has for each driver, what is missing, and what mends it.
//! Looks only; every look has an end, so that the whole answer is there within a second.

mod check;
mod engine;
#[cfg(target_os = "linux")]
mod native;
mod place;
mod server;
mod verdict;

use std::path::Path;
use std::process::ExitCode;

use check::Check;
use serde::Serialize;
use verdict::Verdict;

use crate::config::{Config, ConfigError};
use crate::exit;

pub(crate) use server::server;

/// Everything, as `--json` prints it.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    checks: Vec<Check>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Success if some driver can run containers here.
pub(crate) async fn doctor(
    config: Result<Config, ConfigError>,
    data_dir: &Path,
    is_json: bool,
) -> ExitCode {
    let report = examine(config, data_dir).await;
    let text = if is_json {
        serde_json::to_string_pretty(&report)
    } else {
        Ok(table(&report))
    };
    match text {
        Ok(text) => print(&text),
        Err(error) => return exit::failure(&error.to_string()),
    }
    match report.verdict.driver {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn print(text: &str) {
    println!("{}", text.trim_end());
}

async fn examine(config: Result<Config, ConfigError>, data_dir: &Path) -> Report {
    let (config, configured) = match config {
        Ok(config) => (config, Check::ok("configuration", "it can be read")),
        Err(error) => {
            let check = Check::missing("configuration", &error.to_string());
            (Config::default(), check.or_remedy("correct the file"))
        }
    };
    let native = native();
    let engine = engine::check(&config).await;
    let verdict = Verdict::of(&native, &engine);
    let mut checks = native;
    checks.extend([engine, configured]);
    checks.extend(place::checks(&config, data_dir));
    Report {
        version: env!("CARGO_PKG_VERSION"),
        checks,
        verdict,
    }
}

#[cfg(target_os = "linux")]
fn native() -> Vec<Check> {
    native::checks()
}

/// Elsewhere the native driver is not even compiled.
#[cfg(not(target_os = "linux"))]
fn native() -> Vec<Check> {
    let system = std::env::consts::OS;
    let told = format!("the native driver needs Linux, this is {system}; use a Docker engine");
    vec![Check::missing("kernel", &told)]
}

/// A line for each check, its remedy below it, and the verdict.
fn table(report: &Report) -> String {
    let lines: String = report.checks.iter().map(Check::lines).collect();
    format!("{lines}\n{}\n", report.verdict.sentence())
}

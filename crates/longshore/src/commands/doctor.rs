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
    /// What the native driver needs.
    native: Vec<Check>,
    /// What the docker driver needs.
    docker: Vec<Check>,
    /// What every server needs.
    server: Vec<Check>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Success if a server would start here, and its driver run containers.
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
    if report.verdict.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
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
    let engine = engine::check(&config).await;
    let mut server = vec![configured];
    server.extend(place::checks(&config, data_dir));
    let native = native(data_dir);
    let verdict = Verdict::of(&config, &native, &engine, &server).await;
    Report {
        version: env!("CARGO_PKG_VERSION"),
        native,
        docker: vec![engine],
        server,
        verdict,
    }
}

#[cfg(target_os = "linux")]
fn native(data_dir: &Path) -> Vec<Check> {
    native::checks(data_dir)
}

/// Elsewhere the native driver is not even compiled.
#[cfg(not(target_os = "linux"))]
fn native(_: &Path) -> Vec<Check> {
    let system = std::env::consts::OS;
    let told = format!("the native driver needs Linux, this is {system}; use a Docker engine");
    vec![Check::missing("kernel", &told)]
}

/// A line for each check, its remedy below it, and the verdict.
fn table(report: &Report) -> String {
    let needs = |driver: &str| {
        let is_taken = report.verdict.driver.map(|taken| taken == driver);
        let taken = is_taken.map_or("", |is| if is { " (taken)" } else { " (not taken)" });
        format!("the driver {driver} needs{taken}")
    };
    let parts = [
        (needs("native"), &report.native),
        (needs("docker"), &report.docker),
        ("every server needs".to_owned(), &report.server),
    ];
    let part = |(heading, checks): (String, &Vec<Check>)| {
        let lines: String = checks.iter().map(Check::lines).collect();
        format!("{heading}\n{lines}\n")
    };
    let parts: String = parts.into_iter().map(part).collect();
    format!("{parts}{}\n", report.verdict.sentence())
}

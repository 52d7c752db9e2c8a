//! Who may use whom: the picture in `ARCHITECTURE.md`, compared with what cargo says.

use std::process::Stdio;

use anyhow::Context as _;
use serde::Deserialize;

use crate::shell;

/// A crate and the crates of ours that it may use, in its tests too. What is not
/// here is forbidden, a crate that is not here as well.
const ARROWS: [(&str, &[&str]); 15] = [
    ("longshore-model", &[]),
    ("scheduler", &["longshore-model"]),
    ("engine", &["longshore-model"]),
    ("store", &[]),
    ("control", &["longshore-model", "scheduler", "store"]),
    ("logs", &["longshore-model"]),
    ("runtime", &["longshore-model", "logs"]),
    ("agent", &["longshore-model", "engine", "runtime"]),
    ("api", &["longshore-model"]),
    ("longshore-client", &["longshore-model"]),
    ("cli", &["longshore-client", "longshore-model"]),
    (
        "longshore",
        &[
            "agent",
            "api",
            "bench",
            "cli",
            "control",
            "engine",
            "logs",
            "longshore-client",
            "longshore-model",
            "runtime",
            "scheduler",
            "store",
        ],
    ),
    (
        "longshore-testing",
        &[
            "longshore",
            "longshore-client",
            "longshore-model",
            "runtime",
        ],
    ),
    ("bench", &[]),
    ("xtask", &[]),
];

/// What pure crates may use of others, outside their tests: nothing that could
/// wait, tell the time, draw lots or touch the machine.
const PURE: [(&str, &[&str]); 4] = [
    ("longshore-model", &["serde", "serde_json", "thiserror"]),
    // Of `time` the calendar only: its clock is not compiled in.
    (
        "scheduler",
        &["imbl", "rand", "regex", "regex-syntax", "time"],
    ),
    ("engine", &[]),
    (
        "control",
        &[
            "hex",
            "imbl",
            "rand",
            "rand_chacha",
            "regex",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            // The type and its spelling; its bits come from the generator that is an argument.
            "uuid",
        ],
    ),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Absent for what the crate itself needs; else `dev` or `build`.
    kind: Option<String>,
    /// Only our own crates have one.
    path: Option<String>,
}

pub(super) fn complaints() -> anyhow::Result<Vec<String>> {
    let done = shell::cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    anyhow::ensure!(done.status.success(), "cargo metadata failed");
    let metadata: Metadata = serde_json::from_slice(&done.stdout)?;
    Ok(metadata.packages.iter().flat_map(of_package).collect())
}

fn of_package(package: &Package) -> Vec<String> {
    let Some(allowed) = row(&ARROWS, &package.name) else {
        return vec![format!("{}: not in the dependency picture", package.name)];
    };
    let pure = row(&PURE, &package.name);
    let mut found = Vec::new();
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        if dependency.path.is_some() {
            if !allowed.contains(&name) {
                found.push(format!("{} may not use {name}", package.name));
            }
        } else if dependency.kind.is_none() && pure.is_some_and(|allowed| !allowed.contains(&name))
        {
            found.push(format!("{} is pure and may not use {name}", package.name));
        }
    }
    found
}

fn row(table: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    table
        .iter()
        .find(|(of, _)| *of == name)
        .map(|(_, row)| *row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(package: &str, dependency: &str, kind: Option<&str>, own: bool, expected: &[&str]) {
        let dependency = Dependency {
            name: dependency.to_owned(),
            kind: kind.map(str::to_owned),
            path: own.then(String::new),
        };
        let package = Package {
            name: package.to_owned(),
            dependencies: vec![dependency],
        };
        assert_eq!(of_package(&package), expected);
    }

    #[test]
    fn arrows_that_are_not_drawn_are_found() {
        check("engine", "longshore-model", None, true, &[]);
        check(
            "engine",
            "runtime",
            None,
            true,
            &["engine may not use runtime"],
        );
        check(
            "cli",
            "control",
            Some("dev"),
            true,
            &["cli may not use control"],
        );
        check(
            "engine",
            "tokio",
            None,
            false,
            &["engine is pure and may not use tokio"],
        );
        check("engine", "proptest", Some("dev"), false, &[]);
        check("api", "tokio", None, false, &[]);
        check(
            "novel",
            "serde",
            None,
            false,
            &["novel: not in the dependency picture"],
        );
    }
}

//! Packages outside the workspace that use our client have a lock file of their own, which
//! nobody thinks of when the client or the workspace's lock changes. It must know what the
//! client needs, and take the same versions of the AWS crates: a comparison with another
//! generation of the runtime would say nothing.

use std::collections::BTreeSet;

use anyhow::Context as _;
use toml::{Table, Value};

use crate::paths;

const PACKAGES: [&str; 2] = ["conformance/sdk-rust", "crates/bench/minimal"];
const CLIENT: &str = "longshore-client";

/// The files that are compared; each holds TOML.
struct Files {
    /// The package outside the workspace, for the complaint.
    package: &'static str,
    lock: Table,
    workspace_lock: Table,
    client: Table,
}

pub(super) fn complaints() -> anyhow::Result<Vec<String>> {
    let read = |path: String| -> anyhow::Result<Table> {
        let text = std::fs::read_to_string(paths::workspace().join(&path));
        text.context(path.clone())?.parse().context(path)
    };
    let mut found = Vec::new();
    for package in PACKAGES {
        let files = Files {
            package,
            lock: read(format!("{package}/Cargo.lock"))?,
            workspace_lock: read("Cargo.lock".to_owned())?,
            client: read("crates/client/Cargo.toml".to_owned())?,
        };
        found.extend(of_package(&files));
    }
    Ok(found)
}

fn of_package(files: &Files) -> Vec<String> {
    let Files { package, .. } = files;
    let missing =
        needs(&files.client).filter(|name| !locked_for_client(&files.lock).contains(name));
    let missing = missing.map(|name| {
        format!(
            "{package}/Cargo.lock: {CLIENT} needs {name}; `cargo update --workspace` in that folder adds it"
        )
    });
    let others = aws(&files.lock).filter(|(name, version)| {
        let same = |(of, at): (&str, &str)| of == *name && at == *version;
        let known = aws(&files.workspace_lock).any(|(of, _)| of == *name);
        known && !aws(&files.workspace_lock).any(same)
    });
    let others = others.map(|(name, version)| {
        format!("{package}/Cargo.lock: {name} {version} is not the workspace's")
    });
    missing.chain(others).collect()
}

/// What the client cannot do without; `model` is one of our names for a crate.
fn needs(manifest: &Table) -> impl Iterator<Item = &str> {
    let dependencies = manifest.get("dependencies").and_then(Value::as_table);
    let needed = dependencies.into_iter().flatten().filter(|(_, how)| {
        let optional = how.get("optional").and_then(Value::as_bool);
        optional != Some(true)
    });
    needed.map(|(name, _)| match name.as_str() {
        "model" => "longshore-model",
        name => name,
    })
}

fn packages(lock: &Table) -> impl Iterator<Item = &Table> {
    let packages = lock.get("package").and_then(Value::as_array);
    packages.into_iter().flatten().filter_map(Value::as_table)
}

fn word<'a>(package: &'a Table, key: &str) -> &'a str {
    package.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Names only: where two versions are locked, the version stands behind the name.
fn locked_for_client(lock: &Table) -> BTreeSet<&str> {
    let client = packages(lock).find(|package| word(package, "name") == CLIENT);
    let locked = client.and_then(|client| client.get("dependencies")?.as_array());
    let words = locked.into_iter().flatten().filter_map(Value::as_str);
    words.filter_map(|text| text.split(' ').next()).collect()
}

fn aws(lock: &Table) -> impl Iterator<Item = (&str, &str)> {
    packages(lock)
        .map(|package| (word(package, "name"), word(package, "version")))
        .filter(|(name, _)| name.starts_with("aws-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        [[package]]
        name = "longshore-client"
        dependencies = ["aws-types", "longshore-model", "tokio 1.0.0"]
        [[package]]
        name = "aws-types"
        version = "1.0.0"
        [[package]]
        name = "aws-sdk-ecs"
        version = "7.0.0"
    "#;

    #[track_caller]
    fn check(client: &str, aws_types: &str, expected: &[&str]) {
        let workspace = format!("[[package]]\nname = 'aws-types'\nversion = '{aws_types}'");
        let files = Files {
            package: "p",
            lock: LOCK.parse().unwrap(),
            workspace_lock: workspace.parse().unwrap(),
            client: client.parse().unwrap(),
        };
        assert_eq!(of_package(&files), expected);
    }

    #[test]
    fn a_lock_that_was_forgotten_is_found() {
        let client = "[dependencies]\nmodel.workspace = true\ntokio = '1'\n";
        check(client, "1.0.0", &[]);
        let optional = format!("{client}uuid = {{ workspace = true, optional = true }}\n");
        check(&optional, "1.0.0", &[]);
        check(
            &format!("{client}uuid.workspace = true\n"),
            "1.0.0",
            &[
                "p/Cargo.lock: longshore-client needs uuid; `cargo update --workspace` in that folder adds it",
            ],
        );
        check(
            client,
            "1.0.1",
            &["p/Cargo.lock: aws-types 1.0.0 is not the workspace's"],
        );
    }
}

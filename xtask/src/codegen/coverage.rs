//! Which operations the server builds (a file in `crates/control/src/ops/`),
//! and which capability brings the others (`smithy/operations.toml`).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;

use super::model::Model;
use super::names;
use crate::facts::Operation;
use crate::paths;

pub(super) struct Coverage {
    /// In alphabetical order, as the model has them.
    pub(super) rows: Vec<Row>,
    /// What keeps the table from being complete; each a sentence.
    pub(super) complaints: Vec<String>,
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) read_only: bool,
    /// The model lets it answer `UnsupportedFeatureException`.
    pub(super) declares_unsupported: bool,
}

#[derive(PartialEq, Eq)]
pub(super) enum State {
    Built,
    /// With the capability that brings it.
    Later(String),
    /// Nobody says; always together with a complaint.
    Unknown,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    /// Capability to its operations.
    later: BTreeMap<String, Vec<String>>,
}

impl Coverage {
    pub(super) fn load(model: &Model) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(paths::workspace().join("smithy/operations.toml"))
            .context("cannot read smithy/operations.toml")?;
        let plan: Plan = toml::from_str(&text).context("smithy/operations.toml")?;
        Ok(Self::new(&model.facts.operations, &files()?, &plan))
    }

    fn new(
        operations: &BTreeMap<String, Operation>,
        files: &BTreeSet<String>,
        plan: &Plan,
    ) -> Self {
        let mut coverage = Self {
            rows: Vec::new(),
            complaints: Vec::new(),
        };
        let mut strangers = files.clone();
        for (name, operation) in operations {
            let built = strangers.remove(&names::snake(name));
            let state = coverage.state(name, built, plan);
            coverage.rows.push(Row {
                name: name.clone(),
                state,
                read_only: operation.read_only,
                declares_unsupported: operation
                    .errors
                    .iter()
                    .any(|error| error == "UnsupportedFeatureException"),
            });
        }
        for stranger in strangers {
            coverage.complain(format!("ops/{stranger}.rs is named after no operation"));
        }
        for name in plan
            .later
            .values()
            .flatten()
            .filter(|name| !operations.contains_key(*name))
        {
            coverage.complain(format!("the model has no operation {name}"));
        }
        coverage
    }

    fn state(&mut self, name: &str, built: bool, plan: &Plan) -> State {
        let mut capabilities = plan
            .later
            .iter()
            .filter(|(_, names)| names.iter().any(|listed| listed == name));
        let later = capabilities
            .next()
            .map(|(capability, _)| capability.clone());
        if capabilities.next().is_some() {
            self.complain(format!("{name} is listed under two capabilities"));
        }
        match (built, later) {
            (true, None) => State::Built,
            (true, Some(_)) => {
                self.complain(format!("{name} is built and still listed as later"));
                State::Built
            }
            (false, Some(capability)) => State::Later(capability),
            (false, None) => {
                self.complain(format!("{name} is neither built nor listed as later"));
                State::Unknown
            }
        }
    }

    fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }

    pub(super) fn built(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.state == State::Built)
    }
}

/// Names of the files in `ops/`, without `.rs`.
fn files() -> anyhow::Result<BTreeSet<String>> {
    let folder = paths::workspace().join("crates/control/src/ops");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = BTreeSet::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            names.insert(stem.context("a file name that is not text")?.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[&str], later: &[&str], complaint: &str) {
        let operation = || Operation {
            input: String::new(),
            output: String::new(),
            errors: Vec::new(),
            read_only: false,
            idempotent: false,
            pages: None,
        };
        let operations = BTreeMap::from([("RunTask".to_owned(), operation())]);
        let files = files.iter().map(|&name| name.to_owned()).collect();
        let names = later.iter().map(|&name| name.to_owned()).collect();
        let plan = Plan {
            later: BTreeMap::from([("exec".to_owned(), names)]),
        };
        assert_eq!(
            Coverage::new(&operations, &files, &plan)
                .complaints
                .join("; "),
            complaint
        );
    }

    #[test]
    fn every_operation_stands_in_exactly_one_place() {
        check(&["run_task"], &[], "");
        check(&[], &["RunTask"], "");
        check(&[], &[], "RunTask is neither built nor listed as later");
        check(
            &["run_task"],
            &["RunTask"],
            "RunTask is built and still listed as later",
        );
        check(
            &["run_task", "walk"],
            &[],
            "ops/walk.rs is named after no operation",
        );
        check(&["run_task"], &["Walk"], "the model has no operation Walk");
    }
}

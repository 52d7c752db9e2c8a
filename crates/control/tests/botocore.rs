//! botocore reads every answer of `letter/accepted/`, and misses nothing in it: one Python
//! process (`answers_check.py`) compares them with the shapes of the ECS model that it ships.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The interpreter: `LONGSHORE_PYTHON`, else that of `target/venv`.
fn python() -> PathBuf {
    if let Some(named) = std::env::var_os("LONGSHORE_PYTHON") {
        return named.into();
    }
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    assert!(
        made.exists(),
        "no Python with botocore: `cargo xtask test` makes target/venv, or name one in LONGSHORE_PYTHON"
    );
    made
}

/// Runs the check over all answers; none may be found wanting.
#[track_caller]
fn check(arguments: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers_check.py");
    let mut command = Command::new(python());
    let done = command.args(["-B", script]).args(arguments).output();
    let done = done.expect("the interpreter starts");
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{complaint}");
    let verdict: Value = serde_json::from_slice(&done.stdout).unwrap();
    let found = verdict["found"].as_array().unwrap();
    assert!(found.is_empty(), "{found:#?}");
    let answers = verdict["answers"].as_u64().unwrap();
    assert!(answers >= 60, "only {answers} answers were read");
}

#[test]
fn botocore_knows_every_member_of_every_answer() {
    check(&[]);
}

#[test]
fn a_planted_member_or_type_is_found_wherever_it_stands() {
    check(&["planted"]);
}

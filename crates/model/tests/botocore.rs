//! botocore and we agree on every request and every answer: what it serializes
//! we read and write back unchanged, what we write it parses to the same
//! values. One Python process asks (`botocore_check.py`), this side answers.

mod roundtrip;

use std::fmt::Debug;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use longshore_model::operations::{Message, OPERATIONS, Operation};
use serde_json::{Value, json};

/// What the test needs of one operation.
pub(crate) struct Case {
    name: &'static str,
    input: RoundTrip,
    output: RoundTrip,
}

/// Reads JSON into a type, and gives its JSON and its debug form.
type RoundTrip = fn(&str) -> serde_json::Result<(String, String)>;

pub(crate) fn input<O: Operation>(body: &str) -> serde_json::Result<(String, String)> {
    through::<O::Input>(body)
}

pub(crate) fn output<O: Operation>(body: &str) -> serde_json::Result<(String, String)> {
    through::<O::Output>(body)
}

fn through<T: Message + Debug>(body: &str) -> serde_json::Result<(String, String)> {
    let message: T = serde_json::from_slice(body.as_bytes())?;
    Ok((serde_json::to_string(&message)?, format!("{message:?}")))
}

/// Answers one line of the Python side.
fn answer(question: &Value) -> Value {
    let text = |key: &str| question[key].as_str().unwrap_or_default();
    let Some(case) = roundtrip::CASES
        .iter()
        .find(|case| case.name == text("operation"))
    else {
        return json!({ "error": "unknown to our model: `cargo xtask model import` renews it" });
    };
    let run = if text("kind") == "input" {
        case.input
    } else {
        case.output
    };
    match run(text("body")) {
        Ok((_, debug)) if question["known"] == json!(true) && debug.contains("Unknown(") => {
            json!({ "error": "a known word landed in Unknown" })
        }
        Ok((body, _)) => json!({ "body": body }),
        Err(error) => json!({ "error": format!("{error} in {}", text("body")) }),
    }
}

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

fn script(arguments: &[&str]) -> Child {
    Command::new(python())
        .arg("-B")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/botocore_check.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter starts")
}

#[test]
fn botocore_reads_what_we_write_and_writes_what_we_read() {
    let mut child = script(&[]);
    let mut to = child.stdin.take().unwrap();
    let mut verdict = None;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let question: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if question.get("verdict").is_some() {
            verdict = Some(question);
            break;
        }
        writeln!(to, "{}", answer(&question)).unwrap();
    }
    assert!(child.wait().unwrap().success());
    let verdict = verdict.expect("the Python side ends with a verdict");
    let found = verdict["found"].as_array().unwrap();
    assert!(
        found.is_empty(),
        "{} differences, the first: {:#?}",
        found.len(),
        &found[..3.min(found.len())]
    );
    assert_eq!(verdict["verdict"]["operations"], OPERATIONS.len());
    println!("{} cases", verdict["verdict"]["cases"]);
}

#[test]
fn a_member_that_does_not_exist_is_found() {
    let done = script(&["planted"]).wait_with_output().unwrap();
    assert!(done.status.success());
    let found: Vec<String> = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        found,
        [
            "tasks[0].createdAt: \"yesterday\" is no timestamp",
            "tasks[1].containers[0].surprise: unknown member",
        ]
    );
}

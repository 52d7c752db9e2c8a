//! Load on a server: the task definition, the requests, what came of them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::figures::Latency;
use super::server::Server;
use crate::programs::Programs;

/// Family and script: tasks that wait for their image leave the machine to RunTask alone, the
/// others live their whole life meanwhile.
pub(super) const WAITING: (&str, &str) = ("waiting", "pull 1h");
pub(super) const LIVING: (&str, &str) = ("living", "exit 0");

#[derive(Deserialize)]
pub(super) struct Load {
    pub(super) requests_per_second: f64,
    errors: usize,
    first_error: Option<String>,
    pub(super) latency_ms: Latency,
    pub(super) used_up: bool,
}

/// What is sent, over how many connections.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) connections: usize,
    pub(super) count: usize,
    pub(super) family: (&'static str, &'static str),
}

pub(super) fn load<const N: usize>(
    programs: &Programs,
    url: &str,
    case: Case,
    signed: usize,
    options: [&str; N],
) -> anyhow::Result<Load> {
    let body = body(case.family.0, case.count);
    let (connections, signed) = (case.connections.to_string(), signed.to_string());
    let words = [
        "run",
        "--url",
        url,
        "--operation",
        "RunTask",
        "--body",
        &body,
    ];
    let numbers = ["--connections", &connections, "--prepare", &signed];
    let load: Load = programs.find(
        programs
            .command("load")
            .args(words)
            .args(numbers)
            .args(options),
    )?;
    let first = load.first_error.as_deref().unwrap_or_default();
    anyhow::ensure!(
        load.errors == 0,
        "{} requests failed, the first with {first}",
        load.errors
    );
    Ok(load)
}

pub(super) fn register(
    programs: &Programs,
    server: &Server,
    (family, script): (&str, &str),
) -> anyhow::Result<()> {
    let definition = json!({
        "family": family,
        "networkMode": "bridge",
        "containerDefinitions": [{
            "name": "app",
            "image": "app:1",
            "cpu": 64,
            "memory": 64,
            "environment": [{ "name": "STAGE", "value": "bench" }],
            "dockerLabels": { "longshore.script": script },
        }],
    });
    let _: Value = server.call(programs, "RegisterTaskDefinition", &definition.to_string())?;
    Ok(())
}

pub(super) fn body(family: &str, count: usize) -> String {
    json!({ "taskDefinition": family, "count": count }).to_string()
}

//! What a refusal costs: one caller after the other, on a server that does nothing else.

use serde::Deserialize;
use serde_json::json;

use super::figures::{Latency, Rounds, whole};
use super::load::{WAITING, register};
use super::server::Server;
use super::table::{Goal, Table};
use crate::programs::Programs;
use crate::workplace::Workplace;

const ROUNDS: usize = 3;
const OVERRIDES_CHARS: usize = 9000;

#[derive(Deserialize)]
struct Refusals {
    errors: usize,
    first_error: Option<String>,
    latency_ms: Latency,
}

pub(super) fn measure(
    programs: &Programs,
    workplace: &Workplace,
    table: &mut Table,
) -> anyhow::Result<()> {
    let server = Server::scripted(programs, &workplace.fresh("refusals")?)?;
    register(programs, &server, WAITING)?;
    let family = WAITING.0;
    let long = "x".repeat(OVERRIDES_CHARS);
    let overrides = json!({"containerOverrides": [{"name": "app", "command": [long]}]});
    let cases = [
        ("an unknown operation", "RunTusk", "{}".to_owned()),
        ("broken JSON", "RunTask", r#"{"count":"#.to_owned()),
        ("a wrong type", "RunTask", r#"{"count":"one"}"#.to_owned()),
        (
            "an unknown definition",
            "RunTask",
            json!({"taskDefinition": "none"}).to_string(),
        ),
        (
            "a count of 11",
            "RunTask",
            json!({"taskDefinition": family, "count": 11}).to_string(),
        ),
        (
            "overrides of 9,000 characters",
            "RunTask",
            json!({"taskDefinition": family, "overrides": overrides}).to_string(),
        ),
        (
            "a definition without containers",
            "RegisterTaskDefinition",
            json!({"family": "bare"}).to_string(),
        ),
    ];
    for (what, operation, body) in cases {
        let mut median = Rounds::default();
        for _ in 0..ROUNDS {
            median.push(refuse(programs, &server, operation, &body)?.p50 * 1000.0);
        }
        let text = median.text(whole, "µs");
        let figure = format!("Refusing {what}");
        table.add(
            figure,
            text,
            "",
            (median.median(), "µs"),
            Goal::AtMost(200.0),
        );
    }
    server.stop()
}

fn refuse(
    programs: &Programs,
    server: &Server,
    operation: &str,
    body: &str,
) -> anyhow::Result<Latency> {
    let what = ["run", "--url", &server.url, "--operation", operation];
    let how = [
        "--connections",
        "1",
        "--prepare",
        "40000",
        "--seconds",
        "2",
        "--warmup",
        "0.2",
        "--expect",
        "400",
    ];
    let mut command = programs.command("load");
    let found: Refusals = programs.find(command.args(what).args(["--body", body]).args(how))?;
    let first = found.first_error.as_deref().unwrap_or_default();
    anyhow::ensure!(found.errors == 0, "{operation} was not refused: {first}");
    Ok(found.latency_ms)
}

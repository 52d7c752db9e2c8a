//! What a refusal costs: one caller after the other, on a server that does nothing else, beside a
//! bare echo of the same bytes in the same run. The cost is what the refusal takes longer.

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
/// What the echo says: as long as a refusal, and clean in the eyes of the load program.
const ANSWER: &str =
    r#"{"failures":[],"__type":"ClientException","message":"TaskDefinition not found."}"#;

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
    let answer = workplace.folder().join("refusal.json");
    std::fs::write(&answer, ANSWER)?;
    let echo = programs.echo(answer.as_os_str())?;
    for (what, operation, body) in cases {
        let (mut own, mut bare, mut cost) = Default::default();
        for _ in 0..ROUNDS {
            let round = [(&server.url, "400"), (&echo.url, "200")];
            let [refused, echoed] = round.map(|(url, status)| {
                ask(programs, url, status, operation, &body).map(|found| found.p50 * 1000.0)
            });
            let (refused, echoed) = (refused?, echoed?);
            Rounds::push(&mut own, refused);
            Rounds::push(&mut bare, echoed);
            Rounds::push(&mut cost, refused - echoed);
        }
        let beside = format!(
            "bare echo: {}; {} more",
            bare.text(whole, "µs"),
            cost.text(whole, "µs")
        );
        table.add(
            format!("Refusing {what}"),
            own.text(whole, "µs"),
            beside,
            (cost.median(), "µs"),
            Goal::AtMost(200.0),
        );
    }
    server.stop()
}

/// Sends a request again and again and takes how long the answers took.
fn ask(
    programs: &Programs,
    url: &str,
    status: &str,
    operation: &str,
    body: &str,
) -> anyhow::Result<Latency> {
    let what = ["run", "--url", url, "--operation", operation];
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
        status,
    ];
    let mut command = programs.command("load");
    let found: Refusals = programs.find(command.args(what).args(["--body", body]).args(how))?;
    let first = found.first_error.as_deref().unwrap_or_default();
    anyhow::ensure!(
        found.errors == 0,
        "{operation} was not answered {status}: {first}"
    );
    Ok(found.latency_ms)
}

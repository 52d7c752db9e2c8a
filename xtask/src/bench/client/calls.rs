//! The same RunTask with both clients, one process after the other, to one echo.

use serde::Deserialize;
use serde_json::Value;

use super::build::measuring;
use crate::bench::figures::{Latency, Rounds, whole};
use crate::bench::table::{Goal, Table};
use crate::programs::Programs;
use crate::workplace::Workplace;
use crate::{paths, say, shell};

const ROUNDS: usize = 5;
/// All that the programs find: nothing of the person who measures.
const VARIABLES: [(&str, &str); 3] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "AKIABENCHBENCHBENCH0"),
    ("AWS_SECRET_ACCESS_KEY", "of-an-echo"),
];

#[derive(Deserialize)]
struct Found {
    cpu_us: f64,
    allocations: f64,
    allocated_bytes: f64,
    latency_us: Latency,
}

/// A figure of both clients, round by round.
#[derive(Default)]
struct Pair {
    own: Rounds,
    sdk: Rounds,
    ratios: Rounds,
}

impl Pair {
    fn push(&mut self, own: f64, sdk: f64) {
        self.own.push(own);
        self.sdk.push(sdk);
        self.ratios.push(own / sdk);
    }

    fn tell(&self, figure: &str, unit: &str, goal: Goal, table: &mut Table) {
        let beside = format!("aws-sdk-ecs: {}", self.sdk.text(whole, unit));
        let ratio = (self.ratios.median(), "×");
        table.add(figure, self.own.text(whole, unit), beside, ratio, goal);
    }
}

pub(super) fn measure(
    programs: &Programs,
    workplace: &Workplace,
    table: &mut Table,
) -> anyhow::Result<()> {
    let answer = paths::workspace().join("crates/bench/minimal/answer.json");
    let answer: Value = serde_json::from_slice(&std::fs::read(answer)?)?;
    let file = workplace.folder().join("answer.json");
    std::fs::write(&file, answer.to_string())?;
    let echo = programs.echo(file.as_os_str())?;
    let (own, sdk) = (
        measuring("measure-ours", "ours")?,
        measuring("measure-sdk", "sdk-plain")?,
    );
    let [mut cpu, mut p50, mut p99, mut allocations, mut bytes] = <[Pair; 5]>::default();
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        let call = |program| -> anyhow::Result<Found> {
            let mut command = shell::command(program);
            command
                .envs(VARIABLES)
                .env("AWS_ENDPOINT_URL_ECS", &echo.url);
            programs.find(&mut command)
        };
        let (own, sdk) = (call(&own)?, call(&sdk)?);
        cpu.push(own.cpu_us, sdk.cpu_us);
        p50.push(own.latency_us.p50, sdk.latency_us.p50);
        p99.push(own.latency_us.p99, sdk.latency_us.p99);
        allocations.push(own.allocations, sdk.allocations);
        bytes.push(own.allocated_bytes, sdk.allocated_bytes);
    }
    cpu.tell("RunTask, CPU of a call", "µs", Goal::AtMost(1.0), table);
    p50.tell("RunTask, p50", "µs", Goal::AtMost(1.0), table);
    p99.tell("RunTask, p99", "µs", Goal::None, table);
    allocations.tell("RunTask, allocations", "", Goal::None, table);
    bytes.tell("RunTask, allocated", "bytes", Goal::None, table);
    Ok(())
}

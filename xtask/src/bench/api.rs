//! RunTask over HTTP, signed and durable, beside a bare echo of the same bytes and
//! beside what the disk allows; starting and idling.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::figures::{Latency, Rounds, hundredths, milliseconds, tenths, whole};
use super::load::{Case, LIVING, Load, WAITING, body, load, register};
use super::server::Server;
use super::table::{Goal, Table};
use super::{memory, remembering};
use crate::programs::{Echo, Programs};
use crate::say;
use crate::workplace::Workplace;

const ROUNDS: usize = 3;
const STARTS: usize = 11;
const IDLE: Duration = Duration::from_secs(10);
const SECONDS: &str = "4";
/// More requests than any server answers in a run; the echo gets the same ones again.
const SIGNED: usize = 120_000;
const SIGNED_FOR_ECHO: usize = 20_000;

pub(super) fn measure(
    programs: &Programs,
    workplace: &Workplace,
    table: &mut Table,
) -> anyhow::Result<()> {
    starting(programs, workplace, table)?;
    running(programs, workplace, table)?;
    remembering::measure(programs, workplace, table)
}

fn starting(programs: &Programs, workplace: &Workplace, table: &mut Table) -> anyhow::Result<()> {
    let mut ready = Rounds::default();
    for _ in 0..STARTS {
        let server = Server::scripted(programs, &workplace.fresh("empty")?)?;
        ready.push(milliseconds(server.ready));
        server.stop()?;
    }
    let text = ready.text(tenths, "ms");
    table.add(
        "Server ready, empty store",
        text,
        "",
        (ready.median(), "ms"),
        Goal::AtMost(15.0),
    );

    let server = Server::scripted(programs, &workplace.fresh("idle")?)?;
    std::thread::sleep(IDLE);
    let idle = memory::resident(server.pid)? / 1e6;
    let text = format!("{idle:.1} MB");
    table.add(
        "Resident, idle for 10 s",
        text,
        "",
        (idle, "MB"),
        Goal::AtMost(12.0),
    );
    server.stop()
}

/// Several rounds of everything, so that a figure and its peer meet the same weather.
#[derive(Default)]
struct Running {
    eight: Series,
    sixty_four: Series,
    living: Series,
    ten: Series,
    echo_eight: Series,
    echo_sixty_four: Series,
    append: Series,
}

#[derive(Default)]
struct Series {
    rates: Vec<f64>,
    p50: Rounds,
    p99: Rounds,
}

impl Series {
    fn push(&mut self, rate: f64, latency: Latency) {
        self.rates.push(rate);
        self.p50.push(latency.p50);
        self.p99.push(latency.p99);
    }

    fn rate(&self, unit: &str) -> String {
        self.rates
            .iter()
            .copied()
            .collect::<Rounds>()
            .text(whole, unit)
    }

    /// Round by round.
    fn ratio(&self, beside: &Self) -> f64 {
        let ratios = self
            .rates
            .iter()
            .zip(&beside.rates)
            .map(|(own, other)| own / other);
        ratios.collect::<Rounds>().median()
    }
}

fn running(programs: &Programs, workplace: &Workplace, table: &mut Table) -> anyhow::Result<()> {
    let answer = sample_answer(programs, workplace)?;
    let file = workplace.folder().join("answer.json");
    std::fs::write(&file, &answer)?;
    let echo = programs.echo(file.as_os_str())?;
    let mut running = Running::default();
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        running.round(programs, workplace, &echo, answer.len())?;
    }
    running.tell(table);
    Ok(())
}

impl Running {
    fn round(
        &mut self,
        programs: &Programs,
        workplace: &Workplace,
        echo: &Echo,
        bytes: usize,
    ) -> anyhow::Result<()> {
        let case = |connections, count, family| Case {
            connections,
            count,
            family,
        };
        let runs = [
            (&mut self.eight, case(8, 1, WAITING)),
            (&mut self.sixty_four, case(64, 1, WAITING)),
            (&mut self.living, case(64, 1, LIVING)),
            (&mut self.ten, case(64, 10, WAITING)),
        ];
        for (series, case) in runs {
            let load = run_tasks(programs, workplace, case)?;
            series.push(load.requests_per_second, load.latency_ms);
        }
        for (series, connections) in [(&mut self.echo_eight, 8), (&mut self.echo_sixty_four, 64)] {
            let load = echoes(programs, echo, case(connections, 1, WAITING))?;
            series.push(load.requests_per_second, load.latency_ms);
        }
        let (rate, latency) = append(programs, workplace.folder(), bytes)?;
        self.append.push(rate, latency);
        Ok(())
    }

    fn tell(&self, table: &mut Table) {
        let rate = |series: &Series| series.rate("/s");
        let echo = |series: &Series| format!("bare echo: {}", rate(series));
        let p99 = |series: &Series| (series.p99.median(), "ms");
        let half = || Goal::AtLeast(0.5);
        let name = |what: &str| format!("RunTask, {what}");
        table.add(
            name("64 connections"),
            rate(&self.sixty_four),
            echo(&self.echo_sixty_four),
            (self.sixty_four.ratio(&self.echo_sixty_four), "×"),
            half(),
        );
        let latency = |series: &Series| {
            let (p50, p99) = (
                series.p50.text(hundredths, "ms"),
                series.p99.text(hundredths, "ms"),
            );
            (format!("p99 {p99}"), format!("p50 {p50}"))
        };
        let (text, beside) = latency(&self.sixty_four);
        let figure = name("64 connections, latency");
        table.add(
            figure,
            text,
            beside,
            p99(&self.sixty_four),
            Goal::AtMost(5.0),
        );
        let floor = format!("append + fdatasync, 8 a round: {}", rate(&self.append));
        let ratio = (self.eight.ratio(&self.append), "×");
        table.add(
            name("8 connections"),
            rate(&self.eight),
            floor,
            ratio,
            half(),
        );
        let ratio = (self.eight.ratio(&self.echo_eight), "×");
        let figure = name("8 connections, beside the echo");
        table.add(
            figure,
            rate(&self.eight),
            echo(&self.echo_eight),
            ratio,
            Goal::None,
        );
        let (text, beside) = latency(&self.eight);
        let figure = name("8 connections, latency");
        table.add(figure, text, beside, p99(&self.eight), Goal::AtMost(5.0));
        let tasks = Series {
            rates: self.ten.rates.iter().map(|rate| rate * 10.0).collect(),
            ..Series::default()
        };
        let median = tasks.rates.iter().copied().collect::<Rounds>().median();
        let figure = name("64 connections, count 10");
        let goal = Goal::AtLeast(15_000.0);
        table.add(figure, tasks.rate("tasks/s"), "", (median, "tasks/s"), goal);
        let ratio = (self.living.ratio(&self.echo_sixty_four), "×");
        let figure = name("64 connections, every task starts, exits and stops meanwhile");
        table.add(
            figure,
            rate(&self.living),
            echo(&self.echo_sixty_four),
            ratio,
            Goal::None,
        );
    }
}

/// What RunTask answers, for the echo.
fn sample_answer(programs: &Programs, workplace: &Workplace) -> anyhow::Result<String> {
    let server = Server::scripted(programs, &workplace.fresh("sample")?)?;
    register(programs, &server, WAITING)?;
    let answer = server.call_text(programs, "RunTask", &body(WAITING.0, 1))?;
    server.stop()?;
    Ok(answer)
}

/// On a server of its own, so that no run finds what the one before has left.
fn run_tasks(programs: &Programs, workplace: &Workplace, case: Case) -> anyhow::Result<Load> {
    let server = Server::scripted(programs, &workplace.fresh("running")?)?;
    register(programs, &server, case.family)?;
    let load = load(
        programs,
        &server.url,
        case,
        SIGNED,
        ["--seconds", SECONDS, "--warmup", "1"],
    )?;
    server.stop()?;
    Ok(load)
}

fn echoes(programs: &Programs, echo: &Echo, case: Case) -> anyhow::Result<Load> {
    let options = ["--repeat", "--seconds", SECONDS, "--warmup", "1"];
    load(programs, &echo.url, case, SIGNED_FOR_ECHO, options)
}

fn append(programs: &Programs, folder: &Path, bytes: usize) -> anyhow::Result<(f64, Latency)> {
    #[derive(Deserialize)]
    struct Append {
        records_per_second: f64,
        latency_ms: Latency,
    }
    let bytes = bytes.to_string();
    let words = ["append", "--bytes", &bytes, "--round", "8", "--dir"].map(OsStr::new);
    let found: Append = programs.find(programs.command("floor").args(words).arg(folder))?;
    Ok((found.records_per_second, found.latency_ms))
}

//! The docker driver beside `docker run` of the same container, on the engine of this machine.

use serde_json::{Value, json};

use super::engine;
use super::figures::{Rounds, milliseconds, tenths};
use super::server::Server;
use super::start::{IMAGE, lives_of, make_root};
use super::table::{Goal, Table};
use crate::programs::Programs;
use crate::say;
use crate::stopwatch::Stopwatch;
use crate::workplace::Workplace;

const ROUNDS: usize = 3;
const STARTS: usize = 10;
/// How much longer than the command line's our start may take.
const RATIO: f64 = 1.15;
const NAME: &str = "longshore-bench";

pub(super) fn measure(
    programs: &Programs,
    workplace: &Workplace,
    table: &mut Table,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        engine::answers(),
        "no Docker engine answers `docker info`: start one, or name it in DOCKER_HOST"
    );
    engine::import(&make_root(workplace.folder())?, IMAGE)?;
    let server = Server::docker(programs, &workplace.fresh("data")?)?;
    for mode in ["none", "bridge"] {
        compare(programs, &server, mode, table)?;
    }
    server.stop()?;
    engine::docker(&["rmi", IMAGE])
}

fn compare(
    programs: &Programs,
    server: &Server,
    mode: &str,
    table: &mut Table,
) -> anyhow::Result<()> {
    let app = json!({ "name": "app", "image": IMAGE, "command": ["sleep", "1"], "memory": 32 });
    let definition =
        json!({ "family": mode, "networkMode": mode, "containerDefinitions": [app] }).to_string();
    let _: Value = server.call(programs, "RegisterTaskDefinition", &definition)?;
    let [mut own, mut bare, mut ratios] = <[Rounds; 3]>::default();
    let count = STARTS.to_string();
    for round in 1..=ROUNDS {
        say(&format!("{mode}, round {round} of {ROUNDS}"));
        let lives = lives_of(
            programs,
            server,
            mode,
            &["--lives", &count, "--until", "running"],
        )?;
        let floor = starts(mode)?;
        own.push(lives.latency_ms.p50);
        bare.push(floor);
        ratios.push(lives.latency_ms.p50 / floor);
    }
    let beside = format!("docker run --detach: {}", bare.text(tenths, "ms"));
    let ratio = (ratios.median(), "×");
    let figure = format!("RunTask to RUNNING, docker driver, network {mode}");
    table.add(
        figure,
        own.text(tenths, "ms"),
        beside,
        ratio,
        Goal::AtMost(RATIO),
    );
    Ok(())
}

/// The median of several starts of the same container, in milliseconds.
fn starts(mode: &str) -> anyhow::Result<f64> {
    let mut times = Rounds::default();
    for _ in 0..STARTS {
        let network = ["run", "--detach", "--name", NAME, "--network", mode];
        let watch = Stopwatch::start();
        engine::docker(&[&network[..], &["--memory", "32m", IMAGE, "sleep", "1"]].concat())?;
        times.push(milliseconds(watch.elapsed()));
        engine::docker(&["wait", NAME])?;
        engine::docker(&["rm", NAME])?;
    }
    Ok(times.median())
}

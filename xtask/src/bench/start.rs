//! Whole lives of real containers, as the caller of RunTask sees them, beside the
//! barest life that the kernel allows, and beside a Docker engine where one answers.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::engine;
use super::figures::{Latency, Rounds, milliseconds, tenths};
use super::server::Server;
use super::table::{Goal, Table};
use crate::programs::Programs;
use crate::stopwatch::Stopwatch;
use crate::workplace::Workplace;
use crate::{packages, say, shell};

const ROUNDS: usize = 3;
pub(super) const IMAGE: &str = "busybox:bench";
const PROGRAM: &str = "/bin/true";
const BUSYBOX: &str = "/bin/busybox";
const DOCKER_RUNS: usize = 10;
/// Network mode and ports.
const NONE: (&str, &str) = ("none", "[]");
const BRIDGE: (&str, &str) = ("bridge", r#"[{"containerPort":80}]"#);

#[derive(Deserialize)]
pub(super) struct Lives {
    lives_per_second: f64,
    #[serde(default)]
    errors: usize,
    #[serde(default)]
    first_error: Option<String>,
    pub(super) latency_ms: Latency,
}

#[derive(Default)]
struct Series {
    p50: Rounds,
    rate: Rounds,
}

impl Series {
    fn push(&mut self, lives: &Lives) {
        self.p50.push(lives.latency_ms.p50);
        self.rate.push(lives.lives_per_second);
    }
}

/// One at a time, and four at a time.
#[derive(Default)]
struct Pace {
    single: Series,
    four: Series,
}

pub(super) fn measure(
    programs: &Programs,
    workplace: &Workplace,
    table: &mut Table,
) -> anyhow::Result<()> {
    packages::ensure()?;
    let root = make_root(workplace.folder())?;
    let data_dir = workplace.fresh("data")?;
    let mut import = shell::root_command(programs.path("longshore"))?;
    let words = ["image", "import", "--tag", IMAGE, "--data-dir"].map(OsStr::new);
    shell::check(import.args(words).arg(&data_dir).arg(&root))?;

    let server = Server::native(programs, &data_dir)?;
    register(programs, &server, NONE)?;
    register(programs, &server, BRIDGE)?;
    let (mut floor, mut none, mut bridge) = (Pace::default(), Pace::default(), Pace::default());
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        floor
            .single
            .push(&bare(programs, workplace, &root, 200, 1)?);
        floor.four.push(&bare(programs, workplace, &root, 400, 4)?);
        for (pace, mode) in [(&mut none, NONE), (&mut bridge, BRIDGE)] {
            pace.single.push(&lives(programs, &server, mode.0, 50, 1)?);
            pace.four.push(&lives(programs, &server, mode.0, 200, 4)?);
        }
    }
    server.stop()?;
    tell(table, &floor, &none, &bridge);
    if let Some(docker) = docker(&root)? {
        let ratio = (none.single.p50.median() / docker.median(), "×");
        let beside = format!(
            "docker run --rm --network none: {}",
            docker.text(tenths, "ms")
        );
        let text = none.single.p50.text(tenths, "ms");
        table.add(
            "The same beside Docker",
            text,
            beside,
            ratio,
            Goal::AtMost(1.0 / 15.0),
        );
    }
    Ok(())
}

fn tell(table: &mut Table, floor: &Pace, none: &Pace, bridge: &Pace) {
    let time = |pace: &Pace| pace.single.p50.text(tenths, "ms");
    let rate = |pace: &Pace| pace.four.rate.text(tenths, "/s");
    let bare = format!("bare fork, unshare, mount, exec: {}", time(floor));
    let own = none.single.p50.median();
    let figure = |what: &str| format!("RunTask of `{PROGRAM}` to STOPPED, {what}");
    table.add(
        figure("network none"),
        time(none),
        "",
        (own, "ms"),
        Goal::AtMost(40.0),
    );
    let ratio = (own / floor.single.p50.median(), "×");
    table.add(
        figure("beside the floor"),
        time(none),
        bare,
        ratio,
        Goal::AtMost(3.0),
    );
    let with_port = (bridge.single.p50.median(), "ms");
    let text = figure("bridge and a port");
    table.add(text, time(bridge), "", with_port, Goal::AtMost(25.0));
    let bare = format!("bare: {}", rate(floor));
    let per_second = (none.four.rate.median(), "/s");
    table.add(
        "Lives, 4 at a time, network none",
        rate(none),
        &bare,
        per_second,
        Goal::None,
    );
    let per_second = (bridge.four.rate.median(), "/s");
    let text = "Lives, 4 at a time, bridge and a port";
    table.add(text, rate(bridge), bare, per_second, Goal::AtLeast(60.0));
}

/// A root file system of one program under its names.
pub(super) fn make_root(folder: &Path) -> anyhow::Result<PathBuf> {
    let root = folder.join("rootfs");
    for name in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
        std::fs::create_dir_all(root.join(name))?;
    }
    std::fs::copy(BUSYBOX, root.join("bin/busybox")).context(BUSYBOX)?;
    for name in ["sleep", "true"] {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(name))?;
    }
    Ok(root)
}

fn register(
    programs: &Programs,
    server: &Server,
    (mode, ports): (&str, &str),
) -> anyhow::Result<()> {
    let ports: Value = serde_json::from_str(ports)?;
    let definition = json!({
        "family": mode,
        "networkMode": mode,
        "containerDefinitions": [{
            "name": "app",
            "image": IMAGE,
            "command": [PROGRAM],
            "cpu": 64,
            "memory": 32,
            "portMappings": ports,
        }],
    });
    let _: Value = server.call(programs, "RegisterTaskDefinition", &definition.to_string())?;
    Ok(())
}

fn lives(
    programs: &Programs,
    server: &Server,
    family: &str,
    count: usize,
    parallel: usize,
) -> anyhow::Result<Lives> {
    let (count, parallel) = (count.to_string(), parallel.to_string());
    let numbers = ["--lives", &count, "--parallel", &parallel];
    lives_of(programs, server, family, &numbers)
}

/// The lives of a family's tasks, all of which must end well.
pub(super) fn lives_of(
    programs: &Programs,
    server: &Server,
    family: &str,
    how: &[&str],
) -> anyhow::Result<Lives> {
    let body = json!({ "taskDefinition": family }).to_string();
    let words = ["--url", &server.url, "--body", &body];
    let found: Lives = programs.find(programs.command("lives").args(words).args(how))?;
    let first = found.first_error.as_deref().unwrap_or_default();
    anyhow::ensure!(
        found.errors == 0,
        "{} lives failed, the first with {first}",
        found.errors
    );
    Ok(found)
}

fn bare(
    programs: &Programs,
    workplace: &Workplace,
    root: &Path,
    count: usize,
    parallel: usize,
) -> anyhow::Result<Lives> {
    let mut floor = shell::root_command(programs.path("floor"))?;
    let (count, parallel) = (count.to_string(), parallel.to_string());
    floor
        .args(["life", "--lives", &count, "--parallel", &parallel, "--root"])
        .arg(root);
    floor
        .arg("--work")
        .arg(workplace.folder().join("floor"))
        .args(["--", PROGRAM]);
    programs.find(&mut floor)
}

/// `None` where no engine answers.
fn docker(root: &Path) -> anyhow::Result<Option<Rounds>> {
    if !engine::answers() {
        say("no Docker engine answers: not compared with one");
        return Ok(None);
    }
    engine::import(root, IMAGE)?;
    let run = ["run", "--rm", "--network", "none", IMAGE, PROGRAM];
    let mut times = Rounds::default();
    for _ in 0..DOCKER_RUNS {
        let watch = Stopwatch::start();
        engine::docker(&run)?;
        times.push(milliseconds(watch.elapsed()));
    }
    engine::docker(&["rmi", IMAGE])?;
    Ok(Some(times))
}

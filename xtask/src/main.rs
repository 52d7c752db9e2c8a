//! The house's own tasks: `cargo xtask TASK`. One file per task; this one only
//! chooses. Depends on no crate of ours, so that it runs when they do not build,
//! and on nothing that needs a package of the system.

mod bench;
mod codegen;
mod demo;
mod dist;
mod durability;
mod facts;
mod fuzz;
mod javascript;
mod model_import;
mod newcomer;
mod packages;
mod parity;
mod paths;
mod portability;
mod programs;
mod rust_sdk;
mod shell;
mod stopwatch;
mod test;
mod tidy;
mod venv;
mod workplace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK
  demo                run the main job offline with real containers, then through the AWS CLI
  test                prepare the machine, run all checks and all tests
  portability         check that the workspace compiles for macOS, where that target's standard
                      library is installed
  tidy                check the house rules that no compiler knows
  bench api|start     measure the API, or lives of real containers, against peers and floors
  bench docker        measure starts on the docker driver beside `docker run`; needs an engine
  bench refusals      measure what a refused request costs
  bench client [--without-builds]
                      measure our client beside aws-sdk-ecs: calls, and what minimal programs take
                      to build from nothing, which takes many minutes
  bench placement     measure the choice of a host in fleets of 10 to 10,000 instances
  crashes [ROUNDS]    kill the server under 64 clients with one token, ROUNDS times (1000)
  powerloss [--boots BOOTS]
                      end a whole guest with the server in it under load, BOOTS times (200)
  parity --aws        ask your account at AWS and a local server the same, tell the differences;
                      --help lists more, docs/PARITY.md explains
  fuzz expression [INPUTS]
                      try random expressions of the query language (1,000,000)
  codegen [--check]   write what is generated from smithy/; --check only compares
  model import PATH   write smithy/ecs.json from botocore (a wheel, its folder or service-2.json)
  dist [--binary FILE] [--out DIR]
                      make archive, Debian package, container image, SBOM and sums in target/dist
  newcomer [--archive FILE]
                      go from the archive to a task's first log line as a user without root who may
                      use an engine, in under a minute; needs root to make that user and the engine
  venv                make target/venv with botocore, boto3 and the AWS CLI";

/// A failure that has been told already.
#[derive(Debug)]
pub(crate) struct Said;

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed, see above")
    }
}

impl std::error::Error for Said {}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is::<Said>() {
                say(&format!("error: {error:#}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> anyhow::Result<()> {
    match words {
        ["demo"] => demo::run(),
        ["test"] => test::run(),
        ["portability"] => portability::run(),
        ["tidy"] => tidy::run(),
        ["bench", "api"] => bench::api(),
        ["bench", "start"] => bench::start(),
        ["bench", "docker"] => bench::docker(),
        ["bench", "refusals"] => bench::refusals(),
        ["bench", "client"] => bench::client(bench::Builds::Timed),
        ["bench", "client", "--without-builds"] => bench::client(bench::Builds::LeftOut),
        ["bench", "placement"] => bench::placement(),
        ["crashes"] => durability::crashes(None),
        ["crashes", rounds] => durability::crashes(Some(rounds)),
        ["powerloss"] => durability::powerloss(None),
        ["powerloss", "--boots", boots] => durability::powerloss(Some(boots)),
        ["fuzz", "expression"] => fuzz::expression(None),
        ["fuzz", "expression", inputs] => fuzz::expression(Some(inputs)),
        ["model", "import", path] => model_import::run(path.as_ref()),
        ["codegen"] => codegen::run(codegen::Mode::Write),
        ["codegen", "--check"] => codegen::run(codegen::Mode::Check),
        ["parity", options @ ..] => parity::run(options),
        ["dist", options @ ..] => dist::run(options),
        ["newcomer", options @ ..] => newcomer::run(options),
        ["venv"] => venv::run(),
        _ => anyhow::bail!("unknown task\n{USAGE}"),
    }
}

/// One line to the person who started the task.
#[expect(
    clippy::print_stderr,
    reason = "a developer's tool talks on the terminal"
)]
fn say(line: &str) {
    eprintln!("{line}");
}

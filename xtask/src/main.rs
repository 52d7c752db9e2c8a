//! The house's own tasks: `cargo xtask TASK`. One file per task; this one only
//! chooses. Depends on no crate of ours, so that it runs when they do not build.

mod codegen;
mod facts;
mod model_import;
mod paths;
mod venv;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK
  model import PATH   write smithy/ecs.json from botocore (a wheel, its folder or service-2.json)
  codegen [--check]   write what is generated from smithy/; --check only compares
  venv                make target/venv with botocore, boto3 and the AWS CLI";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> anyhow::Result<()> {
    match words {
        ["model", "import", path] => model_import::run(path.as_ref()),
        ["codegen"] => codegen::run(codegen::Mode::Write),
        ["codegen", "--check"] => codegen::run(codegen::Mode::Check),
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

//! `cargo xtask crashes`: idempotency under SIGKILL, many times over.

use std::path::PathBuf;
use std::process::ExitCode;

use bench::durability::crashes::Crashes;
use bench::durability::server::Program;
use bench::interrupt::interruptible;
use bench::{answer, clock};
use clap::Parser;

/// Less than this share of rounds in which some clients were answered and some not proves little.
const MIXED_AT_LEAST: f64 = 0.1;

#[derive(Parser)]
struct Arguments {
    /// The program to kill
    #[arg(long)]
    longshore: PathBuf,
    /// Where its data is kept; must not exist yet
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long, default_value_t = 1000)]
    rounds: usize,
    /// Clients that send the same token at once
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Of the moments at which the server is killed [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let is_new = !arguments.data_dir.exists();
    anyhow::ensure!(is_new, "--data-dir must not exist yet");
    let time = || clock::date().duration_since(std::time::UNIX_EPOCH);
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => time()?.as_secs(),
    };
    let crashes = Crashes {
        program: Program::new(&arguments.longshore, &arguments.data_dir, &[]),
        rounds: arguments.rounds,
        clients: arguments.clients,
        seed,
    };
    let report = interruptible(crashes.run()).await?;
    answer::print_text(&report.to_string());
    let mixed = report.spread().mixed as f64;
    if mixed < MIXED_AT_LEAST * arguments.rounds as f64 {
        answer::print_text("too few crashes came between two answers: this proves little");
        return Ok(ExitCode::FAILURE);
    }
    Ok(match report.complaints.as_slice() {
        [] => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

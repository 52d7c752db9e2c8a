//! The two sides: the host that boots and kills guests, and what runs in them.

use std::path::PathBuf;
use std::process::ExitCode;

use bench::durability::guest::Guest;
use bench::durability::powerloss::{HEAD, PowerLoss, Report};
use bench::durability::server::Program;
use bench::interrupt::interruptible;
use bench::{answer, clock};
use clap::{Args, Parser};

#[derive(Parser)]
enum Arguments {
    /// Boots guests, kills them and counts what is missing
    Host(Host),
    /// Runs within a guest
    Guest(Inside),
}

#[derive(Args)]
struct Host {
    /// The server's program
    #[arg(long)]
    longshore: PathBuf,
    /// The server's program built with the feature `unsafe-sync`
    #[arg(long)]
    control: PathBuf,
    /// For disks and diaries; must not exist yet
    #[arg(long)]
    folder: PathBuf,
    /// Guests to kill
    #[arg(long, default_value_t = 200)]
    boots: usize,
    /// Guests of the control to kill
    #[arg(long, default_value_t = 20)]
    control_boots: usize,
    /// Of the moments at which guests are killed [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Args)]
struct Inside {
    #[arg(long)]
    longshore: PathBuf,
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long)]
    diary: PathBuf,
    #[arg(long)]
    boot: usize,
    #[arg(long)]
    pairs: usize,
    #[arg(long)]
    all: bool,
}

pub(crate) fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse() {
        Arguments::Host(host) => host.run(),
        Arguments::Guest(inside) => inside.run(),
    }
}

impl Host {
    #[tokio::main(flavor = "current_thread")]
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let is_new = !self.folder.exists();
        anyhow::ensure!(is_new, "--folder must not exist yet");
        let time = || clock::date().duration_since(std::time::UNIX_EPOCH);
        let seed = match self.seed {
            Some(seed) => seed,
            None => time()?.as_secs(),
        };
        answer::print_text(&format!("seed {seed}"));
        let guest = std::env::current_exe()?;
        let run = async |name: &str, longshore, boots| {
            let power_loss = PowerLoss {
                guest: &guest,
                longshore,
                folder: &self.folder.join(name),
                boots,
                seed,
            };
            interruptible(power_loss.run()).await
        };
        let control = run("control", &self.control, self.control_boots).await?;
        let report = run("longshore", &self.longshore, self.boots).await?;
        answer::print_text(HEAD);
        answer::print_text(&report.row("as it is"));
        answer::print_text(&control.row("control, `synchronous=OFF`"));
        Ok(verdict(&report, &control))
    }
}

fn verdict(report: &Report, control: &Report) -> ExitCode {
    if control.is_whole() {
        answer::print_text("the control lost nothing: this run proves nothing");
        return ExitCode::FAILURE;
    }
    if !report.is_whole() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

impl Inside {
    #[tokio::main(flavor = "current_thread")]
    async fn run(self) -> anyhow::Result<ExitCode> {
        let guest = Guest {
            program: Program::new(&self.longshore, &self.data_dir, &[]),
            diary: self.diary,
            boot: self.boot,
            pairs: self.pairs,
            all: self.all,
        };
        guest.run().await?;
        Ok(ExitCode::SUCCESS)
    }
}

//! The floor under a durable answer: one write at the end of a file, one fdatasync.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use bench::clock;
use bench::figures::Spread;
use clap::Args;
use serde::Serialize;

#[derive(Args)]
pub(crate) struct Append {
    /// A folder on the file system to measure
    #[arg(long)]
    dir: PathBuf,
    /// Bytes of a record
    #[arg(long)]
    bytes: usize,
    /// Records that share a sync
    #[arg(long, default_value_t = 8)]
    round: usize,
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

#[derive(Serialize)]
pub(crate) struct Finding {
    rounds: usize,
    records_per_second: f64,
    /// Of one round.
    latency_ms: Spread,
}

impl Append {
    pub(crate) fn measure(&self) -> anyhow::Result<Finding> {
        let path = self.dir.join("floor-append");
        let mut file = File::create_new(&path)?;
        let samples = self.rounds(&mut file);
        std::fs::remove_file(&path)?;
        let samples = samples?;
        let seconds: f64 = samples.iter().map(Duration::as_secs_f64).sum();
        Ok(Finding {
            rounds: samples.len(),
            records_per_second: (samples.len() * self.round) as f64 / seconds,
            latency_ms: Spread::of(samples),
        })
    }

    fn rounds(&self, file: &mut File) -> std::io::Result<Vec<Duration>> {
        let records = vec![b'x'; self.bytes * self.round];
        let start = clock::now();
        let mut samples = Vec::new();
        while start.elapsed().as_secs_f64() < self.seconds {
            let round = clock::now();
            file.write_all(&records)?;
            file.sync_data()?;
            samples.push(round.elapsed());
        }
        Ok(samples)
    }
}

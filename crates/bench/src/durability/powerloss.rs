//! Power loss: a guest with the server and its clients is killed under load, many times, and
//! booted again on the same disk.
//!
//! What a guest has not synced is lost with it, so an answer that came before its sync shows as a
//! missing task. What it has synced is in this machine's cache and survives: a disk that lies
//! about its own cache is not modelled, nor are writes that are torn within one block.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use super::diary::{Entry, Losses, Reader};
use super::machine::{DISK, Guest, Machine, SHARED};
use super::told::Tasks;

const DIARY: &str = "diary";
const PAUSE: Duration = Duration::from_millis(2);
/// A guest that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(600);
/// Pairs of clients in each guest.
const PAIRS: usize = 8;
/// Of ten kills so many come while the server starts or looks for what was told.
const EARLY: u32 = 2;
const EARLY_WITHIN: Duration = Duration::from_millis(400);
/// The others come so long after the load has begun.
const LOAD_WITHIN: Duration = Duration::from_millis(400);

/// What to do.
pub struct PowerLoss<'a> {
    /// This program, with `guest` as its first word.
    pub guest: &'a Path,
    /// The server's program.
    pub longshore: &'a Path,
    /// Of its own; must not exist yet.
    pub folder: &'a Path,
    /// How many guests to kill. One more is booted to look for everything.
    pub boots: usize,
    pub seed: u64,
}

/// What the boots found.
#[derive(Debug, Default)]
pub struct Report {
    /// Guests that were killed.
    pub boots: usize,
    /// Answers, tokens and tasks that clients were told.
    pub answers: usize,
    pub tokens: usize,
    pub tasks: usize,
    /// As the last boot found them; the sum over all boots if it was never reached.
    pub losses: Losses,
    /// Why no further guest was booted.
    pub broken: Option<String>,
}

/// The diary as far as it has been read.
struct Watch {
    reader: Reader,
    told: BTreeMap<String, Tasks>,
    report: Report,
}

impl PowerLoss<'_> {
    pub async fn run(&self) -> anyhow::Result<Report> {
        let machine = Machine::new(self.folder)?;
        let diary = machine.shared(DIARY);
        std::fs::File::create(&diary)?;
        let mut watch = Watch {
            reader: Reader::open(&diary)?,
            told: BTreeMap::new(),
            report: Report::default(),
        };
        let mut random = ChaCha12Rng::seed_from_u64(self.seed);
        for boot in 0..=self.boots {
            let is_last = boot == self.boots;
            if is_last {
                // It looks for everything again.
                watch.report.losses = Losses::default();
            }
            let guest = self.boot(&machine, boot, is_last)?;
            let said = || format!("boot {boot}; see {}", machine.console().display());
            let is_early = !is_last && random.random_range(0..10) < EARLY;
            let is_sound = watch.until(is_early).await.with_context(said)?;
            if is_sound && !is_last {
                let most = if is_early { EARLY_WITHIN } else { LOAD_WITHIN };
                tokio::time::sleep(most.mul_f64(random.random_range(0.0..1.0))).await;
            }
            guest.kill()?;
            watch.read()?;
            watch.report.boots += usize::from(!is_last);
            if watch.report.broken.is_some() {
                break;
            }
        }
        Ok(watch.conclude())
    }

    fn boot(&self, machine: &Machine, boot: usize, is_last: bool) -> anyhow::Result<Guest> {
        let path = |path: &Path| path.display().to_string();
        let (program, longshore) = (path(self.guest), path(self.longshore));
        let (boot, pairs) = (boot.to_string(), PAIRS.to_string());
        let (diary, disk) = (format!("{SHARED}/{DIARY}"), format!("{DISK}/data"));
        let mut words = vec![program.as_str(), "guest", "--longshore", &longshore];
        words.extend(["--data-dir", &disk, "--diary", &diary]);
        words.extend(["--boot", &boot, "--pairs", &pairs]);
        if is_last {
            words.push("--all");
        }
        machine.boot(&words)
    }
}

impl Watch {
    /// Waits until the guest is up, or until it has looked for everything. False if it is broken.
    async fn until(&mut self, is_up_enough: bool) -> anyhow::Result<bool> {
        let mut waited = Duration::ZERO;
        while waited < PATIENCE {
            for entry in self.read()? {
                match entry {
                    Entry::Broken { .. } => return Ok(false),
                    Entry::Checked(_) => return Ok(true),
                    Entry::Up if is_up_enough => return Ok(true),
                    Entry::Up | Entry::Told { .. } => {}
                }
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
        anyhow::bail!("the guest hangs")
    }

    /// Takes down what has come.
    fn read(&mut self) -> anyhow::Result<Vec<Entry>> {
        let entries = self.reader.read()?;
        for entry in &entries {
            match entry {
                Entry::Told { token, tasks } => {
                    self.report.answers += 1;
                    let all = self.told.entry(token.clone()).or_default();
                    all.extend(tasks.iter().cloned());
                }
                Entry::Checked(losses) => self.report.losses.add(losses),
                Entry::Broken { reason } => self.report.broken = Some(reason.clone()),
                Entry::Up => {}
            }
        }
        Ok(entries)
    }

    fn conclude(mut self) -> Report {
        self.report.tokens = self.told.len();
        self.report.tasks = self.told.values().map(Tasks::len).sum();
        self.report
    }
}

impl Report {
    /// Nothing that was told is missing.
    pub fn is_whole(&self) -> bool {
        let Losses {
            tokens: _,
            tasks_missing,
            tokens_missing,
            tokens_odd,
        } = self.losses;
        self.broken.is_none() && tasks_missing + tokens_missing + tokens_odd == 0
    }

    /// A row of the table whose head is [`HEAD`].
    pub fn row(&self, name: &str) -> String {
        let Losses {
            tasks_missing,
            tokens_missing,
            tokens_odd,
            ..
        } = self.losses;
        let broken = self.broken.as_deref().unwrap_or("no");
        format!(
            "| {name} | {} | {} | {} | {} | {tokens_missing} | {tasks_missing} | {tokens_odd} | {broken} |",
            self.boots, self.answers, self.tokens, self.tasks
        )
    }
}

/// The head of the table.
pub const HEAD: &str = "\
| Server | Boots | Answers | Tokens acknowledged | Tasks acknowledged | Tokens missing | Tasks missing | Tokens with too many or few tasks | Broken |
|---|--:|--:|--:|--:|--:|--:|--:|---|";

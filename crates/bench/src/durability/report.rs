//! How the crashes went, for people.

use std::fmt;
use std::time::Duration;

use super::moments::Pace;

/// Groups of the answered clients that are told apart.
const GROUPS: usize = 8;

/// What a crash met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// The token's tasks were in the store when the next server opened it.
    pub is_kept: bool,
    /// Clients that had their answers before the server died.
    pub answered: usize,
}

/// What was done, and what was found wrong.
#[derive(Debug)]
pub struct Report {
    pub seed: u64,
    pub clients: usize,
    pub pace: Option<Pace>,
    outcomes: Vec<Outcome>,
    pub tokens: usize,
    /// Each view of the store with the number of tasks in it.
    pub views: Vec<(&'static str, usize)>,
    /// One line per fault; empty when everything holds.
    pub complaints: Vec<String>,
}

/// Rounds by what the crash met.
#[derive(Debug, Default, PartialEq)]
pub struct Spread {
    /// It came before the commit.
    pub lost: usize,
    /// Committed, but nobody was answered.
    pub silent: usize,
    /// Some clients were answered.
    pub mixed: usize,
    /// All clients were.
    pub complete: usize,
}

impl Report {
    pub(super) fn new(seed: u64, clients: usize) -> Self {
        Self {
            seed,
            clients,
            pace: None,
            outcomes: Vec::new(),
            tokens: 0,
            views: Vec::new(),
            complaints: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    pub fn spread(&self) -> Spread {
        let mut spread = Spread::default();
        for outcome in &self.outcomes {
            let group = match outcome.answered {
                0 if !outcome.is_kept => &mut spread.lost,
                0 => &mut spread.silent,
                all if all == self.clients => &mut spread.complete,
                _ => &mut spread.mixed,
            };
            *group += 1;
        }
        spread
    }

    /// Rounds by the number of answered clients: none, then [`GROUPS`] groups, the last of which
    /// ends with all.
    fn histogram(&self) -> Vec<(String, usize)> {
        let bound = |group: usize| group * self.clients / GROUPS;
        let within = |from, to| {
            let is_in = |one: &&Outcome| (from..=to).contains(&one.answered);
            self.outcomes.iter().filter(is_in).count()
        };
        let groups = (1..=GROUPS).map(|group| (bound(group - 1) + 1, bound(group)));
        std::iter::once((0, 0))
            .chain(groups.filter(|(from, to)| from <= to))
            .map(|(from, to)| (format!("{from}–{to}"), within(from, to)))
            .collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rounds, clients) = (self.outcomes.len(), self.clients);
        writeln!(
            f,
            "{rounds} crashes, {clients} clients each, seed {}",
            self.seed
        )?;
        if let Some(Pace { first, last }) = self.pace {
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            let (first, last) = (ms(first), ms(last));
            writeln!(
                f,
                "undisturbed: first answer after {first:.1} ms, last after {last:.1} ms"
            )?;
        }
        let spread = self.spread();
        writeln!(f, "\n| The crash came | Rounds |\n|---|--:|")?;
        writeln!(f, "| before the commit | {} |", spread.lost)?;
        writeln!(f, "| after it, nobody answered | {} |", spread.silent)?;
        writeln!(f, "| some clients answered | {} |", spread.mixed)?;
        writeln!(f, "| all answered | {} |", spread.complete)?;
        writeln!(f, "\n| Clients answered | Rounds |\n|---|--:|")?;
        for (group, rounds) in self.histogram() {
            writeln!(f, "| {group} | {rounds} |")?;
        }
        writeln!(f)?;
        for (source, tasks) in &self.views {
            writeln!(f, "{source}: {tasks} tasks of {} tokens", self.tokens)?;
        }
        for complaint in &self.complaints {
            writeln!(f, "wrong: {complaint}")?;
        }
        write!(f, "{} faults", self.complaints.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[(bool, usize)]) -> Report {
        let mut report = Report::new(1, 64);
        for (is_kept, answered) in outcomes.iter().copied() {
            report.add(Outcome { is_kept, answered });
        }
        report
    }

    #[test]
    fn rounds_are_told_apart_by_what_the_crash_met() {
        let met = [
            (false, 0),
            (true, 0),
            (true, 0),
            (true, 1),
            (true, 63),
            (true, 64),
        ];
        let expected = Spread {
            lost: 1,
            silent: 2,
            mixed: 2,
            complete: 1,
        };
        assert_eq!(report(&met).spread(), expected);
    }

    #[test]
    fn the_histogram_counts_every_round_once() {
        let met: Vec<_> = (0..=64).map(|answered| (true, answered)).collect();
        let histogram = report(&met).histogram();
        assert_eq!(histogram.len(), 9);
        assert_eq!(histogram[0], ("0–0".to_owned(), 1));
        assert!(
            histogram[1..].iter().all(|(_, rounds)| *rounds == 8),
            "{histogram:?}"
        );
    }
}

//! When to kill: moments drawn around the commit, from before the first request is sent until
//! after the last answer.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

/// When a round's server dies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// So long after the clients begin to send.
    After(Duration),
    /// When so many clients have their answers.
    Answered(usize),
}

/// How long a round takes that nobody disturbs, from the first byte sent on.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first client has its answer: the commit was a little before.
    pub first: Duration,
    /// The last one has.
    pub last: Duration,
}

impl Pace {
    /// The median of several rounds; zero of none.
    pub fn median(mut rounds: Vec<Self>) -> Self {
        let middle = rounds.len() / 2;
        let mut at = |key: fn(&Self) -> Duration| {
            rounds.sort_by_key(key);
            rounds.get(middle).map(key).unwrap_or_default()
        };
        Self {
            first: at(|one| one.first),
            last: at(|one| one.last),
        }
    }
}

/// Draws moments; the same seed gives the same ones.
pub struct Moments {
    random: ChaCha12Rng,
    pace: Pace,
    clients: usize,
}

impl Moments {
    pub fn new(seed: u64, pace: Pace, clients: usize) -> Self {
        Self {
            random: ChaCha12Rng::seed_from_u64(seed),
            pace,
            clients,
        }
    }

    /// Of ten moments two lie before the commit by the clock, three around it, one after
    /// everything, and four between two answers, which no clock meets.
    pub fn draw(&mut self) -> Moment {
        let Pace { first, last } = self.pace;
        match self.random.random_range(0..10) {
            0..2 => self.between(Duration::ZERO, first.mul_f64(0.7)),
            2..5 => self.between(first.mul_f64(0.7), first.mul_f64(1.3)),
            5 => self.between(last, last.mul_f64(2.0)),
            _ => Moment::Answered(self.random.random_range(1..=self.clients)),
        }
    }

    fn between(&mut self, from: Duration, to: Duration) -> Moment {
        let share = self.random.random_range(0.0..1.0);
        Moment::After(from + to.saturating_sub(from).mul_f64(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64) -> Vec<Moment> {
        let (first, last) = (Duration::from_millis(10), Duration::from_millis(30));
        let mut moments = Moments::new(seed, Pace { first, last }, 64);
        (0..1000).map(|_| moments.draw()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_moments_again() {
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn moments_lie_before_around_between_and_after() {
        let drawn = draw(7);
        let share = |is: &dyn Fn(&Moment) -> bool| drawn.iter().filter(|one| is(one)).count();
        let within = |from: u64, to: u64| {
            let range = Duration::from_millis(from)..Duration::from_millis(to);
            share(&|one| matches!(one, Moment::After(time) if range.contains(time)))
        };
        assert!(within(0, 7) > 100, "before: {drawn:?}");
        assert!(within(7, 13) > 200, "around: {drawn:?}");
        assert!(within(30, 60) > 50, "after: {drawn:?}");
        assert!(share(&|one| matches!(one, Moment::Answered(1..=64))) > 300);
    }

    #[test]
    fn the_pace_is_the_median_of_each() {
        let pace = |first, last| Pace {
            first: Duration::from_millis(first),
            last: Duration::from_millis(last),
        };
        let median = Pace::median(vec![pace(9, 10), pace(1, 30), pace(5, 20)]);
        assert_eq!(
            (median.first, median.last),
            (pace(5, 20).first, pace(5, 20).last)
        );
    }
}

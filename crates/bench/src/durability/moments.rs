//! When to kill: moments drawn around the commit, from before the first request is sent until
//! after the last answer.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use super::report::Outcome;

/// When a round's server dies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Moment {
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

/// Draws moments, and learns from what they met: on a busy machine the commit is over long before
/// a client gets to read its answer.
pub(super) struct Moments {
    random: ChaCha12Rng,
    pace: Pace,
    clients: usize,
    /// Where the commit is thought to be.
    commit: Duration,
    /// When half of the answers are thought to be on their way.
    half: Duration,
}

impl Moments {
    pub(super) fn new(seed: u64, pace: Pace, clients: usize) -> Self {
        Self {
            random: ChaCha12Rng::seed_from_u64(seed),
            pace,
            clients,
            commit: pace.first.mul_f64(0.7),
            half: (pace.first + pace.last) / 2,
        }
    }

    /// Of ten moments one lies before the commit by the clock, three around it, three around the
    /// middle of the answers, one after everything, and two after a number of answers, rather a
    /// small one: the server has often sent the last when a client has read the first.
    pub(super) fn draw(&mut self) -> Moment {
        match self.random.random_range(0..10) {
            0 => self.between(Duration::ZERO, self.commit),
            1..4 => self.between(self.commit.mul_f64(0.5), self.commit.mul_f64(1.5)),
            4..7 => self.between(self.half.mul_f64(0.7), self.half.mul_f64(1.3)),
            7 => self.between(self.pace.last, self.pace.last.mul_f64(2.0)),
            _ => {
                let share: f64 = self.random.random_range(0.0..1.0);
                let answered = share * share * self.clients as f64;
                Moment::Answered(1 + answered as usize)
            }
        }
    }

    /// A crash met this: the next ones are drawn around better guesses.
    pub(super) fn learn(&mut self, moment: Moment, met: Outcome) {
        let Moment::After(delay) = moment else { return };
        nudge(&mut self.commit, delay, met.is_kept);
        nudge(&mut self.half, delay, 2 * met.answered > self.clients);
    }

    fn between(&mut self, from: Duration, to: Duration) -> Moment {
        let share = self.random.random_range(0.0..1.0);
        Moment::After(from + to.saturating_sub(from).mul_f64(share))
    }
}

/// Moves a guess when something happened before a moment that lies before it, or not before one
/// that lies after it.
fn nudge(guess: &mut Duration, moment: Duration, has_happened: bool) {
    if has_happened && moment < *guess {
        *guess = guess.mul_f64(0.85);
    } else if !has_happened && moment > *guess {
        *guess = guess.mul_f64(1.15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENTS: usize = 64;

    fn moments(seed: u64) -> Moments {
        let (first, last) = (Duration::from_millis(10), Duration::from_millis(30));
        Moments::new(seed, Pace { first, last }, CLIENTS)
    }

    fn draw(seed: u64) -> Vec<Moment> {
        let mut moments = moments(seed);
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
        assert!(within(0, 3) > 20, "before: {drawn:?}");
        assert!(within(3, 11) > 200, "around: {drawn:?}");
        assert!(within(14, 26) > 200, "between: {drawn:?}");
        assert!(within(30, 60) > 50, "after: {drawn:?}");
        assert!(share(&|one| matches!(one, Moment::Answered(1..=CLIENTS))) > 100);
    }

    /// A server whose commit and answers come at these times, in microseconds, and so the guesses.
    #[track_caller]
    fn check_learns(commit: u64, half: u64) {
        let mut moments = moments(3);
        for _ in 0..500 {
            let moment = moments.draw();
            let has_passed = |time| match moment {
                Moment::After(delay) => delay > Duration::from_micros(time),
                Moment::Answered(_) => true,
            };
            let answered = if has_passed(half) { CLIENTS } else { 0 };
            let is_kept = has_passed(commit);
            moments.learn(moment, Outcome { is_kept, answered });
        }
        for (guess, truth) in [(moments.commit, commit), (moments.half, half)] {
            let ratio = guess.as_secs_f64() * 1e6 / truth as f64;
            assert!((0.7..1.4).contains(&ratio), "{guess:?} for {truth} µs");
        }
    }

    #[test]
    fn guesses_come_near_a_server_that_is_faster_or_slower_than_it_seemed() {
        check_learns(1_500, 3_000);
        check_learns(20_000, 50_000);
    }

    #[test]
    fn the_pace_is_the_median_of_each() {
        let pace = |first, last| Pace {
            first: Duration::from_millis(first),
            last: Duration::from_millis(last),
        };
        let median = Pace::median(vec![pace(9, 10), pace(1, 30), pace(5, 20)]);
        let expected = pace(5, 20);
        assert_eq!((median.first, median.last), (expected.first, expected.last));
    }
}

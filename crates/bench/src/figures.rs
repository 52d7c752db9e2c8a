//! The spread of what was measured.

use std::time::Duration;

use serde::Serialize;

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    pub best: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl Spread {
    /// All zero when nothing was measured.
    pub fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        // The smallest sample that at least this share of all does not exceed.
        let at = |share: f64| {
            let rank = (share * samples.len() as f64).ceil() as usize;
            samples
                .get(rank.saturating_sub(1))
                .map_or(0.0, |one| one.as_secs_f64() * 1e3)
        };
        Self {
            best: at(0.0),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(samples: impl IntoIterator<Item = u64>, expected: [f64; 5]) {
        let spread = Spread::of(samples.into_iter().map(Duration::from_millis).collect());
        let [best, p50, p90, p99, max] = expected;
        assert_eq!(
            spread,
            Spread {
                best,
                p50,
                p90,
                p99,
                max
            }
        );
    }

    #[test]
    fn ranks_are_those_of_the_nearest_sample() {
        check([], [0.0; 5]);
        check([7], [7.0; 5]);
        check((1..=100).rev(), [1.0, 50.0, 90.0, 99.0, 100.0]);
        check([1, 2, 3], [1.0, 2.0, 3.0, 3.0, 3.0]);
    }
}

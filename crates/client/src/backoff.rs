//! Waits that grow: between polls, between tries, between dependent commands.

use std::time::Duration;

use crate::client::Client;

/// How long to wait, time after time. The n-th wait is `first` doubled n − 1 times and
/// at most `max`, then changed by the jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait, and the shortest.
    pub first: Duration,
    /// The longest wait.
    pub max: Duration,
    /// What chance does to a wait.
    pub jitter: Jitter,
}

/// What chance does to a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Nothing.
    None,
    /// Anything from the first wait up to the computed one is as likely, as in the
    /// waiters of the SDKs.
    Uniform,
}

impl Backoff {
    /// As the ECS documentation advises for polling after RunTask and for the pause
    /// between dependent commands: 2 s to 5 min.
    pub const fn documented() -> Self {
        Self {
            first: Duration::from_secs(2),
            max: Duration::from_secs(300),
            jitter: Jitter::None,
        }
    }

    /// As the waiters of the SDKs: 6 s to 10 min with jitter.
    pub const fn sdk() -> Self {
        Self {
            first: Duration::from_secs(6),
            max: Duration::from_secs(600),
            jitter: Jitter::Uniform,
        }
    }

    /// Wait number `n`, counted from 1, with `chance` from 0 to 1.
    pub(crate) fn delay(&self, n: u32, chance: f64) -> Duration {
        let factor = 1_u32.checked_shl(n.saturating_sub(1)).unwrap_or(u32::MAX);
        let full = self.first.saturating_mul(factor).min(self.max);
        match self.jitter {
            Jitter::None => full,
            Jitter::Uniform => {
                let shortest = self.first.min(full);
                shortest + (full - shortest).mul_f64(chance.clamp(0.0, 1.0))
            }
        }
    }

    /// Wait number `n` with real chance.
    pub(crate) fn next_delay(&self, n: u32) -> Duration {
        self.delay(n, fastrand::f64())
    }
}

/// The pauses of one caller; see [`Client::pauses`].
#[derive(Debug)]
pub struct Pauses<'a> {
    client: &'a Client,
    backoff: Backoff,
    taken: u32,
}

impl Client {
    /// Pauses between commands that depend on each other. ECS is consistent only in the
    /// end: what one call said need not hold for the next, even where a DescribeTasks in
    /// between was right already. [`Backoff::documented`] are the pauses that its
    /// documentation asks for.
    pub fn pauses(&self, backoff: Backoff) -> Pauses<'_> {
        Pauses {
            client: self,
            backoff,
            taken: 0,
        }
    }
}

impl Pauses<'_> {
    /// Waits; each time longer than before, up to the longest.
    pub async fn pause(&mut self) {
        self.taken = self.taken.saturating_add(1);
        self.client.sleep(self.backoff.next_delay(self.taken)).await;
    }

    /// Begins with the first wait again.
    pub fn reset(&mut self) {
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(backoff: Backoff, chance: f64, expected: &[u64]) {
        let delays = (1..)
            .take(expected.len())
            .map(|n| backoff.delay(n, chance).as_secs());
        assert!(delays.eq(expected.iter().copied()), "{backoff:?}");
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let documented = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
        check(Backoff::documented(), 0.3, &documented);
        let sdk = [6, 12, 24, 48, 96, 192, 384, 600, 600];
        check(Backoff::sdk(), 1.0, &sdk);
        assert_eq!(
            Backoff::sdk().delay(u32::MAX, 1.0),
            Duration::from_secs(600)
        );
    }

    #[test]
    fn jitter_stays_between_the_first_wait_and_the_computed_one() {
        check(Backoff::sdk(), 0.0, &[6, 6, 6, 6]);
        check(Backoff::sdk(), 0.5, &[6, 9, 15, 27]);
        for n in 1..12 {
            let delay = Backoff::sdk().next_delay(n);
            assert!(delay >= Backoff::sdk().first && delay <= Backoff::sdk().delay(n, 1.0));
        }
    }
}

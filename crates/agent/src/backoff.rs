//! How long to wait before trying again.

/// The first pause, in milliseconds; each further one is twice as long.
const FIRST_MILLIS: i64 = 100;
/// No pause is longer: the other side may be back at any time.
const LONGEST_MILLIS: i64 = 5_000;

/// Pauses that grow with each failure.
#[derive(Debug)]
pub(crate) struct Backoff {
    next_millis: i64,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self {
            next_millis: FIRST_MILLIS,
        }
    }

    pub(crate) fn next_millis(&mut self) -> i64 {
        let millis = self.next_millis;
        self.next_millis = (millis * 2).min(LONGEST_MILLIS);
        millis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..8).map(|_| backoff.next_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }
}

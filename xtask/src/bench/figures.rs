//! Numbers of several rounds, and how they are written.

use std::time::Duration;

use serde::Deserialize;

/// What a measuring program tells of latencies, in milliseconds.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// The same figure, measured several times.
#[derive(Clone, Default)]
pub(super) struct Rounds(Vec<f64>);

impl Rounds {
    pub(super) fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// Of an even number the lower one of the middle; 0 without any.
    pub(super) fn median(&self) -> f64 {
        let middle = self.0.len().saturating_sub(1) / 2;
        self.0.get(middle).copied().unwrap_or_default()
    }

    /// Median with the extremes, each written by `write`.
    pub(super) fn text(&self, write: impl Fn(f64) -> String, unit: &str) -> String {
        let median = write(self.median());
        match self.0.as_slice() {
            [least, .., most] => {
                format!("{median} {unit} ({}–{})", write(*least), write(*most))
            }
            _ => format!("{median} {unit}"),
        }
    }
}

impl FromIterator<f64> for Rounds {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut rounds = Self::default();
        values.into_iter().for_each(|value| rounds.push(value));
        rounds
    }
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A whole number with commas.
pub(super) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for group in digits.as_bytes()[first..].chunks(3) {
        if !text.is_empty() {
            text.push(',');
        }
        text.extend(group.iter().map(|digit| char::from(*digit)));
    }
    text
}

pub(super) fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

pub(super) fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let written = [0.4, 12.0, 999.6, 1234.0, 1_234_567.0].map(whole);
        assert_eq!(written, ["0", "12", "1,000", "1,234", "1,234,567"]);
        let rounds: Rounds = [3.0, 1.0, 2.0].into_iter().collect();
        assert_eq!(rounds.text(tenths, "ms"), "2.0 ms (1.0–3.0)");
        assert_eq!(Rounds::default().text(tenths, "ms"), "0.0 ms");
    }
}

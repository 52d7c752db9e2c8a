//! A moment in time as ECS writes it: JSON numbers, epoch seconds, fraction kept.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970-01-01T00:00:00Z. On the wire a JSON number of seconds
/// with up to three decimals (`1706000000.123`); whole numbers are accepted too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This moment plus a span in milliseconds; stays at the ends of the range.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this moment; negative if it is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:03}",
            self.0.div_euclid(1000),
            self.0.rem_euclid(1000)
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            serializer.serialize_i64(self.0 / 1000)
        } else {
            // Exact for every date ECS can name: f64 has 53 bits, 2^53 ms is the year 287396.
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let millis = (seconds * 1000.0).round();
        if !millis.is_finite() || millis.abs() > 9.0e15 {
            return Err(serde::de::Error::custom("timestamp out of range"));
        }
        Ok(Self(millis as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, millis: i64, back: &str) {
        let parsed: Timestamp = serde_json::from_str(json).unwrap();
        assert_eq!(parsed.millis(), millis);
        assert_eq!(serde_json::to_string(&parsed).unwrap(), back);
    }

    #[test]
    fn seconds_with_a_fraction_round_trip() {
        check("1706000000.123", 1_706_000_000_123, "1706000000.123");
        check("1706000000", 1_706_000_000_000, "1706000000");
        check("1706000000.0", 1_706_000_000_000, "1706000000");
        check("0.001", 1, "0.001");
    }

    #[test]
    fn absurd_numbers_are_refused() {
        assert!(serde_json::from_str::<Timestamp>("1e300").is_err());
        assert!(serde_json::from_str::<Timestamp>("\"2026\"").is_err());
    }
}

//! Values as they are compared: versions, moments, numbers.

use std::cmp::Ordering;

use model::Timestamp;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime, PrimitiveDateTime};

/// Numbers between points, compared one by one; missing ones are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version(Vec<u64>);

impl Version {
    /// `1.14.5`, also with more or fewer numbers.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let numbers = text.split('.').map(|number| {
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|_| is_number)
        });
        numbers.collect::<Option<Vec<u64>>>().map(Self)
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let length = self.0.len().max(other.0.len());
        let number = |version: &Self, at| version.0.get(at).copied().unwrap_or(0);
        let numbers = (0..length).map(|at| number(self, at).cmp(&number(other, at)));
        numbers.fold(Ordering::Equal, Ordering::then)
    }
}

/// The forms of `placement.md` §2.2; without an offset the moment is UTC, a day is its first
/// moment.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    // Before those without an offset: these would read past `+0200`.
    let with_offset = || {
        let moment = OffsetDateTime::parse(text, &Rfc3339);
        moment.or_else(|_| OffsetDateTime::parse(text, &Iso8601::DEFAULT))
    };
    let without = || PrimitiveDateTime::parse(text, &Iso8601::DEFAULT).ok();
    let day = || Date::parse(text, &Iso8601::DEFAULT).ok();
    let moment = with_offset()
        .ok()
        .or_else(|| without().map(PrimitiveDateTime::assume_utc))
        .or_else(|| day().map(|day| day.midnight().assume_utc()))?;
    Some(Timestamp::from_millis(
        moment.unix_timestamp().checked_mul(1000)?,
    ))
}

/// Numerically when both are numbers, else by characters.
pub(super) fn compare_texts(one: &str, other: &str) -> Ordering {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one.partial_cmp(&other).unwrap_or(Ordering::Equal),
        _ => one.cmp(other),
    }
}

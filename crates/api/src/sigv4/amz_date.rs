//! The date of a signed request: ISO 8601 "basic format", `20260105T101500Z`.

use std::time::UNIX_EPOCH;

use model::Timestamp;

const SECONDS_PER_DAY: i64 = 86_400;

/// A date in the form that is signed, with the moment it names. Whole seconds, years 0000–9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AmzDate {
    text: [u8; 16],
    at: Timestamp,
}

impl AmzDate {
    /// Reads `YYYYMMDDTHHMMSSZ`; `None` for any other text and for days that do not exist.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text: [u8; 16] = text.as_bytes().try_into().ok()?;
        if text[8] != b'T' || text[15] != b'Z' {
            return None;
        }
        let year = number(&text[0..4])?;
        let (month, day) = (number(&text[4..6])?, number(&text[6..8])?);
        let (hour, minute, second) = (
            number(&text[9..11])?,
            number(&text[11..13])?,
            number(&text[13..15])?,
        );
        let days = days_from_civil(year, month, day);
        if hour > 23 || minute > 59 || second > 59 || civil_from_days(days) != (year, month, day) {
            return None;
        }
        let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        Some(Self {
            text,
            at: Timestamp::from_millis(seconds * 1000),
        })
    }

    /// Reads a `Date` header, which may stand in for `X-Amz-Date`: RFC 7231, or the basic format.
    pub(super) fn parse_http(text: &str) -> Option<Self> {
        if let Some(date) = Self::parse(text) {
            return Some(date);
        }
        let since = httpdate::parse_http_date(text)
            .ok()?
            .duration_since(UNIX_EPOCH)
            .ok()?;
        let millis = i64::try_from(since.as_millis()).ok()?;
        Some(Self::of(Timestamp::from_millis(millis)))
    }

    /// The second in which `moment` lies.
    pub(super) fn of(moment: Timestamp) -> Self {
        // The ends of what four digits of year can name; only a broken clock lies beyond.
        let seconds = moment
            .millis()
            .div_euclid(1000)
            .clamp(-62_167_219_200, 253_402_300_799);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let rest = seconds.rem_euclid(SECONDS_PER_DAY);
        let mut text = *b"00000000T000000Z";
        write_number(&mut text[0..4], year);
        write_number(&mut text[4..6], month);
        write_number(&mut text[6..8], day);
        write_number(&mut text[9..11], rest / 3600);
        write_number(&mut text[11..13], rest / 60 % 60);
        write_number(&mut text[13..15], rest % 60);
        Self {
            text,
            at: Timestamp::from_millis(seconds * 1000),
        }
    }

    /// The whole date, as it is signed.
    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.text).expect("both constructors write ASCII only")
    }

    /// Its first eight characters, `YYYYMMDD`, as a credential scope has them.
    pub(super) fn day(&self) -> &str {
        &self.as_str()[..8]
    }

    pub(super) fn at(&self) -> Timestamp {
        self.at
    }
}

/// Decimal digits only: `str::parse` would take a sign.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

fn write_number(into: &mut [u8], mut value: i64) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar. Years are counted from March, so
/// that the leap day is the last of its year; 400 years are one period of 146,097 days.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: Option<i64>) {
        let date = AmzDate::parse(text);
        assert_eq!(
            date.map(|date| date.at().millis()),
            seconds.map(|s| s * 1000),
            "{text}"
        );
    }

    #[test]
    fn the_basic_format_is_read() {
        check("19700101T000000Z", Some(0));
        check("20150830T123600Z", Some(1_440_938_160));
        check("20240229T235959Z", Some(1_709_251_199));
        check("00000101T000000Z", Some(-62_167_219_200));
        check("99991231T235959Z", Some(253_402_300_799));
    }

    #[test]
    fn other_texts_and_impossible_dates_are_not() {
        for text in [
            "",
            "20150830T123600",
            "2015-08-30T12:36:00Z",
            "20150830t123600Z",
            "20150830T123600z",
            "+0150830T123600Z",
            "20150832T123600Z",
            "20150031T123600Z",
            "20151301T123600Z",
            "20230229T123600Z",
            "20150830T240000Z",
            "20150830T126000Z",
            "20150830T123660Z",
            "2015083éT12360Z",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_date_header_becomes_the_basic_format() {
        let date = AmzDate::parse_http("Sun, 30 Aug 2015 12:36:00 GMT").unwrap();
        assert_eq!(date.as_str(), "20150830T123600Z");
        assert_eq!(date.day(), "20150830");
        assert_eq!(AmzDate::parse_http("20150830T123600Z"), Some(date));
        assert_eq!(AmzDate::parse_http("yesterday"), None);
    }

    proptest! {
        #[test]
        fn every_second_round_trips(seconds in -62_167_219_200_i64..=253_402_300_799) {
            let date = AmzDate::of(Timestamp::from_millis(seconds * 1000 + 999));
            prop_assert_eq!(date.at().millis(), seconds * 1000);
            prop_assert_eq!(AmzDate::parse(date.as_str()), Some(date));
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = AmzDate::parse(&text);
            let _ = AmzDate::parse_http(&text);
        }
    }
}

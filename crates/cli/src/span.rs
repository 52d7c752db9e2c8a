//! Lengths of time as people write and read them: `10m`, `1h30m`, `4.2 s`.

use std::time::Duration;

/// Reads `90`, `90s`, `10m`, `1h30m`, `1.5h`, `250ms`, `2d`; a bare number is seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is not a length of time such as 90s, 10m or 1h30m");
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let unit_at = rest
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let (number, behind) = rest.split_at(unit_at);
        let next_at = behind
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(behind.len());
        let (unit, next) = behind.split_at(next_at);
        let number: f64 = number.trim().parse().map_err(|_| bad())?;
        if number.is_sign_negative() {
            return Err(bad());
        }
        seconds += number * unit_seconds(unit).ok_or_else(bad)?;
        rest = next;
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| bad())
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    })
}

/// How long something took: `0.34 s`, `4.2 s`, `2m 5s`, `3h 10m`. Milliseconds; a
/// negative span, which only disagreeing clocks make, counts as none.
pub(crate) fn exact(millis: i64) -> String {
    let millis = millis.max(0);
    match millis {
        ..1_000 => format!("{:.2} s", millis as f64 / 1e3),
        1_000..60_000 => format!("{:.1} s", millis as f64 / 1e3),
        _ => rough(millis),
    }
}

/// The same in whole seconds, for tables: `12s`, `2m 5s`, `3h 10m`, `4d 2h`.
pub(crate) fn rough(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, millis: Option<u128>) {
        assert_eq!(
            parse(text).ok().map(|span| span.as_millis()),
            millis,
            "{text}"
        );
    }

    #[test]
    fn spans_are_read() {
        check("90", Some(90_000));
        check("90s", Some(90_000));
        check("10m", Some(600_000));
        check("1h30m", Some(5_400_000));
        check("1.5h", Some(5_400_000));
        check("250ms", Some(250));
        check("2d", Some(172_800_000));
        for bad in ["", "m", "10x", "-5s", "1h-30m", "inf", "NaN", "10 m s"] {
            check(bad, None);
        }
    }

    #[test]
    fn spans_are_written() {
        let texts = [-5, 340, 4_230, 125_000, 11_400_000].map(exact);
        assert_eq!(texts, ["0.00 s", "0.34 s", "4.2 s", "2m 5s", "3h 10m"]);
        assert_eq!(rough(353_000_000), "4d 2h");
    }
}

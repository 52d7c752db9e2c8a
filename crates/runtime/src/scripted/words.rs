//! The words of a script: statements, durations, codes, texts.

/// The longest duration, about a year: sums of all statements stay far from overflow.
const DURATION_MILLIS_MAX: i64 = 366 * 24 * 3600 * 1000;

/// Statements with their byte offsets; `;` and line ends separate them outside quotes.
pub(crate) fn statements(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut quoted = false;
    let mut escaped = false;
    let pieces = text.split(move |c: char| {
        let separator = !quoted && matches!(c, ';' | '\n');
        match c {
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        separator
    });
    let base = text.as_ptr() as usize;
    pieces
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
        .map(move |piece| {
            // A piece is a part of `text`, so the difference of addresses is its offset.
            (piece.as_ptr() as usize - base, piece)
        })
}

pub(crate) fn code(text: &str) -> Result<i32, String> {
    let code = text.parse::<u8>().map(i32::from);
    code.map_err(|_| format!("`{text}` is not an exit code from 0 to 255"))
}

/// A whole number and `ms`, `s`, `m` or `h`.
pub(crate) fn duration(text: &str) -> Result<i64, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => {
            return Err(format!(
                "`{text}` is not a duration like 200ms, 2s, 5m or 1h"
            ));
        }
    };
    let millis = number
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(factor));
    millis
        .filter(|millis| *millis <= DURATION_MILLIS_MAX)
        .ok_or_else(|| format!("`{text}` is not a duration of at most 366 days"))
}

/// A text as it stands, or in double quotes with `\"`, `\\` and `\n`.
pub(crate) fn unquote(text: &str) -> Result<String, String> {
    let Some(quoted) = text.strip_prefix('"') else {
        // A lone quote would have kept the following statements in this text.
        let paired = text.matches('"').count().is_multiple_of(2);
        return if paired {
            Ok(text.to_owned())
        } else {
            Err("a quote has no partner".to_owned())
        };
    };
    let mut out = String::new();
    let mut rest = quoted.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' if rest.as_str().is_empty() => return Ok(out),
            '"' => return Err("text goes on after the closing quote".to_owned()),
            '\\' => out.push(match rest.next() {
                Some('n') => '\n',
                Some(c @ ('"' | '\\')) => c,
                _ => return Err("in quotes a backslash stands before `\"`, `\\` or `n`".to_owned()),
            }),
            c => out.push(c),
        }
    }
    Err("the closing quote is missing".to_owned())
}

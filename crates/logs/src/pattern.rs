//! Filter patterns for plain text: terms, phrases, optional and excluded ones.
//!
//! A term is searched anywhere in the message, case-sensitively. All plain terms
//! must be there; where there are none, at least one of the `?terms`; and none of
//! the `-terms`. As on CloudWatch, `?terms` beside plain terms have no effect.

use crate::LogsError;

/// The longest pattern, in characters: CloudWatch's limit.
const PATTERN_CHARS_MAX: usize = 1024;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    /// An empty pattern matches everything.
    pub(crate) fn parse(text: &str) -> Result<Self, LogsError> {
        if text.chars().count() > PATTERN_CHARS_MAX {
            let must = format!("have length less than or equal to {PATTERN_CHARS_MAX}");
            return Err(LogsError::constraint("filterPattern", text, &must));
        }
        let mut rest = text.trim_start();
        refuse_other_kinds(rest)?;
        let mut pattern = Self::default();
        while let Some(first) = rest.chars().next() {
            let (terms, term) = match first {
                '?' => (&mut pattern.any, &rest[1..]),
                '-' => (&mut pattern.none, &rest[1..]),
                _ => (&mut pattern.all, rest),
            };
            let (term, more) = match term.strip_prefix('"') {
                Some(quoted) => phrase(quoted)?,
                None => word(term)?,
            };
            terms.push(term);
            rest = more.trim_start();
        }
        Ok(pattern)
    }

    pub(crate) fn matches(&self, message: &str) -> bool {
        let holds = |term: &String| message.contains(term.as_str());
        let any = self.any.is_empty() || !self.all.is_empty() || self.any.iter().any(holds);
        any && self.all.iter().all(holds) && !self.none.iter().any(holds)
    }
}

fn refuse_other_kinds(text: &str) -> Result<(), LogsError> {
    let kind = match text.chars().next() {
        Some('{') => "JSON patterns, {…},",
        Some('[') => "space-delimited patterns, […],",
        Some('%') => "regular expressions, %…%,",
        _ => return Ok(()),
    };
    Err(LogsError::Invalid(format!(
        "Invalid filterPattern: {kind} are not supported by this server; use terms and \"phrases\"."
    )))
}

/// A term up to the next space. Anything but letters, digits and `_` needs quotes.
fn word(text: &str) -> Result<(String, &str), LogsError> {
    let (term, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    if term.is_empty() || !term.chars().all(|c| c.is_alphanumeric() || c == '_') {
        let hint = "put terms with other characters in double quotes";
        return Err(LogsError::Invalid(format!(
            "Invalid filterPattern: invalid character(s) in term '{term}'; {hint}."
        )));
    }
    Ok((term.to_owned(), rest))
}

/// The text up to the closing quote, in which `\` takes the next character as it is.
fn phrase(text: &str) -> Result<(String, &str), LogsError> {
    let mut phrase = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((phrase, &text[at + 1..])),
            '\\' => phrase.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => phrase.push(c),
        }
    }
    Err(LogsError::Invalid(
        "Invalid filterPattern: a double quote is not closed.".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let pattern = Pattern::parse(pattern).unwrap();
        for message in yes {
            assert!(pattern.matches(message), "{pattern:?} must match {message}");
        }
        for message in no {
            assert!(
                !pattern.matches(message),
                "{pattern:?} must not match {message}"
            );
        }
    }

    #[test]
    fn terms_and_phrases() {
        check("", &["", "anything"], &[]);
        check("ERROR", &["[ERROR 400] bad", "xERRORx"], &["error", ""]);
        check("ERROR bad", &["bad ERROR"], &["ERROR", "bad"]);
        check(
            r#" "bad request"  ERROR "#,
            &["ERROR: bad request"],
            &["ERROR bad  request"],
        );
        check(r#""say \"hi\" \\""#, &[r#"say "hi" \"#], &["say hi"]);
    }

    #[test]
    fn optional_and_excluded_terms() {
        check("?ERROR ?WARN", &["ERROR", "a WARN"], &["INFO"]);
        check("ERROR -EXIT", &["ERROR"], &["ERROR EXIT", "x"]);
        check(r#"-"not this""#, &["this", ""], &["not this one"]);
        check("?ERROR REQUEST", &["REQUEST"], &["ERROR"]);
        check("?ERROR ?WARN -old", &["WARN"], &["old WARN", "new"]);
    }

    #[track_caller]
    fn check_refused(pattern: &str, part: &str) {
        let error = Pattern::parse(pattern).unwrap_err();
        assert_eq!(error.code(), "InvalidParameterException");
        assert!(error.to_string().contains(part), "{error}");
    }

    #[test]
    fn other_patterns_are_refused_with_the_reason() {
        check_refused(
            r#"{ $.level = "x" }"#,
            "JSON patterns, {…}, are not supported",
        );
        check_refused(
            "[ip, user]",
            "space-delimited patterns, […], are not supported",
        );
        check_refused("%a.*b%", "regular expressions, %…%, are not supported");
        check_refused("a.b", "invalid character(s) in term 'a.b'");
        check_refused("ERROR -", "invalid character(s) in term ''");
        check_refused("\"open", "a double quote is not closed");
        check_refused(&"x".repeat(1025), "have length less than or equal to 1024");
    }
}

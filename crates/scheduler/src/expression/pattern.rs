//! Regular expressions: what `=~` and `!~` match with.
//!
//! Java's patterns and those of the crate `regex` agree on what placement uses: characters,
//! classes, groups, alternatives, repetitions. These differ:
//!
//! | Java | Here |
//! |---|---|
//! | Look-around `(?=…)`, `(?<!…)`, back references `\1`, atomic groups `(?>…)` | Refused: they cannot be matched in linear time |
//! | Possessive repetition `a*+`, `a++`, `a?+` | Refused, rather than read as a repetition of a repetition |
//! | `\Q…\E`, `\Z`, `\G`, `\R`, `\h`, `\e`, octal escapes | Refused |
//! | `\p{L}`, `(?u)`; characters beyond ASCII in a class | Refused: attribute values are ASCII |
//! | `.` is any character | It is any byte, so it takes several to match a character beyond ASCII |
//! | `\<`, `\v`, `\b{g}`, `[a--b]`, `[a~~b]`, `[[:alpha:]]`, `(?U)`, `(?x)`, `a**` | Refused with their place: the crate reads them otherwise |
//! | No limit on size | At most [`SIZE_MAX`] |

mod java;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Size of a pattern, and of all patterns of an expression together: 4 for the pattern, 1 for
/// a character, 2 for a class and for a repetition, what is repeated counted as often as it is
/// at most (`(ab){3}` has 12). It bounds the time of compiling and of matching, together to well
/// under 10 ms for values of 128 characters.
pub const SIZE_MAX: usize = 500;
/// Bytes of a compiled pattern: its size reaches the limit first.
const COMPILED_MAX: usize = 1 << 18;
/// Bytes of the table that matching fills as it goes.
const TABLE_MAX: usize = 1 << 16;
/// Groups within groups.
const NESTING_MAX: u32 = 50;

/// A pattern that must match the whole of a value.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    size: usize,
}

impl Pattern {
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(difference) = java::difference(text) {
            return Err(difference);
        }
        // First by itself: closing and opening groups must not pair with ours.
        let size = size(&read(text)?).saturating_add(4);
        if size > SIZE_MAX {
            return Err("the regular expression is too large".to_owned());
        }
        Ok(Self {
            regex: build(&format!(r"\A(?:{text})\z"))?,
            size,
        })
    }

    pub fn matches(&self, value: &str) -> bool {
        self.regex.is_match(value.as_bytes())
    }

    /// How large it is, see [`SIZE_MAX`].
    pub fn size(&self) -> usize {
        self.size
    }
}

/// As [`build`] does.
fn read(text: &str) -> Result<Hir, String> {
    let mut parser = ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(NESTING_MAX)
        .build();
    parser
        .parse(text)
        .map_err(|error| sentence(&error.to_string()))
}

fn build(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text)
        // As in Java, where `\w` and the like are ASCII. Their Unicode cousins are a
        // hundred times as slow to compile.
        .unicode(false)
        .size_limit(COMPILED_MAX)
        .dfa_size_limit(TABLE_MAX)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
        other => sentence(&other.to_string()),
    })
}

/// The crate draws a picture; its last line is the sentence.
fn sentence(picture: &str) -> String {
    let last = picture.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

fn size(pattern: &Hir) -> usize {
    let sum = |parts: &[Hir]| {
        let parts = parts.iter().map(size);
        parts.fold(0, usize::saturating_add)
    };
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Bytes(_)) => 2,
        HirKind::Class(Class::Unicode(class)) => class.ranges().len() * 2,
        HirKind::Capture(group) => size(&group.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            let times = usize::try_from(times).unwrap_or(usize::MAX);
            size(&repetition.sub)
                .saturating_mul(times)
                .saturating_add(2)
        }
    }
}

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
//! | `\d`, `\w`, `\s` are ASCII | They know Unicode; attribute values are ASCII |
//! | No limit on size | A pattern that compiles to more than 64 KiB is refused |

use regex::{Regex, RegexBuilder};

/// Bytes of a compiled pattern.
const SIZE_MAX: usize = 1 << 16;
/// Groups within groups.
const NESTING_MAX: u32 = 50;

/// A pattern that must match the whole of a value.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if is_possessive(text) {
            return Err("possessive repetition is not supported".to_owned());
        }
        // First by itself: closing and opening groups must not pair with ours.
        build(text)?;
        build(&format!(r"\A(?:{text})\z")).map(Self)
    }

    pub fn matches(&self, value: &str) -> bool {
        self.0.is_match(value)
    }
}

fn build(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text)
        .size_limit(SIZE_MAX)
        .dfa_size_limit(SIZE_MAX)
        .nest_limit(NESTING_MAX)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
        other => {
            // The crate draws a picture; its last line is the sentence.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim().trim_start_matches("error: ").to_owned()
        }
    })
}

/// Is there a `+` right behind a repetition, outside classes and escapes?
fn is_possessive(text: &str) -> bool {
    let (mut in_class, mut repeated) = (false, false);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let was_repeated = std::mem::take(&mut repeated);
        match character {
            '\\' => drop(characters.next()),
            '[' => in_class = true,
            ']' => in_class = false,
            '+' if was_repeated && !in_class => return true,
            '*' | '+' | '?' | '}' if !in_class => repeated = true,
            _ => {}
        }
    }
    false
}

//! The mapping file as TOML. Walked by hand: the words of a generic reader show the values that
//! they do not like.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, MappingError, Source};
use crate::config;

const ENTRY_KEYS: [&str; 5] = ["value", "file", "command", "stages", "versions"];

/// How alike a key must be to be what was meant, from 0 to 1.
const ALIKE: f64 = 0.6;

type Text<'a> = Spanned<std::borrow::Cow<'a, str>>;

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Bad {
    span: Range<usize>,
    problem: String,
}

impl Bad {
    fn new(span: Range<usize>, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { span, problem }
    }

    pub(super) fn at(self, path: &Path, text: &str) -> MappingError {
        let (line, column) = config::place(text, self.span.start);
        MappingError::Parse {
            path: path.to_owned(),
            line,
            column,
            problem: self.problem,
        }
    }
}

pub(super) fn entries(text: &str) -> Result<BTreeMap<String, Entry>, Bad> {
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        Bad::new(span, error.message())
    })?;
    let mut entries = BTreeMap::new();
    for (name, value) in table.get_ref() {
        entries.insert(name.get_ref().to_string(), entry(value)?);
    }
    Ok(entries)
}

fn entry(value: &Spanned<DeValue<'_>>) -> Result<Entry, Bad> {
    let DeValue::Table(table) = value.get_ref() else {
        return Ok(Entry {
            current: Some(source(value)?),
            ..Entry::default()
        });
    };
    let mut entry = Entry::default();
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "stages" => entry.stages = versions(value)?,
            "versions" => entry.versions = versions(value)?,
            "value" | "file" | "command" if entry.current.is_some() => {
                return Err(Bad::new(key.span(), TWICE));
            }
            _ => entry.current = Some(member(key, value)?),
        }
    }
    if entry.current.is_none() && entry.stages.is_empty() && entry.versions.is_empty() {
        return Err(Bad::new(value.span(), NEEDS));
    }
    Ok(entry)
}

const NEEDS: &str = "a value is text, or a table with value, file or command";
const TWICE: &str = "only one of value, file and command can be the value";

fn versions(value: &Spanned<DeValue<'_>>) -> Result<BTreeMap<String, Source>, Bad> {
    let DeValue::Table(table) = value.get_ref() else {
        let needs = "this must be a table of values by their names";
        return Err(Bad::new(value.span(), needs));
    };
    let each = table.iter();
    each.map(|(name, value)| Ok((name.get_ref().to_string(), source(value)?)))
        .collect()
}

/// A value without versions.
fn source(value: &Spanned<DeValue<'_>>) -> Result<Source, Bad> {
    match value.get_ref() {
        DeValue::String(text) => Ok(Source::Value(text.to_string())),
        DeValue::Table(table) => {
            let mut members = table.iter();
            let (Some((key, inner)), None) = (members.next(), members.next()) else {
                return Err(Bad::new(value.span(), NEEDS));
            };
            member(key, inner)
        }
        _ => Err(Bad::new(
            value.span(),
            "a value is text: put it into quotes",
        )),
    }
}

fn member(key: &Text<'_>, value: &Spanned<DeValue<'_>>) -> Result<Source, Bad> {
    match key.get_ref().as_ref() {
        "value" => text(value).map(Source::Value),
        "file" => text(value).map(|path| Source::File(PathBuf::from(path))),
        "command" => words(value).map(Source::Command),
        other => Err(Bad::new(key.span(), unknown(other))),
    }
}

fn unknown(key: &str) -> String {
    let alike = |known: &&str| strsim::normalized_damerau_levenshtein(key, known);
    let best = ENTRY_KEYS.iter().map(|known| (alike(known), known));
    let best = best.max_by(|(one, _), (other, _)| one.total_cmp(other));
    match best.filter(|(alike, _)| *alike >= ALIKE) {
        Some((_, known)) => format!("unknown key `{key}`: did you mean `{known}`?"),
        None => format!("unknown key `{key}`: known are {}", ENTRY_KEYS.join(", ")),
    }
}

fn text(value: &Spanned<DeValue<'_>>) -> Result<String, Bad> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err(Bad::new(
            value.span(),
            "this must be text: put it into quotes",
        )),
    }
}

fn words(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Bad> {
    let needs = "a command is a list of words, like [\"op\", \"read\", \"op://team/db/password\"]";
    match value.get_ref() {
        DeValue::Array(words) if !words.is_empty() => words.iter().map(text).collect(),
        _ => Err(Bad::new(value.span(), needs)),
    }
}

//! Doc comments: our own sentences from `smithy/docs.toml`, and what the facts
//! say by themselves (required, limits, deprecated).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use super::model::Model;
use crate::facts::{Kind, Shape};
use crate::paths;

/// The key of a table in `docs.toml` that speaks of the type itself.
const TYPE_KEY: &str = "self";

/// Characters of a comment line, without its indentation.
const WIDTH: usize = 92;

pub(crate) struct Docs {
    /// Rust name of the type, then wire name of the member.
    sentences: BTreeMap<String, BTreeMap<String, String>>,
    used: BTreeSet<(String, String)>,
}

impl Docs {
    pub(crate) fn load() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(paths::workspace().join("smithy/docs.toml"))
            .context("cannot read smithy/docs.toml")?;
        let sentences = toml::from_str(&text).context("smithy/docs.toml")?;
        Ok(Self {
            sentences,
            used: BTreeSet::new(),
        })
    }

    /// The comment above a type; empty if there is nothing to say.
    pub(crate) fn of_type(&mut self, name: &str, shape: &Shape) -> String {
        let mut facts = Vec::new();
        if shape.union {
            facts.push("Exactly one member is set.".to_owned());
        }
        facts.extend(shape.deprecated_since.as_deref().map(deprecated));
        self.comment(name, TYPE_KEY, facts)
    }

    /// The comment above a member.
    pub(crate) fn of_member(
        &mut self,
        model: &Model,
        name: &str,
        shape: &Shape,
        member: &str,
    ) -> anyhow::Result<String> {
        let target = model.shape(shape.members.get(member).context("member of its shape")?)?;
        let mut facts = Vec::new();
        if shape.required.iter().any(|required| required == member) {
            facts.push("Required.".to_owned());
        }
        facts.extend(limits(target));
        facts.extend(
            shape
                .deprecated_members
                .get(member)
                .map(|since| deprecated(since)),
        );
        Ok(self.comment(name, member, facts))
    }

    /// Every sentence must have found its place, or it is about something that is gone.
    pub(crate) fn all_used(&self) -> anyhow::Result<()> {
        for (name, members) in &self.sentences {
            for member in members.keys() {
                let key = (name.clone(), member.clone());
                anyhow::ensure!(
                    self.used.contains(&key),
                    "smithy/docs.toml speaks of {name}.{member}, which is not in the model"
                );
            }
        }
        Ok(())
    }

    fn comment(&mut self, name: &str, key: &str, facts: Vec<String>) -> String {
        let sentence = self
            .sentences
            .get(name)
            .and_then(|members| members.get(key));
        if sentence.is_some() {
            self.used.insert((name.to_owned(), key.to_owned()));
        }
        let parts: Vec<String> = sentence.cloned().into_iter().chain(facts).collect();
        wrap(&parts.join(" "))
    }
}

fn deprecated(since: &str) -> String {
    format!("Deprecated since {since}.")
}

fn limits(shape: &Shape) -> Option<String> {
    let unit = match shape.kind {
        Kind::String => " characters",
        Kind::List => " items",
        _ => "",
    };
    Some(match (&shape.min, &shape.max) {
        (Some(min), Some(max)) => format!("{min}–{max}{unit}."),
        (Some(min), None) => format!("At least {min}{unit}."),
        (None, Some(max)) => format!("At most {max}{unit}."),
        (None, None) => return None,
    })
}

fn wrap(text: &str) -> String {
    let mut comment = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
            comment.push_str(&format!("/// {}\n", std::mem::take(&mut line)));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        comment.push_str(&format!("/// {line}\n"));
    }
    comment
}

//! The parsed model: the facts with the questions that generation asks.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::names;
use crate::facts::{Facts, Kind, Shape};
use crate::paths;

/// Members that are secret although the model does not mark them.
const ALSO_SENSITIVE: &[(&str, &str)] = &[("KeyValuePair", "value"), ("Session", "tokenValue")];

pub(crate) struct Model {
    pub(crate) facts: Facts,
    /// Shapes of requests and answers: `RunTaskRequest` to `RunTaskInput`.
    messages: BTreeMap<String, String>,
}

impl Model {
    pub(crate) fn load() -> anyhow::Result<Self> {
        let path = paths::facts();
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let facts = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} has an unknown form", path.display()))?;
        Self::new(facts)
    }

    fn new(facts: Facts) -> anyhow::Result<Self> {
        let mut messages = BTreeMap::new();
        for (name, operation) in &facts.operations {
            messages.insert(
                operation.input.clone(),
                names::type_name(&format!("{name}Input")),
            );
            messages.insert(
                operation.output.clone(),
                names::type_name(&format!("{name}Output")),
            );
        }
        let model = Self { facts, messages };
        model.type_names_differ()?;
        Ok(model)
    }

    fn type_names_differ(&self) -> anyhow::Result<()> {
        let mut seen = BTreeMap::new();
        for (name, shape) in &self.facts.shapes {
            let has_type = shape.kind == Kind::Structure || !shape.values.is_empty();
            if has_type && let Some(other) = seen.insert(self.type_name(name), name) {
                anyhow::bail!("the shapes {other} and {name} get the same name in Rust");
            }
        }
        Ok(())
    }

    pub(crate) fn shape(&self, name: &str) -> anyhow::Result<&Shape> {
        self.facts
            .shapes
            .get(name)
            .with_context(|| format!("the model has no shape {name}"))
    }

    /// The name of a structure's or an enumeration's type.
    pub(crate) fn type_name(&self, shape: &str) -> String {
        self.messages
            .get(shape)
            .cloned()
            .unwrap_or_else(|| names::type_name(shape))
    }

    /// The Rust type of a value of this shape.
    pub(crate) fn rust_type(&self, name: &str) -> anyhow::Result<String> {
        let shape = self.shape(name)?;
        let held = || self.rust_type(shape.holds.as_deref().context("a list holds something")?);
        Ok(match shape.kind {
            Kind::Structure if shape.document => "serde_json::Value".to_owned(),
            Kind::Structure => self.type_name(name),
            Kind::List => format!("Vec<{}>", held()?),
            Kind::Map => format!("BTreeMap<String, {}>", held()?),
            Kind::String if !shape.values.is_empty() => self.type_name(name),
            Kind::String => "String".to_owned(),
            Kind::Boolean => "bool".to_owned(),
            Kind::Integer => "i32".to_owned(),
            Kind::Long => "i64".to_owned(),
            Kind::Double => "f64".to_owned(),
            Kind::Timestamp => "Timestamp".to_owned(),
            Kind::Blob => anyhow::bail!("shape {name}: blobs have no type yet"),
        })
    }

    /// Whether debug output must not show this member.
    pub(crate) fn is_sensitive(&self, owner: &str, member: &str) -> anyhow::Result<bool> {
        let shape = self.shape(owner)?;
        let target = shape
            .members
            .get(member)
            .with_context(|| format!("{owner}.{member}"))?;
        Ok(shape.sensitive
            || self.shape(target)?.sensitive
            || ALSO_SENSITIVE.contains(&(owner, member)))
    }

    /// Structures that become types: neither errors nor free-form documents.
    pub(crate) fn structures(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.of_kind(Kind::Structure)
            .filter(|(_, shape)| !shape.exception && !shape.document)
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.of_kind(Kind::Structure)
            .filter(|(_, shape)| shape.exception)
    }

    pub(crate) fn enums(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.of_kind(Kind::String)
            .filter(|(_, shape)| !shape.values.is_empty())
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, &Shape)> {
        let shapes = self
            .facts
            .shapes
            .iter()
            .filter(move |(_, shape)| shape.kind == kind);
        shapes.map(|(name, shape)| (name.as_str(), shape))
    }
}

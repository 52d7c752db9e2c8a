//! Structures: one plain struct each, every member optional.

use std::fmt::Write as _;

use super::docs::Docs;
use super::model::Model;
use super::{BANNER, names};
use crate::facts::Shape;

const HEAD: &str = "\
//! Requests, answers and what they are made of.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::enums::*;
use crate::Timestamp;
use crate::redacted::Redacted;
";

pub(super) fn file(model: &Model, docs: &mut Docs) -> anyhow::Result<String> {
    let mut text = format!("{BANNER}{HEAD}");
    for (name, shape) in model.structures() {
        text.push_str(&structure(model, docs, name, shape)?);
    }
    Ok(text)
}

/// A struct, with its own `Debug` if it holds something secret.
pub(super) fn structure(
    model: &Model,
    docs: &mut Docs,
    name: &str,
    shape: &Shape,
) -> anyhow::Result<String> {
    let type_name = model.type_name(name);
    let mut secret = false;
    for member in shape.members.keys() {
        secret |= model.is_sensitive(name, member)?;
    }
    let debug = if secret { "" } else { "Debug, " };
    let mut text = format!("\n{}", docs.of_type(&type_name, shape));
    writeln!(
        text,
        "#[derive(Clone, {debug}Default, PartialEq, Serialize, Deserialize)]"
    )?;
    writeln!(text, "pub struct {type_name} {{")?;
    for (member, target) in &shape.members {
        text.push_str(&docs.of_member(model, &type_name, shape, member)?);
        writeln!(
            text,
            "#[serde(rename = \"{member}\", skip_serializing_if = \"Option::is_none\")]\n\
             pub {}: Option<{}>,",
            names::field(member),
            model.rust_type(target)?
        )?;
    }
    text.push_str("}\n");
    if secret {
        text.push_str(&debug_impl(model, name, shape)?);
    }
    Ok(text)
}

fn debug_impl(model: &Model, name: &str, shape: &Shape) -> anyhow::Result<String> {
    let type_name = model.type_name(name);
    let mut text = format!(
        "\nimpl fmt::Debug for {type_name} {{\n\
         fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{\n\
         f.debug_struct(\"{type_name}\")"
    );
    for member in shape.members.keys() {
        let field = names::field(member);
        let value = if model.is_sensitive(name, member)? {
            format!("Redacted(self.{field}.is_some())")
        } else {
            format!("self.{field}")
        };
        let label = field.trim_start_matches("r#");
        write!(text, "\n.field(\"{label}\", &{value})")?;
    }
    text.push_str("\n.finish()\n}\n}\n");
    Ok(text)
}

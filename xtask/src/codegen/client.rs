//! `crates/client/src/generated.rs`: a method per operation, a setter per member of its
//! input, and what is paged. Lists for macros, so that the file stays small.

use std::fmt::Write as _;

use anyhow::Context as _;

use super::model::Model;
use super::{BANNER, names};
use crate::facts::{Kind, Operation};

const HEAD: &str = "\
//! Every operation with its method and its setters, and every listing.

use model::Timestamp;
use model::shapes::*;

";

/// Listings that the model does not mark as paged, with the member that is listed.
const ALSO_PAGED: &[(&str, &str)] = &[
    ("DescribeCapacityProviders", "capacityProviders"),
    ("DescribeGatewayResources", "gatewayResources"),
    ("ListDaemonDeployments", "daemonDeployments"),
    ("ListDaemonTaskDefinitions", "daemonTaskDefinitions"),
    ("ListDaemons", "daemonSummariesList"),
    ("ListServiceDeployments", "serviceDeployments"),
];

pub(super) fn file(model: &Model) -> anyhow::Result<String> {
    let mut text = format!("{BANNER}{HEAD}crate::request::operations! {{\n");
    for (name, operation) in &model.facts.operations {
        text.push_str(&methods(model, name, operation)?);
    }
    text.push_str("}\n\ncrate::pages::listings! {\n");
    for (name, operation) in &model.facts.operations {
        if let Some(items) = items(name, operation) {
            text.push_str(&listing(model, name, operation, items)?);
        }
    }
    text.push_str("}\n");
    Ok(text)
}

fn methods(model: &Model, name: &str, operation: &Operation) -> anyhow::Result<String> {
    let mut text = format!(
        "    {}: {name},\n        {} -> {} {{\n",
        names::snake(name),
        model.type_name(&operation.input),
        model.type_name(&operation.output)
    );
    for (member, target) in &model.shape(&operation.input)?.members {
        let (kind, held) = setter(model, target)?;
        writeln!(
            text,
            "        {kind} \"{member}\" {}: {held};",
            names::field(member)
        )?;
    }
    text.push_str("    }\n");
    Ok(text)
}

/// How a member is set, and the type of one value of it.
fn setter(model: &Model, target: &str) -> anyhow::Result<(&'static str, String)> {
    let shape = model.shape(target)?;
    Ok(match (shape.kind, &shape.holds) {
        (Kind::List, Some(held)) => ("many", model.rust_type(held)?),
        _ => ("one", model.rust_type(target)?),
    })
}

fn items<'a>(name: &str, operation: &'a Operation) -> Option<&'a str> {
    let unmarked = ALSO_PAGED.iter().find(|(paged, _)| *paged == name);
    let marked = operation.pages.as_ref();
    marked
        .map(|pages| pages.result_key.as_str())
        .or(unmarked.map(|(_, items)| *items))
}

fn listing(
    model: &Model,
    name: &str,
    operation: &Operation,
    items: &str,
) -> anyhow::Result<String> {
    let output = model.shape(&operation.output)?;
    let target = output.members.get(items);
    let target = target.with_context(|| format!("{name} answers no {items}"))?;
    let (kind, held) = setter(model, target)?;
    Ok(format!(
        "    {name}: {kind} {}, {held};\n",
        names::field(items)
    ))
}

//! The form of botocore's model files, and their translation into facts.
//! Members that are not named here, the documentation above all, are dropped.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

use crate::facts::{Facts, Kind, Operation, Origin, Pages, Service, Shape, Waiter};

#[derive(Deserialize)]
pub(super) struct Model {
    metadata: Service,
    operations: BTreeMap<String, RawOperation>,
    shapes: BTreeMap<String, RawShape>,
}

#[derive(Deserialize)]
pub(super) struct Paginators {
    pagination: BTreeMap<String, Pages>,
}

#[derive(Deserialize)]
pub(super) struct Waiters {
    waiters: BTreeMap<String, Waiter>,
}

#[derive(Deserialize)]
struct Reference {
    shape: String,
    #[serde(default, rename = "idempotencyToken")]
    idempotency_token: bool,
    #[serde(default)]
    deprecated: bool,
    #[serde(default, rename = "deprecatedSince")]
    deprecated_since: Option<String>,
}

#[derive(Deserialize)]
struct RawOperation {
    input: Reference,
    output: Reference,
    #[serde(default)]
    errors: Vec<Reference>,
    #[serde(default)]
    readonly: bool,
    #[serde(default)]
    idempotent: bool,
}

#[derive(Deserialize)]
struct RawShape {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    members: BTreeMap<String, Reference>,
    #[serde(default)]
    required: Vec<String>,
    member: Option<Reference>,
    value: Option<Reference>,
    #[serde(default, rename = "enum")]
    values: Vec<String>,
    min: Option<serde_json::Number>,
    max: Option<serde_json::Number>,
    pattern: Option<String>,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    union: bool,
    #[serde(default)]
    document: bool,
    #[serde(default)]
    exception: bool,
    #[serde(default)]
    fault: bool,
    #[serde(default)]
    deprecated: bool,
    #[serde(rename = "deprecatedSince")]
    deprecated_since: Option<String>,
}

pub(super) fn facts(
    origin: Origin,
    model: Model,
    mut pages: Paginators,
    waiters: Waiters,
) -> anyhow::Result<Facts> {
    let operations = model
        .operations
        .into_iter()
        .map(|(name, raw)| {
            let operation = operation(raw, pages.pagination.remove(&name));
            (name, operation)
        })
        .collect();
    if let Some(name) = pages.pagination.keys().next() {
        anyhow::bail!("a paginator names the operation {name}, which the model does not have");
    }
    let shapes = model.shapes.into_iter().map(|(name, raw)| {
        let shape = shape(raw).with_context(|| format!("shape {name}"))?;
        Ok((name, shape))
    });
    Ok(Facts {
        origin,
        service: model.metadata,
        operations,
        waiters: waiters.waiters,
        shapes: shapes.collect::<anyhow::Result<_>>()?,
    })
}

fn operation(raw: RawOperation, pages: Option<Pages>) -> Operation {
    let mut errors: Vec<String> = raw.errors.into_iter().map(|error| error.shape).collect();
    errors.sort();
    Operation {
        input: raw.input.shape,
        output: raw.output.shape,
        errors,
        read_only: raw.readonly,
        idempotent: raw.idempotent,
        pages,
    }
}

fn shape(raw: RawShape) -> anyhow::Result<Shape> {
    let mut required = raw.required;
    required.sort();
    let holds = match raw.kind {
        Kind::List => Some(raw.member.context("a list without member")?.shape),
        Kind::Map => Some(raw.value.context("a map without value")?.shape),
        _ => None,
    };
    let token = raw
        .members
        .iter()
        .find(|(_, member)| member.idempotency_token);
    let deprecated = raw.members.iter().filter(|(_, member)| member.deprecated);
    Ok(Shape {
        kind: raw.kind,
        idempotency_token: token.map(|(name, _)| name.clone()),
        deprecated_members: deprecated
            .map(|(name, member)| (name.clone(), since(member.deprecated_since.as_deref())))
            .collect(),
        members: raw
            .members
            .into_iter()
            .map(|(name, member)| (name, member.shape))
            .collect(),
        required,
        holds,
        values: raw.values,
        min: raw.min,
        max: raw.max,
        pattern: raw.pattern,
        sensitive: raw.sensitive,
        union: raw.union,
        document: raw.document,
        exception: raw.exception,
        fault: raw.fault,
        deprecated_since: raw
            .deprecated
            .then(|| since(raw.deprecated_since.as_deref())),
    })
}

fn since(date: Option<&str>) -> String {
    date.unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"{
        "metadata": {
            "apiVersion": "2014-11-13", "endpointPrefix": "ecs", "jsonVersion": "1.1", "protocol": "json",
            "serviceId": "ECS", "signingName": "ecs", "targetPrefix": "T", "uid": "ecs-2014-11-13"
        },
        "operations": {"ListX": {
            "name": "ListX", "input": {"shape": "In"}, "output": {"shape": "Out"},
            "errors": [{"shape": "B"}, {"shape": "A"}], "readonly": true, "documentation": "PROSE"
        }},
        "shapes": {
            "In": {
                "type": "structure", "required": ["b", "a"], "documentation": "PROSE",
                "members": {"a": {"shape": "Text", "documentation": "PROSE", "idempotencyToken": true},
                            "b": {"shape": "Text", "deprecated": true, "deprecatedSince": "2023-04-15"}}
            },
            "Out": {"type": "list", "member": {"shape": "Text"}, "max": 5},
            "Text": {"type": "string", "sensitive": true},
            "A": {"type": "structure", "members": {}, "exception": true, "fault": true}
        },
        "documentation": "PROSE"
    }"#;

    const PAGES: &str = r#"{"pagination": {"ListX": {
        "input_token": "i", "output_token": "o", "limit_key": "l", "result_key": "r"
    }}}"#;

    fn import(pages: &str) -> anyhow::Result<Facts> {
        let origin = Origin {
            package: "botocore".into(),
            version: "1".into(),
            path: "p".into(),
            sha256: "s".into(),
        };
        let waiters = Waiters {
            waiters: BTreeMap::new(),
        };
        facts(
            origin,
            serde_json::from_str(MODEL)?,
            serde_json::from_str(pages)?,
            waiters,
        )
    }

    #[test]
    fn facts_are_kept_and_prose_is_not() {
        let facts = import(PAGES).unwrap();
        let operation = &facts.operations["ListX"];
        assert!(operation.read_only && operation.pages.is_some());
        assert_eq!(operation.errors, ["A", "B"]);
        let input = &facts.shapes["In"];
        assert_eq!(input.required, ["a", "b"]);
        assert_eq!(input.idempotency_token.as_deref(), Some("a"));
        assert_eq!(input.deprecated_members["b"], "2023-04-15");
        assert_eq!(facts.shapes["Out"].holds.as_deref(), Some("Text"));
        assert!(facts.shapes["Text"].sensitive && facts.shapes["A"].fault);
        assert!(!serde_json::to_string(&facts).unwrap().contains("PROSE"));
    }

    #[test]
    fn a_paginator_of_no_operation_is_an_error() {
        assert!(import(&PAGES.replace("ListX", "ListY")).is_err());
    }
}

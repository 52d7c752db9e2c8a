//! Operations: a marker type each, and the table of their facts.

use std::fmt::Write as _;

use super::model::Model;
use super::{BANNER, names};
use crate::facts::{Operation, Pages};

const HEAD: &str = "\
//! Operations: a type each, and the table of what the model says of them.

use super::errors::ErrorCode;
use super::shapes::*;
use crate::operation::{Operation, OperationFacts, Pages};
";

pub(super) fn file(model: &Model) -> anyhow::Result<String> {
    let service = &model.facts.service;
    let mut text = format!(
        "{BANNER}{HEAD}
        /// The version of the API that the facts describe.
        pub const API_VERSION: &str = \"{}\";
        /// The name for which requests are signed.
        pub const SIGNING_NAME: &str = \"{}\";
        /// What stands before the dot in `X-Amz-Target`.
        pub const TARGET_PREFIX: &str = \"{}\";

        /// Every operation, in alphabetical order.
        pub const OPERATIONS: &[OperationFacts] = &[\n",
        service.api_version, service.signing_name, service.target_prefix
    );
    for (name, operation) in &model.facts.operations {
        text.push_str(&facts(model, name, operation)?);
    }
    text.push_str("];\n");
    for (at, (name, operation)) in model.facts.operations.iter().enumerate() {
        text.push_str(&marker(model, at, name, operation)?);
    }
    Ok(text)
}

fn facts(model: &Model, name: &str, operation: &Operation) -> anyhow::Result<String> {
    let errors: Vec<String> = operation
        .errors
        .iter()
        .map(|error| format!("ErrorCode::{error}"))
        .collect();
    let token = &model.shape(&operation.input)?.idempotency_token;
    Ok(format!(
        "OperationFacts {{ name: \"{name}\", read_only: {}, idempotent: {}, \
         idempotency_token: {token:?}, errors: &[{}], pages: {} }},\n",
        operation.read_only,
        operation.idempotent,
        errors.join(", "),
        operation.pages.as_ref().map_or("None".to_owned(), pages),
    ))
}

fn pages(pages: &Pages) -> String {
    format!(
        "Some(Pages {{ input_token: {:?}, limit_key: {:?}, output_token: {:?}, result_key: {:?} }})",
        pages.input_token, pages.limit_key, pages.output_token, pages.result_key
    )
}

fn marker(model: &Model, at: usize, name: &str, operation: &Operation) -> anyhow::Result<String> {
    let mut text = format!(
        "
        /// The operation `{name}`.
        #[derive(Clone, Copy, Debug)]
        pub struct {name};

        impl Operation for {name} {{
            type Input = {};
            type Output = {};
            const NAME: &'static str = \"{name}\";
            const FACTS: &'static OperationFacts = &OPERATIONS[{at}];
        ",
        model.type_name(&operation.input),
        model.type_name(&operation.output)
    );
    if let Some(token) = &model.shape(&operation.input)?.idempotency_token {
        write!(
            text,
            "\nfn idempotency_token(input: &mut Self::Input) -> Option<&mut Option<String>> {{
                Some(&mut input.{})
            }}",
            names::field(token)
        )?;
    }
    text.push_str("}\n");
    Ok(text)
}

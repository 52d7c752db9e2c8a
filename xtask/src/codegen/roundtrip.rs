//! The table by which the model's tests reach the types of every operation.

use super::BANNER;
use super::model::Model;

const HEAD: &str = "\
//! Every operation with the functions that read and write its two shapes.

use longshore_model::operations;

use crate::{Case, input, output};

";

pub(super) fn file(model: &Model) -> String {
    let rows: String = model
        .facts
        .operations
        .keys()
        .map(|name| {
            format!(
                "Case {{ name: \"{name}\", input: input::<operations::{name}>, \
                 output: output::<operations::{name}> }},\n"
            )
        })
        .collect();
    format!("{BANNER}{HEAD}pub(crate) const CASES: &[Case] = &[\n{rows}];\n")
}

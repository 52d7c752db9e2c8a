//! Enumerations: known values, and room for those of a later model.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::docs::Docs;
use super::model::Model;
use super::{BANNER, names};

const HEAD: &str = "\
//! Enumerations. A value that the model does not know is kept in `Unknown`.

use crate::open_enum::open_enum;
";

pub(super) fn file(model: &Model, docs: &mut Docs) -> anyhow::Result<String> {
    let mut text = format!("{BANNER}{HEAD}");
    for (name, shape) in model.enums() {
        let type_name = model.type_name(name);
        let mut variants = BTreeSet::new();
        writeln!(
            text,
            "\nopen_enum! {{\n{}{type_name} {{",
            docs.of_type(&type_name, shape)
        )?;
        for value in &shape.values {
            let variant = names::variant(value);
            writeln!(text, "    {variant} = \"{value}\",")?;
            anyhow::ensure!(
                variants.insert(variant),
                "{name}: two values share a name in Rust"
            );
        }
        text.push_str("}\n}\n");
    }
    Ok(text)
}

//! Errors: the closed list of names, and the bodies of the modelled ones.

use std::fmt::Write as _;

use super::docs::Docs;
use super::model::Model;
use super::{BANNER, shapes};

/// What the front of the service answers before an operation is reached. The
/// model of the service does not list them.
const FRONT_END: &[&str] = &[
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
];

const HEAD: &str = "\
//! Errors: their names and the members of their bodies.

use std::fmt;

use serde::{Deserialize, Serialize};

";

pub(super) fn file(model: &Model, docs: &mut Docs) -> anyhow::Result<String> {
    let mut text = format!("{BANNER}{HEAD}");
    text.push_str(&codes(model)?);
    for (name, shape) in model.errors() {
        text.push_str(&shapes::structure(model, docs, name, shape)?);
    }
    Ok(text)
}

fn codes(model: &Model) -> anyhow::Result<String> {
    let modelled = model.errors().map(|(name, shape)| (name, shape.fault));
    let mut all: Vec<_> = modelled
        .chain(FRONT_END.iter().map(|name| (*name, false)))
        .collect();
    all.sort_unstable();
    let mut variants = String::new();
    let mut names = String::new();
    let mut faults = Vec::new();
    for (name, fault) in all {
        writeln!(variants, "{name},")?;
        writeln!(names, "Self::{name} => \"{name}\",")?;
        if fault {
            faults.push(format!("Self::{name}"));
        }
    }
    Ok(format!(
        "/// The name of an error, as it stands in `__type`.
         #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
         pub enum ErrorCode {{ {variants} }}

         impl ErrorCode {{
             /// All of them, in alphabetical order.
             pub const ALL: &[Self] = &[ {all} ];

             /// The name on the wire.
             pub const fn name(self) -> &'static str {{ match self {{ {names} }} }}

             /// The HTTP status: 500 for a fault of the server, else 400.
             pub const fn status(self) -> u16 {{
                 match self {{ {faults} => 500, _ => 400 }}
             }}

             /// The code of this name; `None` for a name that is not ours.
             pub fn from_name(name: &str) -> Option<Self> {{
                 let found = Self::ALL.binary_search_by(|code| code.name().cmp(name));
                 found.ok().map(|at| Self::ALL[at])
             }}
         }}

         impl fmt::Display for ErrorCode {{
             fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{ f.write_str(self.name()) }}
         }}
        ",
        all = variants
            .lines()
            .map(|name| format!("Self::{name}"))
            .collect::<String>(),
        faults = faults.join(" | "),
    ))
}

//! The cluster query language: which container instances a `memberOf` constraint or the
//! filter of ListContainerInstances means (`placement.md` §2).
//!
//! [`Expression::parse`] reads a text once, [`Expression::matches`] asks an instance, which
//! is whatever has [`Subjects`]. Parsing is recursive descent over characters, because what a
//! character means depends on where it stands: an attribute's name ends at `=`, a value at a
//! blank.
//!
//! Precedence: `not` binds tightest, then `and`, then `or`. Word operators are lower case.
//! An attribute that is absent, or has no value, matches no comparison, `!=`, `!in` and `!~`
//! included; `not(attribute:x == y)` does match there. `task:group` asks whether **some** task
//! on the instance has such a group.
//!
//! `=~` means a full match, as of `java.util.regex.Pattern.matches()`, with the crate `regex`,
//! whose time is linear in the value: see [`pattern`] for the differences.

mod evaluate;
mod operand;
mod operator;
mod parse;
pub mod pattern;
mod scanner;

use model::Timestamp;

pub use parse::ParseError;

use parse::Node;

/// What an expression asks of a container instance.
pub trait Subjects {
    /// `None`: the instance does not have the attribute. `Some(None)`: it has no value.
    fn attribute(&self, name: &str) -> Option<Option<&str>>;
    /// Whether the group of some task that is not stopped passes.
    fn any_task_group(&self, pass: &mut dyn FnMut(&str) -> bool) -> bool;
    fn agent_connected(&self) -> bool;
    /// `X.Y.Z`; empty when unknown.
    fn agent_version(&self) -> &str;
    fn ec2_instance_id(&self) -> Option<&str>;
    fn registered_at(&self) -> Timestamp;
    fn running_tasks_count(&self) -> u32;
}

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    root: Node,
}

impl Expression {
    /// Reads an expression of at most 2000 characters.
    ///
    /// # Errors
    /// The first mistake, with its place and what was expected there.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Ok(Self {
            text: text.to_owned(),
            root: parse::parse(text)?,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does the instance satisfy it?
    pub fn matches(&self, instance: &impl Subjects) -> bool {
        self.root.matches(instance)
    }

    /// Depends on nothing but attributes and whether the agent is connected: instances that
    /// are alike in these get one verdict.
    pub fn asks_attributes_only(&self) -> bool {
        self.root.asks_attributes_only()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

#[cfg(test)]
mod tests;

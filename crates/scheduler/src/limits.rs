//! The limits that the scheduler holds to, with source and date; `control::limits` names them among
//! all others.

/// Characters of an expression (PlacementConstraint reference, 2026-08).
pub const EXPRESSION_CHARS_MAX: usize = 2000;
/// Parentheses and negations within each other in an expression: evaluation descends as deep
/// (ours, 2026-10).
pub const EXPRESSION_NESTING_MAX: usize = 100;
/// Characters of the name of an attribute (Attribute reference, 2026-08).
pub const ATTRIBUTE_NAME_CHARS_MAX: usize = 128;
/// Host ports of one protocol in use on one host, reserved ones included (RunTask reference and
/// `placement.md` §6, 2026-08).
pub const HOST_PORTS_MAX: usize = 100;
/// Placement strategy rules of a call (RunTask reference, 2026-08).
pub const STRATEGIES_MAX: usize = 5;

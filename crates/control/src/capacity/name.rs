//! The names of capacity providers, and the providers behind them.

use std::sync::Arc;

use crate::cx::Settings;
use crate::error::OpError;
use crate::identifier::{is_name, own_path};
use crate::record::CapacityProvider;
use crate::record::capacity_provider::is_predefined;
use crate::state::State;

/// No name of one's own begins with these, in any letter case.
const RESERVED_PREFIXES: [&str; 3] = ["aws", "ecs", "fargate"];

/// The name in a name or ARN, whether there is such a provider or not.
pub(crate) fn named(settings: &Settings, text: &str) -> Result<String, OpError> {
    let path = own_path(settings, text, "capacity-provider")?;
    Ok(path.unwrap_or_else(|| text.to_owned()))
}

/// A name that a new provider may have.
pub(crate) fn check_new(name: &str) -> Result<(), OpError> {
    let is_reserved = |prefix: &&str| {
        let start = name.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if is_name(name) && !RESERVED_PREFIXES.iter().any(is_reserved) {
        return Ok(());
    }
    Err(OpError::client(
        "The specified capacity provider name is invalid. Up to 255 characters are allowed, \
         including letters (upper and lowercase), numbers, underscores, and hyphens. The name \
         cannot be prefixed with \"aws\", \"ecs\", or \"fargate\".",
    ))
}

/// An ACTIVE provider that a caller may change or delete.
pub(crate) fn changeable(
    state: &State,
    settings: &Settings,
    text: Option<&str>,
) -> Result<Arc<CapacityProvider>, OpError> {
    let text = text.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| OpError::client("Capacity provider can not be blank."))?;
    let name = named(settings, text)?;
    if is_predefined(&name) {
        return Err(OpError::client(format!(
            "The capacity provider {name} always exists. It can only be associated with clusters."
        )));
    }
    let found = state.capacity_providers().get(&name);
    let found = found.filter(|provider| provider.is_active());
    found.cloned().ok_or_else(|| OpError::client(NOT_FOUND))
}

pub(crate) const NOT_FOUND: &str = "The specified capacity provider does not exist. Specify a \
                                    valid name or ARN and try again.";

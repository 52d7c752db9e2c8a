//! Secrets, of containers and of their logs (`task-lifecycle.md` §8).

use std::collections::BTreeSet;

use model::Arn;
use model::shapes::{ContainerDefinition, Secret, TaskDefinition};

use super::is_blank;
use crate::error::OpError;

pub(super) fn check(
    shape: &TaskDefinition,
    container: &ContainerDefinition,
) -> Result<(), OpError> {
    let name = container.name.as_deref().unwrap_or_default();
    let secrets = container.secrets.as_deref().unwrap_or_default();
    let log = container.log_configuration.as_ref();
    let options = log.and_then(|log| log.secret_options.as_deref());
    let options = options.unwrap_or_default();
    for (member, list) in [("secrets", secrets), ("secretOptions", options)] {
        check_list(list, name, member)?;
    }
    let is_given = !secrets.is_empty() || !options.is_empty();
    if is_given && is_blank(shape.execution_role_arn.as_deref()) {
        return Err(OpError::client(
            "When you are specifying container secrets, you must also specify a value for \
             'executionRoleArn'.",
        ));
    }
    check_unique(container, secrets)
}

fn check_list(secrets: &[Secret], container: &str, member: &str) -> Result<(), OpError> {
    for secret in secrets {
        let (name, from) = (secret.name.as_deref(), secret.value_from.as_deref());
        if is_blank(name) || is_blank(from) {
            let text = format!("The {member} of container '{container}' need name and valueFrom.");
            return Err(OpError::client(text));
        }
        let from = from.unwrap_or_default();
        if !is_source(from) {
            return Err(OpError::client(format!(
                "The {member} of container '{container}' name '{from}', which is neither the ARN \
                 of a secret or a parameter nor the name of a parameter."
            )));
        }
    }
    Ok(())
}

/// A secret's ARN with up to three parts behind it, a parameter's ARN, or a parameter's name.
pub(super) fn is_source(text: &str) -> bool {
    if !text.starts_with("arn:") {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        return text.chars().all(is_allowed);
    }
    let Ok(arn) = text.parse::<Arn>() else {
        return false;
    };
    let parts: Vec<&str> = arn.resource.split(':').collect();
    match &*arn.service {
        "secretsmanager" => {
            parts[0] == "secret" && parts.get(1).is_some_and(|name| !name.is_empty())
                // Key, stage and version come all three or not at all.
                && matches!(parts.len(), 2 | 5)
        }
        "ssm" => arn
            .resource
            .strip_prefix("parameter/")
            .is_some_and(|name| !name.is_empty()),
        _ => false,
    }
}

/// A name means one thing among secrets and variables.
fn check_unique(container: &ContainerDefinition, secrets: &[Secret]) -> Result<(), OpError> {
    let mut names = BTreeSet::new();
    let variables = container.environment.iter().flatten();
    names.extend(variables.filter_map(|pair| pair.name.as_deref()));
    let mut given = secrets.iter().filter_map(|secret| secret.name.as_deref());
    match given.find(|name| !names.insert(*name)) {
        None => Ok(()),
        Some(name) => Err(OpError::client(format!(
            "The secret name must be unique and not shared with any new or existing environment \
             variables set on the container, such as '{name}'."
        ))),
    }
}

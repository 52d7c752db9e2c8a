//! Attributes of container instances: what names and values may be, and which of them
//! belong to the caller (`placement.md` §3).

use model::shapes::Attribute;

use crate::error::OpError;
use crate::limits::{ATTRIBUTE_NAME_CHARS_MAX, ATTRIBUTE_VALUE_CHARS_MAX, CUSTOM_ATTRIBUTES_MAX};

pub(crate) const ZONE: &str = "ecs.availability-zone";
pub(crate) const ARCHITECTURE: &str = "ecs.cpu-architecture";
pub(crate) const INSTANCE_TYPE: &str = "ecs.instance-type";
pub(crate) const IMAGE: &str = "ecs.ami-id";
/// Marks instances that only launch type EXTERNAL uses (`placement.md` §1).
pub(crate) const EXTERNAL: &str = "ecs.capability.external";
/// The instance that is this whole machine.
pub(crate) const LOCAL: &str = "longshore.local";

/// Attributes of these families are set at registration only.
const BUILT_IN: [&str; 3] = ["ecs.", "com.amazonaws.ecs.", "longshore."];
const CAPABILITY_FAMILIES: [&str; 2] = ["ecs.capability.", "com.amazonaws.ecs.capability."];

/// What the server's own agent can do, as capabilities that definitions require.
pub(crate) const CAPABILITIES: [&str; 26] = [
    // An image with a name of ECR may stand in the host's own store.
    "com.amazonaws.ecs.capability.ecr-auth",
    // Whatever the driver, lines go to the log store.
    "com.amazonaws.ecs.capability.logging-driver.awsfirelens",
    "com.amazonaws.ecs.capability.logging-driver.awslogs",
    "com.amazonaws.ecs.capability.logging-driver.fluentd",
    "com.amazonaws.ecs.capability.logging-driver.gelf",
    "com.amazonaws.ecs.capability.logging-driver.journald",
    "com.amazonaws.ecs.capability.logging-driver.json-file",
    "com.amazonaws.ecs.capability.logging-driver.splunk",
    "com.amazonaws.ecs.capability.logging-driver.syslog",
    "com.amazonaws.ecs.capability.privileged-container",
    "com.amazonaws.ecs.capability.task-iam-role",
    "com.amazonaws.ecs.capability.task-iam-role-network-host",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.docker-plugin.local",
    // RunTask has looked the file system up in the configuration.
    "ecs.capability.efs",
    "ecs.capability.efsAuth",
    "ecs.capability.env-files.s3",
    "ecs.capability.execution-role-awslogs",
    "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.pid-ipc-namespace-sharing",
    "ecs.capability.private-registry-authentication.secretsmanager",
    "ecs.capability.secrets.asm.environment-variables",
    "ecs.capability.secrets.ssm.environment-variables",
    "ecs.capability.task-cpu-mem-limit",
    "ecs.capability.task-eni",
];

pub(crate) fn attribute(name: &str, value: Option<&str>) -> Attribute {
    Attribute {
        name: Some(name.to_owned()),
        value: value.map(str::to_owned),
        ..Attribute::default()
    }
}

pub(crate) fn name_of(attribute: &Attribute) -> &str {
    attribute.name.as_deref().unwrap_or_default()
}

/// Is this an attribute that callers may put and delete?
pub(crate) fn is_custom(name: &str) -> bool {
    !BUILT_IN.iter().any(|family| name.starts_with(family))
}

pub(crate) fn is_capability(name: &str) -> bool {
    let mut families = CAPABILITY_FAMILIES.iter();
    families.any(|family| name.starts_with(family))
}

/// A name and, if there is one, a value of the permitted form.
pub(crate) fn check(attribute: &Attribute) -> Result<(), OpError> {
    check_name(name_of(attribute))?;
    attribute.value.as_deref().map_or(Ok(()), check_value)
}

pub(crate) fn check_name(name: &str) -> Result<(), OpError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_/\\.".contains(c);
    if (1..=ATTRIBUTE_NAME_CHARS_MAX).contains(&name.chars().count()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(OpError::invalid_parameter(format!(
        "An attribute name must have 1 to {ATTRIBUTE_NAME_CHARS_MAX} letters, digits, hyphens, \
         underscores, slashes, backslashes or periods, but was '{name}'."
    )))
}

pub(crate) fn check_value(value: &str) -> Result<(), OpError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.@/\\: ".contains(c);
    let length = value.chars().count();
    if (1..=ATTRIBUTE_VALUE_CHARS_MAX).contains(&length)
        && value.chars().all(allowed)
        && value.trim() == value
    {
        return Ok(());
    }
    Err(OpError::invalid_parameter(format!(
        "An attribute value must have 1 to {ATTRIBUTE_VALUE_CHARS_MAX} letters, digits, hyphens, \
         underscores, periods, at signs, slashes, backslashes, colons or inner blanks, but was \
         '{value}'."
    )))
}

/// The caller may set or remove it.
pub(crate) fn check_custom(name: &str) -> Result<(), OpError> {
    if is_custom(name) {
        return Ok(());
    }
    Err(OpError::invalid_parameter(format!(
        "Attribute {name} is set when the instance registers. Names that begin with {} are \
         reserved.",
        BUILT_IN.join(", ")
    )))
}

/// Does the instance have more attributes of the caller's than it may have?
pub(crate) fn too_many(attributes: &[Attribute]) -> bool {
    let custom = attributes.iter().filter(|one| is_custom(name_of(one)));
    custom.count() > CUSTOM_ATTRIBUTES_MAX
}

/// Gives a known name the new value in its old place, or appends the attribute.
pub(crate) fn set(attributes: &mut Vec<Attribute>, new: Attribute) {
    match attributes.iter_mut().find(|known| known.name == new.name) {
        Some(known) => known.value = new.value,
        None => attributes.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn checks(name: &str, value: Option<&str>, accepted: bool) {
        assert_eq!(check(&attribute(name, value)).is_ok(), accepted);
    }

    #[test]
    fn names_and_values_have_128_characters_of_a_small_set() {
        checks(&"a".repeat(128), Some(&"b".repeat(128)), true);
        checks(&"a".repeat(129), None, false);
        checks("a", Some(&"b".repeat(129)), false);
        checks("", None, false);
        checks("a", Some(""), false);
        checks(r"a-B_9/\.", Some(r"a-B_9/\.@: z"), true);
        checks("a:b", None, false);
        checks("a b", None, false);
        checks("a", Some("b,c"), false);
        checks("a", Some(" b"), false);
        checks("a", Some("b "), false);
        checks("ü", None, false);
    }

    #[test]
    fn some_families_of_names_are_reserved() {
        for name in [
            "ecs.os-type",
            "com.amazonaws.ecs.capability.x",
            "longshore.local",
        ] {
            assert!(check_custom(name).is_err(), "{name}");
        }
        for name in ["stack", "ecs", "com.amazonaws.other", "ecsx"] {
            assert!(check_custom(name).is_ok(), "{name}");
        }
        assert!(is_capability("ecs.capability.task-eni"));
        assert!(!is_capability("ecs.os-type"));
    }
}

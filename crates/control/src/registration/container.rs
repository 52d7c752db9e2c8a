//! Checks of one container, and the defaults that a description shows.

use std::ops::RangeInclusive;

use model::shapes::{ContainerDefinition, HealthCheck, UlimitName};

use super::{kernel, logs};
use crate::environment;
use crate::error::OpError;
use crate::identifier::is_name;
use crate::limits::{
    CONTAINER_MEMORY_MIB_MIN, HEALTH_INTERVAL_SECONDS, HEALTH_RETRIES, HEALTH_START_PERIOD_SECONDS,
    HEALTH_TIMEOUT_SECONDS, RESTART_IGNORED_CODES_MAX, RESTART_PERIOD_SECONDS,
};

pub(super) fn check(container: &ContainerDefinition) -> Result<(), OpError> {
    let name = container.name.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Err(OpError::client(
            "Container.name should not be null or empty.",
        ));
    }
    if !is_name(name) {
        return Err(OpError::client(format!(
            "Container name '{name}' may hold 1 to 255 letters, digits, hyphens and underscores."
        )));
    }
    if container
        .image
        .as_deref()
        .unwrap_or_default()
        .trim()
        .is_empty()
    {
        return Err(OpError::client(
            "Container.image should not be null or empty.",
        ));
    }
    check_sizes(container, name)?;
    check_environment(container, name)?;
    check_timeouts(container, name)?;
    check_ulimits(container)?;
    container
        .health_check
        .as_ref()
        .map_or(Ok(()), |check| check_health(check, name))?;
    logs::check(container)?;
    kernel::check_container(container)?;
    check_restart_policy(container, name)
}

fn check_sizes(container: &ContainerDefinition, name: &str) -> Result<(), OpError> {
    if container.cpu.is_some_and(|cpu| cpu < 0) {
        return Err(OpError::client(format!(
            "Invalid 'cpu' setting for container '{name}'."
        )));
    }
    let sizes = [
        ("memory", container.memory),
        ("memoryReservation", container.memory_reservation),
    ];
    for (member, size) in sizes {
        if size.is_some_and(|size| size < CONTAINER_MEMORY_MIB_MIN) {
            return Err(OpError::client(format!(
                "Invalid '{member}' setting for container '{name}': at least \
                 {CONTAINER_MEMORY_MIB_MIN} MiB are needed."
            )));
        }
    }
    match (container.memory, container.memory_reservation) {
        (Some(memory), Some(reservation)) if memory <= reservation => {
            Err(OpError::client(format!(
                "Invalid setting for container '{name}': 'memory' must be greater than \
             'memoryReservation'."
            )))
        }
        _ => Ok(()),
    }
}

fn check_environment(container: &ContainerDefinition, name: &str) -> Result<(), OpError> {
    let variables = container.environment.as_deref().unwrap_or_default();
    let files = container.environment_files.as_deref().unwrap_or_default();
    let problem = environment::problem(variables).or_else(|| environment::files_problem(files));
    if let Some(problem) = problem {
        return Err(OpError::client(format!("Container '{name}' {problem}.")));
    }
    Ok(())
}

fn check_timeouts(container: &ContainerDefinition, name: &str) -> Result<(), OpError> {
    let timeouts = [
        ("startTimeout", container.start_timeout),
        ("stopTimeout", container.stop_timeout),
    ];
    match timeouts
        .iter()
        .find(|(_, seconds)| seconds.is_some_and(|seconds| seconds < 0))
    {
        Some((member, _)) => Err(OpError::client(format!(
            "Invalid '{member}' setting for container '{name}'."
        ))),
        None => Ok(()),
    }
}

fn check_ulimits(container: &ContainerDefinition) -> Result<(), OpError> {
    for ulimit in container.ulimits.iter().flatten() {
        let name = ulimit
            .name
            .as_ref()
            .map(UlimitName::as_str)
            .unwrap_or_default();
        if !UlimitName::VALUES.contains(&name) {
            return Err(OpError::client(format!("Unknown ulimit '{name}'.")));
        }
        let (Some(soft), Some(hard)) = (ulimit.soft_limit, ulimit.hard_limit) else {
            let text = format!("Ulimit {name} needs both a soft and a hard limit.");
            return Err(OpError::client(text));
        };
        // -1 means unlimited.
        if soft < -1 || hard < -1 {
            let text = format!("Ulimit {name} takes numbers from 0 up, and -1 for no limit.");
            return Err(OpError::client(text));
        }
        if hard >= 0 && (soft > hard || soft < 0) {
            let text = format!("Soft limit exceeds hard limit for ulimit {name}");
            return Err(OpError::client(text));
        }
    }
    Ok(())
}

fn check_health(check: &HealthCheck, name: &str) -> Result<(), OpError> {
    let command = check.command.as_deref().unwrap_or_default();
    if command.is_empty() || matches!(command, [word] if word == "CMD" || word == "CMD-SHELL") {
        return Err(OpError::client(format!(
            "Container '{name}' has a health check without a command."
        )));
    }
    let bounds: [(&str, Option<i32>, RangeInclusive<i32>); 4] = [
        ("interval", check.interval, HEALTH_INTERVAL_SECONDS),
        ("timeout", check.timeout, HEALTH_TIMEOUT_SECONDS),
        ("retries", check.retries, HEALTH_RETRIES),
        (
            "startPeriod",
            check.start_period,
            HEALTH_START_PERIOD_SECONDS,
        ),
    ];
    match bounds
        .iter()
        .find(|(_, value, range)| value.is_some_and(|v| !range.contains(&v)))
    {
        Some((member, _, range)) => Err(OpError::client(format!(
            "The health check '{member}' of container '{name}' must be between {} and {}.",
            range.start(),
            range.end()
        ))),
        None => Ok(()),
    }
}

fn check_restart_policy(container: &ContainerDefinition, name: &str) -> Result<(), OpError> {
    let Some(policy) = &container.restart_policy else {
        return Ok(());
    };
    if policy.enabled.is_none() {
        let text = format!("The restartPolicy of container '{name}' needs 'enabled'.");
        return Err(OpError::client(text));
    }
    if policy
        .restart_attempt_period
        .is_some_and(|period| !RESTART_PERIOD_SECONDS.contains(&period))
    {
        return Err(OpError::client(format!(
            "the 'restartAttemptPeriod' setting for container '{name}' must be between {} and {}",
            RESTART_PERIOD_SECONDS.start(),
            RESTART_PERIOD_SECONDS.end()
        )));
    }
    if policy
        .ignored_exit_codes
        .as_ref()
        .is_some_and(|codes| codes.len() > RESTART_IGNORED_CODES_MAX)
    {
        let text = format!(
            "Container '{name}' can have at most {RESTART_IGNORED_CODES_MAX} ignoredExitCodes."
        );
        return Err(OpError::client(text));
    }
    Ok(())
}

/// What DescribeTaskDefinition shows for members the caller left out.
pub(super) fn fill_defaults(container: &mut ContainerDefinition) {
    container.essential.get_or_insert(true);
    container.cpu.get_or_insert(0);
    container.environment.get_or_insert_default();
    container.mount_points.get_or_insert_default();
    container.volumes_from.get_or_insert_default();
    container.port_mappings.get_or_insert_default();
    container.system_controls.get_or_insert_default();
    if let Some(check) = &mut container.health_check {
        check.interval.get_or_insert(30);
        check.timeout.get_or_insert(5);
        check.retries.get_or_insert(3);
    }
}

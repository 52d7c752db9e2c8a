//! Log configurations and FireLens routers (`task-lifecycle.md` §9).

use model::shapes::{
    ContainerDefinition, FirelensConfiguration, FirelensConfigurationType, LogConfiguration,
    LogDriver, TaskDefinition,
};

use super::word;
use crate::error::OpError;

pub(super) fn check(container: &ContainerDefinition) -> Result<(), OpError> {
    if let Some(log) = &container.log_configuration {
        check_log(log)?;
    }
    let router = container.firelens_configuration.as_ref();
    router.map_or(Ok(()), check_router)
}

fn check_log(log: &LogConfiguration) -> Result<(), OpError> {
    let Some(driver) = &log.log_driver else {
        return Err(OpError::client("Log driver should not be null or empty."));
    };
    word("logDriver", Some(driver.as_str()), LogDriver::VALUES)?;
    let required: &[&str] = match driver {
        LogDriver::Awslogs => &["awslogs-region", "awslogs-group"],
        LogDriver::Splunk => &["splunk-token", "splunk-url"],
        _ => &[],
    };
    if !required.iter().all(|key| has(log, key)) {
        let required = required.join(", ");
        let text = format!("Log driver {driver} requires options: {required}");
        return Err(OpError::client(text));
    }
    let mode = log.options.as_ref().and_then(|options| options.get("mode"));
    word(
        "mode",
        mode.map(String::as_str),
        &["blocking", "non-blocking"],
    )
}

/// An option may be given openly, or as a secret.
fn has(log: &LogConfiguration, key: &str) -> bool {
    let mut secrets = log.secret_options.iter().flatten();
    let options = log.options.as_ref();
    options.is_some_and(|options| options.contains_key(key))
        || secrets.any(|secret| secret.name.as_deref() == Some(key))
}

fn check_router(router: &FirelensConfiguration) -> Result<(), OpError> {
    let kind = router.r#type.as_ref().map_or("", |kind| kind.as_str());
    word(
        "firelensConfiguration.type",
        Some(kind),
        FirelensConfigurationType::VALUES,
    )?;
    let options = router.options.as_ref();
    let source = options.and_then(|options| options.get("config-file-type"));
    word(
        "config-file-type",
        source.map(String::as_str),
        &["s3", "file"],
    )
}

/// Logs that go through FireLens need the one container that routes them.
pub(super) fn check_together(shape: &TaskDefinition) -> Result<(), OpError> {
    let containers = shape.container_definitions.as_deref().unwrap_or_default();
    let is_router = |one: &&ContainerDefinition| one.firelens_configuration.is_some();
    let routers = containers.iter().filter(is_router).count();
    if routers > 1 {
        let text = "At most one container can have a firelensConfiguration.";
        return Err(OpError::client(text));
    }
    let mut logs = containers
        .iter()
        .filter_map(|one| one.log_configuration.as_ref());
    let is_routed = logs.any(|log| log.log_driver == Some(LogDriver::Awsfirelens));
    if is_routed && routers == 0 {
        return Err(OpError::client(
            "Log driver awsfirelens requires a container with a firelensConfiguration.",
        ));
    }
    Ok(())
}

//! `platformVersion`: which ones there are, and what the older one cannot do (`run-task.md` §2,
//! §7; `task-lifecycle.md` §4; `placement.md` §7.7). Not even 1.4.0 can do here all that a
//! definition may ask for, but a caller is told what AWS tells first.

use model::errors::ErrorCode;
use model::shapes::{ContainerDefinition, CpuArchitecture, TaskOverride};

use crate::assignment::{Size, chosen_size};
use crate::error::OpError;
use crate::limits::{
    PLATFORM_1_3_CPU_UNITS_MAX, PLATFORM_VERSIONS_LINUX, PLATFORM_VERSIONS_WINDOWS,
};
use crate::record::Definition;
use crate::record::capacity_provider::FARGATE_SPOT;
use crate::record::cluster::StrategyItem;
use crate::record::task::LaunchType;

/// The version that can do less.
const OLD: &str = "1.3.0";

/// The resolved number for Fargate, nothing for the others.
pub(crate) fn version(
    asked: Option<&str>,
    launch_type: LaunchType,
    definition: &Definition,
) -> Result<Option<String>, OpError> {
    if launch_type != LaunchType::Fargate {
        return match asked {
            None => Ok(None),
            Some(_) => Err(OpError::invalid_parameter(
                "The platform version must be null when specifying an EC2 launch type.",
            )),
        };
    }
    let (own, others) = match definition.is_windows() {
        true => (&PLATFORM_VERSIONS_WINDOWS[..], &PLATFORM_VERSIONS_LINUX[..]),
        false => (&PLATFORM_VERSIONS_LINUX[..], &PLATFORM_VERSIONS_WINDOWS[..]),
    };
    match asked {
        None | Some("LATEST") => Ok(Some(own[0].to_owned())),
        Some(asked) if own.contains(&asked) => Ok(Some(asked.to_owned())),
        Some(asked) if others.contains(&asked) => Err(incompatible()),
        Some(asked) => {
            let text = format!("Unknown platform version: {asked}");
            Err(OpError::new(ErrorCode::PlatformUnknownException, text))
        }
    }
}

/// Whether the version can do what the task needs.
pub(crate) fn check(
    version: Option<&str>,
    overrides: Option<&TaskOverride>,
    definition: &Definition,
    strategy: &[StrategyItem],
) -> Result<(), OpError> {
    let on_spot = strategy.iter().any(|item| item.provider == FARGATE_SPOT);
    let is_too_old = version == Some(OLD) && needs_newest(overrides, definition);
    if is_too_old || (on_spot && definition.is_windows()) {
        return Err(incompatible());
    }
    Ok(())
}

fn needs_newest(overrides: Option<&TaskOverride>, definition: &Definition) -> bool {
    let shape = &definition.shape;
    let cpu = chosen_size(overrides, definition, Size::Cpu).unwrap_or_default();
    let overridden = overrides.and_then(|one| one.ephemeral_storage.as_ref());
    let platform = shape.runtime_platform.as_ref();
    let architecture = platform.and_then(|platform| platform.cpu_architecture.as_ref());
    let mut volumes = shape.volumes.iter().flatten();
    let secrets = |container: &ContainerDefinition| {
        let mut secrets = container.secrets.iter().flatten();
        secrets.any(|secret| is_part(secret.value_from.as_deref().unwrap_or_default()))
    };
    cpu > PLATFORM_1_3_CPU_UNITS_MAX
        || overridden.or(shape.ephemeral_storage.as_ref()).is_some()
        || architecture == Some(&CpuArchitecture::Arm64)
        || shape.pid_mode.is_some()
        || volumes.any(|volume| volume.efs_volume_configuration.is_some())
        || definition.containers().iter().any(secrets)
        || definition.containers().iter().any(asks_the_kernel)
}

/// For a capability more, or for memory as a folder.
fn asks_the_kernel(container: &ContainerDefinition) -> bool {
    container.linux_parameters.as_ref().is_some_and(|linux| {
        let capabilities = linux.capabilities.as_ref();
        let mut added = capabilities.and_then(|one| one.add.as_deref()).into_iter();
        let mut tmpfs = linux.tmpfs.iter();
        added.any(|list| !list.is_empty()) || tmpfs.any(|list| !list.is_empty())
    })
}

/// One key or version of a secret: `…:secret:NAME:KEY:STAGE:VERSION`.
fn is_part(secret: &str) -> bool {
    secret.contains(":secretsmanager:") && secret.split(':').count() > 7
}

fn incompatible() -> OpError {
    OpError::new(
        ErrorCode::PlatformTaskDefinitionIncompatibilityException,
        "One or more of the requested capabilities are not supported.",
    )
}

//! Checks of `networkConfiguration` by network mode (`run-task.md` §5.3).

use model::payload::NetworkMode;
use model::shapes::{self, AssignPublicIp, AwsVpcConfiguration, NetworkConfiguration};

use crate::error::OpError;
use crate::limits::{SECURITY_GROUPS_MAX, SUBNETS_MAX};
use crate::record::Definition;
use crate::record::task::LaunchType;

/// The mode of the definition; bridge where it names none.
pub(crate) fn mode(definition: &Definition) -> NetworkMode {
    match &definition.shape.network_mode {
        Some(shapes::NetworkMode::Awsvpc) => NetworkMode::Awsvpc,
        Some(shapes::NetworkMode::Host) => NetworkMode::Host,
        Some(shapes::NetworkMode::None) => NetworkMode::None,
        Some(shapes::NetworkMode::Bridge | shapes::NetworkMode::Unknown(_)) | None => {
            NetworkMode::Bridge
        }
        Some(_) => NetworkMode::Bridge,
    }
}

/// Subnets and security groups are names here: any are accepted, none is looked up.
pub(crate) fn checked(
    given: Option<NetworkConfiguration>,
    mode: NetworkMode,
    launch_type: LaunchType,
) -> Result<Option<AwsVpcConfiguration>, OpError> {
    match (mode, given) {
        (NetworkMode::Awsvpc, given) => {
            let given = given.and_then(|given| given.awsvpc_configuration).ok_or_else(|| {
                OpError::invalid_parameter(
                    "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
                )
            })?;
            check_awsvpc(&given, launch_type)?;
            Ok(Some(given))
        }
        (_, None) => Ok(None),
        (_, Some(_)) => Err(OpError::invalid_parameter(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        )),
    }
}

fn check_awsvpc(given: &AwsVpcConfiguration, launch_type: LaunchType) -> Result<(), OpError> {
    let subnets = given.subnets.as_deref().unwrap_or_default();
    if subnets.is_empty() {
        return Err(OpError::invalid_parameter("subnets can not be empty."));
    }
    at_most("subnets", subnets, SUBNETS_MAX)?;
    let groups = given.security_groups.as_deref().unwrap_or_default();
    at_most("securityGroups", groups, SECURITY_GROUPS_MAX)?;
    match &given.assign_public_ip {
        Some(AssignPublicIp::Enabled) if launch_type != LaunchType::Fargate => Err(
            OpError::invalid_parameter("Assign public IP is not supported for this launch type."),
        ),
        Some(other) if !AssignPublicIp::VALUES.contains(&other.as_str()) => {
            let known = AssignPublicIp::VALUES.join(",");
            let text = format!("assignPublicIp should be one of [{known}], but was {other}.");
            Err(OpError::invalid_parameter(text))
        }
        _ => Ok(()),
    }
}

fn at_most(member: &str, list: &[String], max: usize) -> Result<(), OpError> {
    if list.len() <= max {
        Ok(())
    } else {
        Err(OpError::invalid_parameter(format!(
            "{member} can have at most {max} items."
        )))
    }
}

//! Checks of `networkConfiguration` by network mode (`run-task.md` §5.3).

use model::payload::NetworkMode;
use model::shapes::{AssignPublicIp, AwsVpcConfiguration, NetworkConfiguration};

use super::vpc;
use crate::cx::Settings;
use crate::error::{OpError, not_one_of};
use crate::limits::{SECURITY_GROUPS_MAX, SUBNETS_MAX};
use crate::record::Definition;
use crate::record::task::LaunchType;

/// The mode of the definition; bridge where it names none. Registration refuses other words.
pub(crate) fn mode(definition: &Definition) -> NetworkMode {
    match definition
        .shape
        .network_mode
        .as_ref()
        .map(|mode| mode.as_str())
    {
        Some("awsvpc") => NetworkMode::Awsvpc,
        Some("host") => NetworkMode::Host,
        Some("none") => NetworkMode::None,
        _ => NetworkMode::Bridge,
    }
}

/// The subnets of an awsvpc task, none for the other modes. Subnets and security groups are
/// names here, and looked up only where the operator has declared VPCs.
pub(crate) fn subnets(
    settings: &Settings,
    given: Option<NetworkConfiguration>,
    mode: NetworkMode,
    launch_type: LaunchType,
) -> Result<Vec<String>, OpError> {
    if mode != NetworkMode::Awsvpc {
        return match given {
            None => Ok(Vec::new()),
            Some(_) => Err(OpError::invalid_parameter(
                "Network Configuration is not valid for the given networkMode of this task \
                 definition.",
            )),
        };
    }
    let given = given.and_then(|given| given.awsvpc_configuration);
    let given = given.ok_or_else(|| {
        OpError::invalid_parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        )
    })?;
    check_awsvpc(&given, launch_type)?;
    vpc::check(settings, &given)?;
    Ok(given.subnets.unwrap_or_default())
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
            let known = AssignPublicIp::VALUES;
            let text = not_one_of("assignPublicIp", known, Some(other.as_str()));
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

/// The zones that tasks of a container instance's launch type may stand in. Empty, which is any,
/// when the zone of a subnet is not known; Fargate looks for room by itself.
pub(crate) fn zones(
    settings: &Settings,
    launch_type: LaunchType,
    subnets: &[String],
) -> Vec<String> {
    if launch_type == LaunchType::Fargate {
        return Vec::new();
    }
    let zones = subnets
        .iter()
        .map(|subnet| settings.subnet_zones.get(subnet));
    let zones = zones
        .map(Option::<&String>::cloned)
        .collect::<Option<Vec<_>>>();
    zones.unwrap_or_default()
}

/// The subnet for a task in this zone: those in it are used in turn, all where none is known to be.
pub(crate) fn subnet_in<'a>(
    settings: &Settings,
    subnets: &'a [String],
    zone: Option<&str>,
    turn: usize,
) -> Option<&'a String> {
    let zone_of = |subnet: &String| settings.subnet_zones.get(subnet).map(String::as_str);
    let is_there = |subnet: &&String| zone.is_some() && zone_of(subnet) == zone;
    let there: Vec<&String> = subnets.iter().filter(is_there).collect();
    if there.is_empty() {
        return subnets.get(turn.checked_rem(subnets.len())?);
    }
    there.get(turn % there.len()).copied()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{World, copies};

    /// Runs a definition of this network mode with these members of an awsvpc configuration.
    fn run(mode: &str, configuration: &str) -> String {
        let mut world = World::new();
        world.definition("app", mode);
        let body = format!(
            r#"{{"taskDefinition":"app","networkConfiguration":
                {{"awsvpcConfiguration":{{{configuration}}}}}}}"#
        );
        world.call("RunTask", &body)
    }

    const AWSVPC: &str = r#","networkMode":"awsvpc""#;

    #[track_caller]
    fn check(configuration: &str, expected: &str) {
        assert_eq!(
            run(AWSVPC, configuration),
            format!("InvalidParameterException: {expected}")
        );
    }

    #[test]
    fn awsvpc_needs_a_network_configuration() {
        let text = "InvalidParameterException: Network Configuration must be provided when \
                    networkMode 'awsvpc' is specified.";
        let mut world = World::new();
        world.definition("app", AWSVPC);
        world.refused("RunTask", r#"{"taskDefinition":"app"}"#, text);
        let empty = r#"{"taskDefinition":"app","networkConfiguration":{}}"#;
        world.refused("RunTask", empty, text);
    }

    #[test]
    fn the_other_modes_refuse_one() {
        let modes = ["bridge", "host", "none"].map(|mode| format!(r#","networkMode":"{mode}""#));
        for mode in modes.iter().map(String::as_str).chain([""]) {
            assert_eq!(
                run(mode, r#""subnets":["subnet-1"]"#),
                "InvalidParameterException: Network Configuration is not valid for the given \
                 networkMode of this task definition.",
                "{mode}"
            );
        }
    }

    #[test]
    fn one_to_sixteen_subnets() {
        check("", "subnets can not be empty.");
        check(r#""subnets":[]"#, "subnets can not be empty.");
        let subnets = |count| format!(r#""subnets":[{}]"#, copies(r#""subnet-1""#, count));
        assert!(run(AWSVPC, &subnets(16)).contains("taskArn"));
        check(&subnets(17), "subnets can have at most 16 items.");
    }

    #[test]
    fn up_to_five_security_groups() {
        let groups = |count| {
            let groups = copies(r#""sg-1""#, count);
            format!(r#""subnets":["subnet-1"],"securityGroups":[{groups}]"#)
        };
        assert!(run(AWSVPC, &groups(5)).contains("taskArn"));
        check(&groups(6), "securityGroups can have at most 5 items.");
    }

    #[test]
    fn public_addresses_are_for_fargate() {
        let assign = |word| format!(r#""subnets":["subnet-1"],"assignPublicIp":"{word}""#);
        check(
            &assign("ENABLED"),
            "Assign public IP is not supported for this launch type.",
        );
        assert!(run(AWSVPC, &assign("DISABLED")).contains("taskArn"));
        check(
            &assign("MAYBE"),
            "assignPublicIp should be one of [ENABLED,DISABLED], but was MAYBE.",
        );
        let mut world = World::with_app();
        let body = format!(
            r#"{{"taskDefinition":"web","launchType":"FARGATE","networkConfiguration":
                {{"awsvpcConfiguration":{{{}}}}}}}"#,
            assign("ENABLED")
        );
        assert_eq!(world.run(&body).len(), 1);
    }

    #[test]
    fn each_task_gets_an_interface_and_the_subnets_are_used_in_turn() {
        let mut world = World::with_app();
        let answer = world.ok("RunTask", &crate::testing::web(r#","count":3"#));
        let subnets = (0..3).map(|i| &answer["tasks"][i]["attachments"][0]["details"][0]["value"]);
        assert_eq!(
            subnets.collect::<Vec<_>>(),
            ["subnet-1", "subnet-2", "subnet-1"]
        );
        assert_eq!(
            answer["tasks"][0]["attachments"][0]["status"],
            json!("PRECREATED")
        );
        assert_eq!(answer["tasks"][0]["lastStatus"], json!("PROVISIONING"));
    }
}

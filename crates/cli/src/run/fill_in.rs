//! What a person need not say against a server of this machine. The API itself stays
//! strict.

use model::shapes::{
    AwsVpcConfiguration, Compatibility, ContainerDefinition, LaunchType, LogConfiguration,
    LogDriver, NetworkConfiguration, NetworkMode, RunTaskInput, TaskDefinition,
};

/// Any name is a subnet where there is no VPC.
const LOCAL_SUBNET: &str = "subnet-local";

/// Fills in launch type and subnet where the definition demands them and the user gave
/// none; returns what to say about it.
pub(super) fn fill_in(input: &mut RunTaskInput, definition: &TaskDefinition) -> Vec<String> {
    let mut said = Vec::new();
    if input.launch_type.is_none() && input.capacity_provider_strategy.is_none() {
        input.launch_type = demanded(definition);
        if let Some(launch_type) = &input.launch_type {
            said.push(format!(
                "launch type {launch_type}, from requiresCompatibilities"
            ));
        }
    }
    let is_awsvpc = definition.network_mode == Some(NetworkMode::Awsvpc);
    if is_awsvpc && input.network_configuration.is_none() {
        input.network_configuration = Some(NetworkConfiguration {
            awsvpc_configuration: Some(AwsVpcConfiguration {
                subnets: Some(vec![LOCAL_SUBNET.to_owned()]),
                ..AwsVpcConfiguration::default()
            }),
        });
        said.push(format!(
            "subnet {LOCAL_SUBNET}, because the network mode is awsvpc"
        ));
    }
    said
}

/// The only launch type that a definition is made for, unless that is the default.
fn demanded(definition: &TaskDefinition) -> Option<LaunchType> {
    match definition.requires_compatibilities.as_deref()? {
        [Compatibility::Fargate] => Some(LaunchType::Fargate),
        [Compatibility::External] => Some(LaunchType::External),
        _ => None,
    }
}

/// Members that our server leaves out without harm.
pub(super) fn not_honoured(definition: &TaskDefinition) -> Vec<String> {
    let mut members = Vec::new();
    if definition.execution_role_arn.is_some() {
        members.push("executionRoleArn".to_owned());
    }
    if definition.task_role_arn.is_some() {
        members.push("taskRoleArn".to_owned());
    }
    for container in definition.container_definitions.iter().flatten() {
        let name = container.name.as_deref().unwrap_or_default();
        members.extend(
            of_container(container)
                .into_iter()
                .map(|member| format!("{name}.{member}")),
        );
    }
    members
}

fn of_container(container: &ContainerDefinition) -> Vec<String> {
    let mappings = container.port_mappings.as_deref().unwrap_or_default();
    let named = mappings.iter().any(|mapping| mapping.name.is_some());
    let speaking = mappings
        .iter()
        .any(|mapping| mapping.app_protocol.is_some());
    let mut members = Vec::new();
    for (is_set, member) in [
        (named, "portMappings.name"),
        (speaking, "portMappings.appProtocol"),
        (
            container.version_consistency.is_some(),
            "versionConsistency",
        ),
    ] {
        if is_set {
            members.push(member.to_owned());
        }
    }
    if container.firelens_configuration.is_some() {
        members.push("firelensConfiguration (nobody sends the router lines)".to_owned());
    }
    let log = container.log_configuration.as_ref();
    members.extend(log.map(of_log).unwrap_or_default());
    members
}

/// The definition as our server logs it: lines of other drivers than `awslogs` are where they are
/// without any.
pub(super) fn with_our_logs(mut definition: TaskDefinition) -> TaskDefinition {
    for container in definition.container_definitions.iter_mut().flatten() {
        let log = container.log_configuration.take();
        container.log_configuration = log.filter(|log| log.log_driver == Some(LogDriver::Awslogs));
    }
    definition
}

fn of_log(log: &LogConfiguration) -> Vec<String> {
    if let Some(driver) = log.log_driver.as_ref()
        && *driver != LogDriver::Awslogs
    {
        return vec![format!("logDriver {driver} (lines come to the log store)")];
    }
    let honoured = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"];
    let options = log.options.iter().flat_map(|options| options.keys());
    options
        .filter(|key| !honoured.contains(&key.as_str()))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(definition: Value, given: Value, expected: Value, sentences: usize) {
        let definition = serde_json::from_value(definition).unwrap();
        let mut input = serde_json::from_value(given).unwrap();
        assert_eq!(fill_in(&mut input, &definition).len(), sentences);
        assert_eq!(serde_json::to_value(input).unwrap(), expected);
    }

    #[test]
    fn only_what_is_demanded_and_not_given_is_filled_in() {
        let fargate = json!({"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc"});
        let subnet = json!({"awsvpcConfiguration": {"subnets": ["subnet-local"]}});
        let filled = json!({"launchType": "FARGATE", "networkConfiguration": subnet});
        check(fargate.clone(), json!({}), filled, 2);
        let given = json!({"launchType": "EC2", "networkConfiguration": {}});
        check(fargate.clone(), given.clone(), given, 0);
        let strategy = json!({"capacityProviderStrategy": [], "networkConfiguration": {}});
        check(fargate, strategy.clone(), strategy, 0);
        let both = json!({"requiresCompatibilities": ["EC2", "FARGATE"]});
        check(both, json!({}), json!({}), 0);
        check(json!({}), json!({}), json!({}), 0);
    }

    #[test]
    fn what_is_left_out_is_listed() {
        let definition = json!({"taskRoleArn": "r", "containerDefinitions": [{
            "name": "app",
            "portMappings": [{"containerPort": 80, "name": "web"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "g", "awslogs-create-group": "true", "mode": "blocking"}}
        }]});
        let definition = serde_json::from_value(definition).unwrap();
        let expected = [
            "taskRoleArn",
            "app.portMappings.name",
            "app.awslogs-create-group",
            "app.mode",
        ];
        assert_eq!(not_honoured(&definition), expected);
    }

    #[test]
    fn lines_of_other_log_drivers_are_told_to_come_here() {
        let definition = json!({"containerDefinitions": [
            {"name": "app", "logConfiguration": {"logDriver": "awsfirelens",
                "options": {"Name": "es"}}},
            {"name": "router", "firelensConfiguration": {"type": "fluentbit"}}]});
        let definition = serde_json::from_value(definition).unwrap();
        let expected = [
            "app.logDriver awsfirelens (lines come to the log store)",
            "router.firelensConfiguration (nobody sends the router lines)",
        ];
        assert_eq!(not_honoured(&definition), expected);
        let shown = with_our_logs(definition);
        let containers = shown.container_definitions.unwrap();
        assert_eq!(containers[0].log_configuration, None);
    }
}

//! DescribeContainerInstances: up to 100 instances with what they have and what is left.

use std::collections::BTreeSet;

use model::shapes::{
    ContainerInstanceField, DescribeContainerInstancesInput, DescribeContainerInstancesOutput,
};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{active_cluster, container_instance_id};
use crate::limits::DESCRIBE_MAX;
use crate::view;
use crate::view::instance::Included;

pub(crate) fn describe_container_instances(
    cx: &ReadCx<'_>,
    input: DescribeContainerInstancesInput,
) -> Result<DescribeContainerInstancesOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    let asked = input.container_instances.unwrap_or_default();
    if asked.is_empty() {
        return Err(OpError::invalid_parameter(
            "Container instances cannot be empty.",
        ));
    }
    if asked.len() > DESCRIBE_MAX {
        let text = format!("instanceIds can have at most {DESCRIBE_MAX} items.");
        return Err(OpError::invalid_parameter(text));
    }
    let included = included(input.include.as_deref().unwrap_or_default())?;
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for text in &asked {
        let id = container_instance_id(cx.settings, &cluster.name, text)?;
        if !seen.insert(id) {
            continue;
        }
        let found = cx.state.instances().get(&id);
        match found.filter(|instance| instance.cluster == cluster.name) {
            Some(instance) => instances.push(view::instance::instance(cx, instance, included)),
            None => {
                let arn = cx.settings.instance_arn(&cluster.name, id);
                failures.push(view::missing(arn));
            }
        }
    }
    Ok(DescribeContainerInstancesOutput {
        container_instances: Some(instances),
        failures: Some(failures),
    })
}

fn included(fields: &[ContainerInstanceField]) -> Result<Included, OpError> {
    let mut included = Included::default();
    for field in fields {
        match field {
            ContainerInstanceField::Tags => included.tags = true,
            ContainerInstanceField::ContainerInstanceHealth => included.health = true,
            _ => {
                let text = "include should be one of [CONTAINER_INSTANCE_HEALTH,TAGS]";
                return Err(OpError::invalid_parameter(text));
            }
        }
    }
    Ok(included)
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::{Value, json};

    use crate::testing::{ARN, World, app, copies};

    const ABSENT: &str = "0123456789abcdef0123456789abcdef";

    fn resources(list: &Value) -> Vec<String> {
        let resources = list.as_array().unwrap().iter();
        let text = |one: &Value| {
            let value = match one["type"].as_str() {
                Some("INTEGER") => one["integerValue"].to_string(),
                _ => one["stringSetValue"].to_string(),
            };
            format!("{} {value}", one["name"].as_str().unwrap())
        };
        resources.map(text).collect()
    }

    #[test]
    fn what_is_left_is_true_after_each_placement_and_end() {
        let mut world = World::with_app();
        let ports = r#"{"name":"main","image":"i","memory":100,"cpu":10,"portMappings":[
            {"containerPort":80,"hostPort":8080},{"containerPort":5,"hostPort":5,"protocol":"udp"}]}"#;
        world.containers("app", ports, "");
        let id = world.state.instances().iter().next().unwrap().id;
        let body = format!(r#"{{"containerInstances":["{id}"]}}"#);
        let task = world.run(&app(""))[0];
        let shown = world.at("DescribeContainerInstances", &body, "/containerInstances/0");
        let registered = [
            "CPU 4096",
            "MEMORY 8192",
            r#"PORTS ["22","8327"]"#,
            "PORTS_UDP []",
        ];
        assert_eq!(resources(&shown["registeredResources"]), registered);
        assert_eq!(
            resources(&shown["remainingResources"]),
            [
                "CPU 4086",
                "MEMORY 8092",
                r#"PORTS ["22","8080","8327"]"#,
                r#"PORTS_UDP ["5"]"#
            ]
        );
        assert_eq!(
            (&shown["runningTasksCount"], &shown["pendingTasksCount"]),
            (&json!(0), &json!(1))
        );
        world.tell(task, HostStatus::Running);
        let shown = world.at("DescribeContainerInstances", &body, "/containerInstances/0");
        assert_eq!(
            (&shown["runningTasksCount"], &shown["pendingTasksCount"]),
            (&json!(1), &json!(0))
        );
        world.exit(task, 0);
        let shown = world.at("DescribeContainerInstances", &body, "/containerInstances/0");
        assert_eq!(resources(&shown["remainingResources"]), registered);
        assert_eq!(shown["agentConnected"], json!(true));
        assert_eq!(shown["status"], json!("ACTIVE"));
    }

    #[test]
    fn attributes_and_unknown_instances_are_told() {
        let mut world = World::new();
        let id = world.state.instances().iter().next().unwrap().id;
        let both = format!(
            r#"{{"containerInstances":["{id}","{ABSENT}","{ABSENT}"],"include":["TAGS","CONTAINER_INSTANCE_HEALTH"]}}"#
        );
        let answer = world.ok("DescribeContainerInstances", &both);
        let attributes = answer["containerInstances"][0]["attributes"]
            .as_array()
            .unwrap();
        let zone = json!({"name": "ecs.availability-zone", "value": "us-east-1a"});
        assert!(attributes.contains(&zone));
        let arn = format!("{ARN}:container-instance/default/{ABSENT}");
        assert_eq!(
            answer["failures"],
            json!([{"arn": arn, "reason": "MISSING"}])
        );
    }

    #[test]
    fn one_to_a_hundred_instances() {
        let mut world = World::new();
        let body = |count| {
            let ids = copies(&format!("\"{ABSENT}\""), count);
            format!(r#"{{"containerInstances":[{ids}]}}"#)
        };
        world.refused(
            "DescribeContainerInstances",
            &body(0),
            "InvalidParameterException: Container instances cannot be empty.",
        );
        world.ok("DescribeContainerInstances", &body(100));
        world.refused(
            "DescribeContainerInstances",
            &body(101),
            "InvalidParameterException: instanceIds can have at most 100 items.",
        );
        world.refused(
            "DescribeContainerInstances",
            r#"{"containerInstances":["abc"]}"#,
            "InvalidParameterException: containerInstanceId length should be one of [32,36]",
        );
    }
}

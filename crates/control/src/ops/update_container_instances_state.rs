//! UpdateContainerInstancesState: takes up to ten instances out of placement, or back in.
//! Tasks of RunTask on a DRAINING instance are left alone (`placement.md` §6).

use std::collections::BTreeSet;

use model::shapes::{
    ContainerInstanceStatus, Failure, UpdateContainerInstancesStateInput,
    UpdateContainerInstancesStateOutput,
};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{active_cluster, container_instance_id};
use crate::limits::UPDATE_INSTANCES_MAX;
use crate::record::Instance;
use crate::record::instance::InstanceStatus;
use crate::view;
use crate::view::instance::{Included, instance as shown};

pub(crate) fn update_container_instances_state(
    cx: &mut Cx<'_>,
    input: UpdateContainerInstancesStateInput,
) -> Result<UpdateContainerInstancesStateOutput, OpError> {
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let status = wanted(input.status.as_ref())?;
    let asked = input.container_instances.unwrap_or_default();
    if asked.is_empty() {
        let text = "Container instances cannot be empty.";
        return Err(OpError::invalid_parameter(text));
    }
    if asked.len() > UPDATE_INSTANCES_MAX {
        let text = format!("instanceIds can have at most {UPDATE_INSTANCES_MAX} items.");
        return Err(OpError::invalid_parameter(text));
    }
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for text in &asked {
        let id = container_instance_id(cx.settings, &cluster.name, text)?;
        if !seen.insert(id) {
            continue;
        }
        let arn = cx.settings.instance_arn(&cluster.name, id);
        let found = cx.state.instances().get(&id).cloned();
        match found.filter(|instance| instance.cluster == cluster.name) {
            None => failures.push(view::missing(arn)),
            Some(known) if known.status == InstanceStatus::Inactive => failures.push(Failure {
                arn: Some(arn),
                reason: Some("INACTIVE".to_owned()),
                detail: None,
            }),
            Some(known) => instances.push(change(cx, &known, status)),
        }
    }
    Ok(UpdateContainerInstancesStateOutput {
        container_instances: Some(instances),
        failures: Some(failures),
    })
}

fn wanted(status: Option<&ContainerInstanceStatus>) -> Result<InstanceStatus, OpError> {
    match status {
        Some(ContainerInstanceStatus::Active) => Ok(InstanceStatus::Active),
        Some(ContainerInstanceStatus::Draining) => Ok(InstanceStatus::Draining),
        _ => Err(OpError::invalid_parameter(
            "Container instance status should be one of [ACTIVE, DRAINING]",
        )),
    }
}

fn change(
    cx: &mut Cx<'_>,
    known: &Instance,
    status: InstanceStatus,
) -> model::shapes::ContainerInstance {
    if known.status == status {
        return shown(&cx.reading(), known, Included::TAGS);
    }
    let instance = cx.state.put_instance(Instance {
        status,
        version: known.version + 1,
        ..known.clone()
    });
    shown(&cx.reading(), &instance, Included::TAGS)
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::json;

    use crate::testing::{ARN, World, app, copies};

    const ABSENT: &str = "0123456789abcdef0123456789abcdef";

    fn update(ids: &str, status: &str) -> String {
        format!(r#"{{"containerInstances":[{ids}],"status":"{status}"}}"#)
    }

    #[test]
    fn a_draining_instance_takes_no_tasks_and_keeps_those_it_has() {
        let mut world = World::with_app();
        let id = world.state.instances().iter().next().unwrap().id;
        let task = world.run(&app(""))[0];
        world.tell(task, HostStatus::Running);
        let drain = update(&format!(r#""{id}""#), "DRAINING");
        let shown = world.at(
            "UpdateContainerInstancesState",
            &drain,
            "/containerInstances/0",
        );
        assert_eq!(shown["status"], json!("DRAINING"));
        assert_eq!(shown["version"], json!(2));
        assert_eq!(shown["runningTasksCount"], json!(1));
        world.refused(
            "RunTask",
            &app(""),
            "InvalidParameterException: No Container Instances were found in your cluster.",
        );
        let listed = r#"{"status":"DRAINING"}"#;
        let listed = world.at("ListContainerInstances", listed, "/containerInstanceArns/0");
        assert_eq!(listed, shown["containerInstanceArn"]);
        world.restart();
        let again = world.at(
            "UpdateContainerInstancesState",
            &drain,
            "/containerInstances/0",
        );
        assert_eq!(again["version"], json!(2), "nothing has changed");
        let back = update(&format!(r#""{id}""#), "ACTIVE");
        world.ok("UpdateContainerInstancesState", &back);
        assert_eq!(world.run(&app("")).len(), 1);
        assert_eq!(world.task(task).status.as_str(), "RUNNING");
    }

    #[test]
    fn instances_that_cannot_change_are_failures() {
        let mut world = World::with_app();
        let gone = world.add_instance("default", 1, 1);
        let body = format!(r#"{{"containerInstance":"{gone}"}}"#);
        world.ok("DeregisterContainerInstance", &body);
        let both = format!(r#""{gone}","{ABSENT}","{ABSENT}""#);
        let answer = world.ok("UpdateContainerInstancesState", &update(&both, "ACTIVE"));
        let arn = |id: &str| format!("{ARN}:container-instance/default/{id}");
        assert_eq!(
            answer,
            json!({"containerInstances": [], "failures": [
                {"arn": arn(&gone.to_string()), "reason": "INACTIVE"},
                {"arn": arn(ABSENT), "reason": "MISSING"},
            ]})
        );
    }

    #[test]
    fn bad_requests_are_refused() {
        let mut world = World::new();
        let mut check = |body: &str, expected: &str| {
            world.refused("UpdateContainerInstancesState", body, expected);
        };
        let absent = format!(r#""{ABSENT}""#);
        for status in ["INACTIVE", "REGISTERING", "MOON"] {
            check(
                &update(&absent, status),
                "InvalidParameterException: Container instance status should be one of \
                 [ACTIVE, DRAINING]",
            );
        }
        check(
            &format!(r#"{{"containerInstances":[{absent}]}}"#),
            "InvalidParameterException: Container instance status should be one of \
             [ACTIVE, DRAINING]",
        );
        check(
            &update("", "ACTIVE"),
            "InvalidParameterException: Container instances cannot be empty.",
        );
        check(
            &update(&copies(&absent, 11), "ACTIVE"),
            "InvalidParameterException: instanceIds can have at most 10 items.",
        );
        check(
            &update(r#""abc""#, "ACTIVE"),
            "InvalidParameterException: containerInstanceId length should be one of [32,36]",
        );
        world.ok(
            "UpdateContainerInstancesState",
            &update(&copies(&absent, 10), "ACTIVE"),
        );
    }
}

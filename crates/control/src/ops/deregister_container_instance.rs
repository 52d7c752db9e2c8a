//! DeregisterContainerInstance: an instance leaves its cluster (`placement.md` §6).
//!
//! What surprises: with `force` its tasks are STOPPED at once, before any container has ended.
//! A host of this server then ends the containers; another one may leave them running.

use model::shapes::{DeregisterContainerInstanceInput, DeregisterContainerInstanceOutput};

use crate::cx::Cx;
use crate::deregistration::deregister;
use crate::error::OpError;
use crate::identifier::active_cluster;
use crate::view::instance::{Included, find, instance as shown};

/// `stoppedReason` of the tasks.
const FORCED: &str = "Container instance deregistration forced by user";

pub(crate) fn deregister_container_instance(
    cx: &mut Cx<'_>,
    input: DeregisterContainerInstanceInput,
) -> Result<DeregisterContainerInstanceOutput, OpError> {
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let found = find(
        &cx.reading(),
        &cluster.name,
        input.container_instance.as_deref(),
    )?;
    let force = input.force == Some(true);
    if !force && cx.state.live_tasks_of(found.id).next().is_some() {
        let text = "Found running tasks on the instance.";
        return Err(OpError::invalid_parameter(text));
    }
    let instance = deregister(cx, &found, FORCED);
    Ok(DeregisterContainerInstanceOutput {
        container_instance: Some(shown(&cx.reading(), &instance, Included::TAGS)),
    })
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::json;

    use crate::testing::{World, app};

    fn deregister(id: impl std::fmt::Display, more: &str) -> String {
        format!(r#"{{"containerInstance":"{id}"{more}}}"#)
    }

    #[test]
    fn an_instance_without_tasks_goes_and_stays_describable_for_a_while() {
        let mut world = World::with_app();
        let id = world.add_instance("default", 1024, 1024);
        let gone = world.ok("DeregisterContainerInstance", &deregister(id, ""));
        assert_eq!(gone["containerInstance"]["status"], json!("INACTIVE"));
        assert_eq!(gone["containerInstance"]["agentConnected"], json!(false));
        let listed = world.ok("ListContainerInstances", "{}");
        assert_eq!(listed["containerInstanceArns"].as_array().unwrap().len(), 1);
        let body = format!(r#"{{"containerInstances":["{id}"]}}"#);
        let shown =
            |world: &mut World, pointer| world.at("DescribeContainerInstances", &body, pointer);
        world.restart();
        assert_eq!(
            shown(&mut world, "/containerInstances/0/status"),
            json!("INACTIVE")
        );
        world.pass_seconds(3599);
        world.sweep();
        assert_eq!(
            shown(&mut world, "/containerInstances/0/status"),
            json!("INACTIVE")
        );
        world.pass_seconds(1);
        world.sweep();
        assert_eq!(shown(&mut world, "/failures/0/reason"), json!("MISSING"));
        world.restart();
        assert_eq!(world.state.instances().len(), 1);
    }

    #[test]
    fn tasks_keep_an_instance_unless_it_is_forced() {
        let mut world = World::with_app();
        let id = world.state.instances().iter().next().unwrap().id;
        let task = world.run(&app(""))[0];
        world.tell(task, HostStatus::Running);
        world.refused(
            "DeregisterContainerInstance",
            &deregister(id, ""),
            "InvalidParameterException: Found running tasks on the instance.",
        );
        world.pass_seconds(1);
        let gone = world.at(
            "DeregisterContainerInstance",
            &deregister(id, r#","force":true"#),
            "/containerInstance",
        );
        assert_eq!(gone["runningTasksCount"], json!(0));
        assert_eq!(gone["remainingResources"], gone["registeredResources"]);
        let body = format!(r#"{{"tasks":["{task}"]}}"#);
        let shown = world.at("DescribeTasks", &body, "/tasks/0");
        assert_eq!(shown["lastStatus"], json!("STOPPED"));
        assert_eq!(shown["desiredStatus"], json!("STOPPED"));
        let reason = json!("Container instance deregistration forced by user");
        assert_eq!(shown["stoppedReason"], reason);
        assert_eq!(shown["containers"][0]["lastStatus"], json!("STOPPED"));
        let late = world.reported(task, HostStatus::Running);
        world.report(&late);
        assert_eq!(world.at("DescribeTasks", &body, "/tasks/0"), shown);
    }

    #[test]
    fn an_instance_that_is_gone_takes_no_tasks_and_cannot_go_again() {
        let mut world = World::with_app();
        let id = world.state.instances().iter().next().unwrap().id;
        world.ok("DeregisterContainerInstance", &deregister(id, ""));
        world.refused(
            "RunTask",
            &app(""),
            "InvalidParameterException: No Container Instances were found in your cluster.",
        );
        world.refused(
            "DeregisterContainerInstance",
            &deregister(id, r#","force":true"#),
            "InvalidParameterException: The referenced container instance was not found.",
        );
        world.ok("DeleteCluster", r#"{"cluster":"default"}"#);
    }

    #[test]
    fn what_is_not_there_cannot_go() {
        let mut world = World::new();
        let mut check = |body: &str, expected: &str| {
            world.refused("DeregisterContainerInstance", body, expected);
        };
        check(
            "{}",
            "InvalidParameterException: Container instance can not be blank.",
        );
        check(
            &deregister("abc", ""),
            "InvalidParameterException: containerInstanceId length should be one of [32,36]",
        );
        check(
            &deregister("0123456789abcdef0123456789abcdef", ""),
            "InvalidParameterException: The referenced container instance was not found.",
        );
        check(
            &deregister("x", r#","cluster":"nowhere""#),
            "ClusterNotFoundException: Cluster not found.",
        );
    }
}

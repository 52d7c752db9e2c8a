//! ListContainerInstances: pages of the ARNs of a cluster's instances, by status and by an
//! expression of the cluster query language (`placement.md` §2).

use model::ContainerInstanceId;
use model::shapes::{
    ContainerInstanceStatus, ListContainerInstancesInput, ListContainerInstancesOutput,
};

use crate::cx::ReadCx;
use crate::error::{OpError, not_one_of};
use crate::identifier::active_cluster;
use crate::launch::placement;
use crate::paging;
use crate::record::instance::InstanceStatus;

pub(crate) fn list_container_instances(
    cx: &ReadCx<'_>,
    input: ListContainerInstancesInput,
) -> Result<ListContainerInstancesOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    let filter = input.filter.as_deref().filter(|filter| !filter.is_empty());
    let filter = filter.map(placement::expression).transpose()?;
    let status = input.status.as_ref().map(known_status).transpose()?;
    let size = paging::page_size(input.max_results)?;
    let after = paging::after_key::<ContainerInstanceId>(input.next_token.as_deref())?;
    let instances = cx
        .state
        .instances()
        .range(paging::behind(after))
        .filter(|instance| instance.cluster == cluster.name)
        .filter(|instance| match status {
            Some(status) => instance.status.as_str() == status,
            None => instance.status != InstanceStatus::Inactive,
        })
        .filter(|instance| match &filter {
            Some(filter) => cx.state.fleet().is_member(&instance.id, filter),
            None => true,
        });
    let page = paging::page(instances, size, |instance| instance.id.to_string());
    let arn = |id| cx.settings.instance_arn(&cluster.name, id);
    Ok(ListContainerInstancesOutput {
        container_instance_arns: Some(page.items.iter().map(|one| arn(one.id)).collect()),
        next_token: page.next_token,
    })
}

fn known_status(status: &ContainerInstanceStatus) -> Result<&str, OpError> {
    if ContainerInstanceStatus::VALUES.contains(&status.as_str()) {
        return Ok(status.as_str());
    }
    let known = ContainerInstanceStatus::VALUES;
    let text = not_one_of("status", known, Some(status.as_str()));
    Err(OpError::invalid_parameter(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{ARN, World};

    #[test]
    fn instances_of_the_cluster_are_listed_by_status_in_pages() {
        let mut world = World::new();
        world.ok("CreateCluster", r#"{"clusterName":"other"}"#);
        world.add_instance("default", 1, 1);
        world.add_instance("other", 1, 1);
        let mut count = |body: &str| {
            let answer = world.ok("ListContainerInstances", body);
            answer["containerInstanceArns"].as_array().unwrap().len()
        };
        assert_eq!(count("{}"), 2);
        assert_eq!(count(r#"{"status":"ACTIVE"}"#), 2);
        assert_eq!(count(r#"{"status":"DRAINING"}"#), 0);
        assert_eq!(count(r#"{"cluster":"other"}"#), 1);
        assert_eq!(count(r#"{"maxResults":1}"#), 1);
        let token = world.at(
            "ListContainerInstances",
            r#"{"maxResults":1}"#,
            "/nextToken",
        );
        let rest = world.ok(
            "ListContainerInstances",
            &format!(r#"{{"nextToken":{token}}}"#),
        );
        assert_eq!(rest["containerInstanceArns"].as_array().unwrap().len(), 1);
        assert_eq!(rest["nextToken"], json!(null));
    }

    #[test]
    fn a_filter_is_an_expression() {
        let mut world = World::with_app();
        let other = world.add_instance("default", 0, 0);
        let busy = world.run(r#"{"taskDefinition":"app","group":"db"}"#)[0];
        let busy = world.task(busy).instance.unwrap();
        let mut listed = |filter: &str| {
            let body = format!(r#"{{"filter":"{filter}"}}"#);
            let arns = world.at("ListContainerInstances", &body, "/containerInstanceArns");
            serde_json::from_value::<Vec<String>>(arns).unwrap()
        };
        let arn = |id| format!("{ARN}:container-instance/default/{id}");
        assert_eq!(listed("task:group == db"), [arn(busy)]);
        assert_eq!(listed("not(task:group == db)"), [arn(other)]);
        assert_eq!(listed("attribute:ecs.os-type exists").len(), 2);
        assert_eq!(
            listed("runningTasksCount > 0").len(),
            0,
            "PENDING is not RUNNING"
        );
    }

    #[test]
    fn wrong_filters_and_unknown_words_are_refused() {
        let mut world = World::new();
        world.refused(
            "ListContainerInstances",
            r#"{"filter":"attribute:a =="}"#,
            "InvalidParameterException: Invalid expression: attribute:a ==: at character 15: \
             expected a value, found the end",
        );
        world.refused(
            "ListContainerInstances",
            r#"{"status":"MOON"}"#,
            "InvalidParameterException: status should be one of \
             [ACTIVE,DRAINING,REGISTERING,DEREGISTERING,REGISTRATION_FAILED], but was MOON.",
        );
    }
}

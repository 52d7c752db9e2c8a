//! DescribeClusters: up to 100 clusters; the default one if none is named; unknown ones are
//! `failures`. INACTIVE clusters are still described; one that is named twice is described once.

use std::collections::BTreeSet;

use model::shapes::{DescribeClustersInput, DescribeClustersOutput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{DEFAULT_CLUSTER, cluster_name};
use crate::limits::DESCRIBE_MAX;
use crate::view;
use crate::view::cluster::Included;

pub(crate) fn describe_clusters(
    cx: &ReadCx<'_>,
    input: DescribeClustersInput,
) -> Result<DescribeClustersOutput, OpError> {
    let included = Included::parse(input.include.as_deref())?;
    let mut asked = input.clusters.unwrap_or_default();
    if asked.is_empty() {
        asked.push(DEFAULT_CLUSTER.to_owned());
    }
    if asked.iter().any(|text| text.trim().is_empty()) {
        return Err(OpError::invalid_parameter("Clusters can not be blank."));
    }
    if asked.len() > DESCRIBE_MAX {
        let text = format!("Clusters can have at most {DESCRIBE_MAX} items.");
        return Err(OpError::invalid_parameter(text));
    }
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for text in &asked {
        let name = cluster_name(cx.settings, Some(text))?;
        if !seen.insert(name.clone()) {
            continue;
        }
        match cx.state.clusters().get(&name) {
            Some(cluster) => clusters.push(view::cluster::cluster(cx, cluster, included)),
            None => failures.push(view::missing(cx.settings.cluster_arn(&name))),
        }
    }
    Ok(DescribeClustersOutput {
        clusters: Some(clusters),
        failures: Some(failures),
    })
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::json;

    use crate::testing::{ARN, World, app, copies, web};

    #[test]
    fn without_names_it_is_the_default_cluster_and_counts_are_exact() {
        let mut world = World::with_app();
        let tasks = world.run(&app(r#","count":4"#));
        world.tell(tasks[0], HostStatus::Running);
        world.tell(tasks[1], HostStatus::Running);
        world.exit(tasks[2], 0);
        let fargate = world.run(&web(""))[0];
        world.tell(fargate, HostStatus::Running);
        let cluster = world.at(
            "DescribeClusters",
            r#"{"include":["STATISTICS"]}"#,
            "/clusters/0",
        );
        assert_eq!(cluster["clusterName"], json!("default"));
        assert_eq!(cluster["registeredContainerInstancesCount"], json!(1));
        assert_eq!(cluster["runningTasksCount"], json!(3));
        assert_eq!(cluster["pendingTasksCount"], json!(1));
        assert_eq!(
            cluster["statistics"],
            json!([
                {"name": "runningEC2TasksCount", "value": "2"},
                {"name": "runningFargateTasksCount", "value": "1"},
                {"name": "runningExternalTasksCount", "value": "0"},
                {"name": "pendingEC2TasksCount", "value": "1"},
                {"name": "pendingFargateTasksCount", "value": "0"},
                {"name": "pendingExternalTasksCount", "value": "0"},
            ])
        );
    }

    #[test]
    fn what_is_not_there_is_missing_and_nothing_is_told_twice() {
        let mut world = World::new();
        let named = format!(r#"{{"clusters":["default","no","{ARN}:cluster/default","no"]}}"#);
        let answer = world.ok("DescribeClusters", &named);
        assert_eq!(answer["clusters"].as_array().unwrap().len(), 1);
        let missing = json!([{"arn": format!("{ARN}:cluster/no"), "reason": "MISSING"}]);
        assert_eq!(answer["failures"], missing);
    }

    #[test]
    fn parts_are_shown_on_request() {
        let mut world = World::new();
        let create = r#"{"clusterName":"b","tags":[{"key":"a","value":"1"}],"configuration":
            {"executeCommandConfiguration":{"logging":"NONE"}}}"#;
        world.ok("CreateCluster", create);
        let bare = world.at("DescribeClusters", r#"{"clusters":["b"]}"#, "/clusters/0");
        assert_eq!((&bare["tags"], &bare["settings"]), (&json!([]), &json!([])));
        assert_eq!(bare["configuration"], json!(null));
        assert_eq!(bare["attachments"], json!(null));
        let all = r#"{"clusters":["b"],
            "include":["ATTACHMENTS","CONFIGURATIONS","SETTINGS","STATISTICS","TAGS"]}"#;
        let full = world.at("DescribeClusters", all, "/clusters/0");
        assert_eq!(full["attachments"], json!([]));
        assert_eq!(full["tags"], json!([{"key": "a", "value": "1"}]));
        assert_eq!(full["settings"][0]["value"], json!("disabled"));
        assert_eq!(
            full["configuration"]["executeCommandConfiguration"]["logging"],
            json!("NONE")
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let mut world = World::new();
        let mut check = |body: &str, expected: &str| {
            let expected = format!("InvalidParameterException: {expected}");
            world.refused("DescribeClusters", body, &expected);
        };
        check(r#"{"clusters":[" "]}"#, "Clusters can not be blank.");
        check(
            &format!(r#"{{"clusters":[{}]}}"#, copies("\"a\"", 101)),
            "Clusters can have at most 100 items.",
        );
        check(
            r#"{"include":["MOON"]}"#,
            "include should be one of [ATTACHMENTS,CONFIGURATIONS,SETTINGS,STATISTICS,TAGS]",
        );
        check(
            &format!(r#"{{"clusters":["{ARN}:task/x"]}}"#),
            "Unsupported resource type: task",
        );
    }
}

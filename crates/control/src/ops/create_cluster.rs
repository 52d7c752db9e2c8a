//! CreateCluster: a new cluster, or the ACTIVE one of that name unchanged.
//! An INACTIVE name is revived as a new cluster (`operations.md`).

use model::shapes::{ClusterSetting, CreateClusterInput, CreateClusterOutput};

use crate::account_settings::container_insights;
use crate::capacity::association::associate;
use crate::cluster_settings::{
    CONTAINER_INSIGHTS, check_configuration, check_settings, refuse_service_connect,
};
use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{DEFAULT_CLUSTER, check_cluster_name};
use crate::record::Cluster;
use crate::view::cluster::{Included, is_active};
use crate::{tags, view};

pub(crate) fn create_cluster(
    cx: &mut Cx<'_>,
    input: CreateClusterInput,
) -> Result<CreateClusterOutput, OpError> {
    let wanted = wanted(cx, input)?;
    let known = cx
        .state
        .clusters()
        .get(&wanted.name)
        .filter(|known| is_active(known))
        .cloned();
    let cluster = match known {
        None => {
            let wanted = with_insights(cx, wanted);
            cx.state.put_cluster(wanted)
        }
        Some(known) if is_same_request(&known, &wanted) => known,
        Some(_) => {
            return Err(OpError::invalid_parameter(
                "Arguments on this idempotent request are inconsistent with arguments used in \
                 previous request(s).",
            ));
        }
    };
    let cluster = view::cluster::cluster(&cx.reading(), &cluster, Included::CHANGED);
    Ok(CreateClusterOutput {
        cluster: Some(cluster),
    })
}

fn wanted(cx: &Cx<'_>, input: CreateClusterInput) -> Result<Cluster, OpError> {
    let name = input
        .cluster_name
        .unwrap_or_else(|| DEFAULT_CLUSTER.to_owned());
    check_cluster_name(&name)?;
    refuse_service_connect(input.service_connect_defaults.as_ref())?;
    let settings = input.settings.unwrap_or_default();
    check_settings(&settings)?;
    check_configuration(input.configuration.as_ref())?;
    let mut cluster = Cluster {
        settings,
        configuration: input.configuration,
        tags: tags::checked(input.tags)?,
        ..Cluster::new(&name, cx.now)
    };
    let providers = input.capacity_providers.unwrap_or_default();
    let default = input.default_capacity_provider_strategy.unwrap_or_default();
    associate(cx, &mut cluster, &providers, &default)?;
    Ok(cluster)
}

/// A caller that does not choose gets what the account settings say.
fn with_insights(cx: &Cx<'_>, mut cluster: Cluster) -> Cluster {
    if cluster.settings.is_empty() {
        cluster.settings = vec![ClusterSetting {
            name: Some(CONTAINER_INSIGHTS.into()),
            value: Some(container_insights(&cx.reading())),
        }];
    }
    cluster
}

/// A repetition names the same settings, or none.
fn is_same_request(known: &Cluster, wanted: &Cluster) -> bool {
    (wanted.settings.is_empty() || wanted.settings == view::cluster::settings(known))
        && (wanted.configuration.is_none() || wanted.configuration == known.configuration)
        && (wanted.capacity_providers.is_empty()
            || (wanted.capacity_providers == known.capacity_providers
                && wanted.default_strategy == known.default_strategy))
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::json;

    use crate::testing::{World, web};

    #[test]
    fn a_new_cluster_is_active_and_empty() {
        let answer = World::new().ok("CreateCluster", r#"{"clusterName":"batch"}"#);
        assert_eq!(
            answer["cluster"],
            json!({
                "clusterArn": "arn:aws:ecs:us-east-1:000000000000:cluster/batch",
                "clusterName": "batch",
                "status": "ACTIVE",
                "registeredContainerInstancesCount": 0,
                "runningTasksCount": 0,
                "pendingTasksCount": 0,
                "activeServicesCount": 0,
                "settings": [{"name": "containerInsights", "value": "disabled"}],
                "capacityProviders": [],
                "defaultCapacityProviderStrategy": [],
                "statistics": [],
                "tags": [],
            })
        );
    }

    #[test]
    fn an_active_name_is_answered_unchanged() {
        let mut world = World::new();
        let tagged = r#"{"clusterName":"batch","tags":[{"key":"a","value":"1"}]}"#;
        let first = world.ok("CreateCluster", tagged);
        assert_eq!(
            world.ok("CreateCluster", r#"{"clusterName":"batch"}"#),
            first
        );
        world.refused(
            "CreateCluster",
            r#"{"clusterName":"batch","settings":[{"name":"containerInsights","value":"enabled"}]}"#,
            "InvalidParameterException: Arguments on this idempotent request are inconsistent \
             with arguments used in previous request(s).",
        );
    }

    #[test]
    fn a_cluster_is_created_with_its_providers_and_default_strategy() {
        let mut world = World::new();
        let body = r#"{"clusterName":"batch","capacityProviders":["FARGATE","FARGATE_SPOT"],
            "defaultCapacityProviderStrategy":[{"capacityProvider":"FARGATE_SPOT","weight":1}]}"#;
        let cluster = world.at("CreateCluster", body, "/cluster");
        let providers = json!(["FARGATE", "FARGATE_SPOT"]);
        assert_eq!(cluster["capacityProviders"], providers);
        let item = json!({"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 1});
        assert_eq!(cluster["defaultCapacityProviderStrategy"], json!([item]));
        let again = world.at("CreateCluster", r#"{"clusterName":"batch"}"#, "/cluster");
        assert_eq!(again["capacityProviders"], providers);
    }

    #[test]
    fn without_a_name_it_is_the_default_cluster() {
        let mut world = World::without_hosts();
        assert_eq!(
            world.at("CreateCluster", "{}", "/cluster/clusterName"),
            json!("default")
        );
    }

    #[test]
    fn a_revived_name_has_nothing_of_the_old_cluster() {
        let mut world = World::with_app();
        let create = r#"{"clusterName":"batch","tags":[{"key":"a","value":"1"}]}"#;
        world.ok("CreateCluster", create);
        let body = web(r#","cluster":"batch","clientToken":"t""#);
        let old = world.run(&body);
        world.tell(old[0], HostStatus::Stopped);
        world.ok("DeleteCluster", r#"{"cluster":"batch"}"#);
        let revived = world.ok("CreateCluster", r#"{"clusterName":"batch"}"#);
        assert_eq!(revived["cluster"]["status"], json!("ACTIVE"));
        assert_eq!(revived["cluster"]["tags"], json!([]));
        let stopped = r#"{"cluster":"batch","desiredStatus":"STOPPED"}"#;
        assert_eq!(world.at("ListTasks", stopped, "/taskArns"), json!([]));
        assert_ne!(world.run(&body), old);
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let mut world = World::new();
        let mut check = |body: &str, expected: &str| {
            let expected = format!("InvalidParameterException: {expected}");
            world.refused("CreateCluster", body, &expected);
        };
        check(
            r#"{"clusterName":"a b"}"#,
            "Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was a b",
        );
        check(
            r#"{"defaultCapacityProviderStrategy":[{"capacityProvider":"FARGATE"}]}"#,
            "The specified capacity provider strategy cannot contain a capacity provider that is \
             not associated with the cluster. Associate the capacity provider with the cluster \
             and try again.",
        );
    }
}

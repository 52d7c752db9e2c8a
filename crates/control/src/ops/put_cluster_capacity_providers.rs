//! PutClusterCapacityProviders: replaces the whole list of a cluster's providers and its whole
//! default strategy. A provider with tasks in the cluster cannot be dropped.

use model::shapes::{PutClusterCapacityProvidersInput, PutClusterCapacityProvidersOutput};

use crate::capacity::association::associate;
use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::named_cluster;
use crate::record::Cluster;
use crate::view;
use crate::view::cluster::Included;

pub(crate) fn put_cluster_capacity_providers(
    cx: &mut Cx<'_>,
    input: PutClusterCapacityProvidersInput,
) -> Result<PutClusterCapacityProvidersOutput, OpError> {
    let known = named_cluster(&cx.reading(), input.cluster.as_deref())?;
    let absent = |member| OpError::invalid_parameter(format!("{member} should not be null."));
    let providers = input.capacity_providers;
    let providers = providers.ok_or_else(|| absent("capacityProviders"))?;
    let default = input.default_capacity_provider_strategy;
    let default = default.ok_or_else(|| absent("defaultCapacityProviderStrategy"))?;
    let mut cluster = Cluster::clone(&known);
    associate(cx, &mut cluster, &providers, &default)?;
    let cluster = cx.state.put_cluster(cluster);
    let shape = view::cluster::cluster(&cx.reading(), &cluster, Included::CHANGED);
    Ok(PutClusterCapacityProvidersOutput {
        cluster: Some(shape),
    })
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::json;

    use crate::testing::{ARN, World};

    fn put(providers: &str, default: &str) -> String {
        format!(
            r#"{{"cluster":"default","capacityProviders":[{providers}],
                "defaultCapacityProviderStrategy":[{default}]}}"#
        )
    }

    #[test]
    fn list_and_strategy_are_replaced_as_a_whole() {
        let mut world = World::new();
        world.provider("fleet", "");
        let arn = format!(r#""fleet","{ARN}:capacity-provider/FARGATE","fleet""#);
        let item = r#"{"capacityProvider":"fleet","base":2}"#;
        let answer = world.ok("PutClusterCapacityProviders", &put(&arn, item));
        let cluster = &answer["cluster"];
        assert_eq!(cluster["capacityProviders"], json!(["fleet", "FARGATE"]));
        let shown = json!([{"capacityProvider": "fleet", "base": 2, "weight": 0}]);
        assert_eq!(cluster["defaultCapacityProviderStrategy"], shown);
        world.restart();
        let described = world.at("DescribeClusters", "{}", "/clusters/0/capacityProviders");
        assert_eq!(described, json!(["fleet", "FARGATE"]));
        let answer = world.ok("PutClusterCapacityProviders", &put("", ""));
        assert_eq!(answer["cluster"]["capacityProviders"], json!([]));
        let strategy = &answer["cluster"]["defaultCapacityProviderStrategy"];
        assert_eq!(*strategy, json!([]));
    }

    #[test]
    fn a_provider_with_tasks_in_the_cluster_cannot_be_dropped() {
        let mut world = World::with_app();
        world.associate("default", &["FARGATE", "FARGATE_SPOT"], "");
        let body = crate::testing::web(
            r#","capacityProviderStrategy":[{"capacityProvider":"FARGATE_SPOT"}]"#,
        );
        let id = world.run(&body.replace(r#""launchType":"FARGATE","#, ""))[0];
        world.ok("PutClusterCapacityProviders", &put(r#""FARGATE_SPOT""#, ""));
        world.refused(
            "PutClusterCapacityProviders",
            &put(r#""FARGATE""#, ""),
            "ResourceInUseException: The specified capacity provider is in use and cannot be \
             removed.",
        );
        world.tell(id, HostStatus::Stopped);
        world.ok("PutClusterCapacityProviders", &put("", ""));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let mut world = World::new();
        for number in 0..21 {
            world.provider(&format!("p{number}"), "");
        }
        let many: Vec<String> = (0..21).map(|number| format!(r#""p{number}""#)).collect();
        let mut check = |body: &str, expected: &str| {
            let expected = format!("InvalidParameterException: {expected}");
            world.refused("PutClusterCapacityProviders", body, &expected);
        };
        check(
            &put(&many.join(","), ""),
            "The maximum number of capacity providers per cluster has been exceeded.",
        );
        check(
            &put(r#""moon""#, ""),
            "The specified capacity provider does not exist. Specify a valid name or ARN and try \
             again.",
        );
        check(
            &put(r#""p1""#, r#"{"capacityProvider":"p2","weight":1}"#),
            "The specified capacity provider strategy cannot contain a capacity provider that is \
             not associated with the cluster. Associate the capacity provider with the cluster \
             and try again.",
        );
        check(
            &put(
                r#""p1","FARGATE""#,
                r#"{"capacityProvider":"p1","weight":1},{"capacityProvider":"FARGATE","weight":1}"#,
            ),
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto \
             Scaling groups and Fargate providers. Specify one or the other and try again.",
        );
        check(
            r#"{"cluster":"default","capacityProviders":[]}"#,
            "defaultCapacityProviderStrategy should not be null.",
        );
        check(
            r#"{"cluster":"default","defaultCapacityProviderStrategy":[]}"#,
            "capacityProviders should not be null.",
        );
        check("{}", "Cluster can not be blank.");
    }
}

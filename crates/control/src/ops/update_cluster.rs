//! UpdateCluster: replaces settings and configuration of an ACTIVE cluster, each as a whole;
//! what the call leaves out stays.

use model::shapes::{UpdateClusterInput, UpdateClusterOutput};

use crate::cluster_settings::{check_configuration, check_settings, refuse_service_connect};
use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::named_cluster;
use crate::record::Cluster;
use crate::view;
use crate::view::cluster::Included;

pub(crate) fn update_cluster(
    cx: &mut Cx<'_>,
    input: UpdateClusterInput,
) -> Result<UpdateClusterOutput, OpError> {
    let known = named_cluster(&cx.reading(), input.cluster.as_deref())?;
    refuse_service_connect(input.service_connect_defaults.as_ref())?;
    check_settings(input.settings.as_deref().unwrap_or_default())?;
    check_configuration(input.configuration.as_ref())?;
    let known = Cluster::clone(&known);
    let settings = input.settings.filter(|settings| !settings.is_empty());
    let cluster = cx.state.put_cluster(Cluster {
        settings: settings.unwrap_or(known.settings),
        configuration: input.configuration.or(known.configuration),
        ..known
    });
    let shape = view::cluster::cluster(&cx.reading(), &cluster, Included::CHANGED);
    Ok(UpdateClusterOutput {
        cluster: Some(shape),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{ARN, World};

    fn described(world: &mut World) -> Value {
        let body = r#"{"include":["SETTINGS","CONFIGURATIONS"]}"#;
        world.at("DescribeClusters", body, "/clusters/0")
    }

    #[test]
    fn what_is_given_replaces_and_the_rest_stays() {
        let mut world = World::new();
        let exec = r#"{"logging":"OVERRIDE","logConfiguration":{"s3BucketName":"b"}}"#;
        let body = format!(
            r#"{{"cluster":"default","configuration":{{"executeCommandConfiguration":{exec},
                "managedStorageConfiguration":{{"kmsKeyId":"k"}}}}}}"#
        );
        let changed = world.at("UpdateCluster", &body, "/cluster");
        assert_eq!(changed["settings"][0]["value"], json!("disabled"));
        let expected = json!({
            "executeCommandConfiguration":
                {"logging": "OVERRIDE", "logConfiguration": {"s3BucketName": "b"}},
            "managedStorageConfiguration": {"kmsKeyId": "k"},
        });
        assert_eq!(changed["configuration"], expected);
        let arn = format!(
            r#"{{"cluster":"{ARN}:cluster/default","settings":
            [{{"name":"containerInsights","value":"enhanced"}}]}}"#
        );
        let changed = world.at("UpdateCluster", &arn, "/cluster");
        assert_eq!(changed["configuration"], expected);
        world.restart();
        let shown = described(&mut world);
        assert_eq!(shown["settings"][0]["value"], json!("enhanced"));
        assert_eq!(shown["configuration"], expected);
    }

    #[test]
    fn a_cluster_must_be_named_and_active() {
        let mut world = World::new();
        let mut check = |body: &str, expected: &str| world.refused("UpdateCluster", body, expected);
        check("{}", "InvalidParameterException: Cluster can not be blank.");
        check(
            r#"{"cluster":"nowhere"}"#,
            "ClusterNotFoundException: Cluster not found.",
        );
        world.ok("CreateCluster", r#"{"clusterName":"gone"}"#);
        world.ok("DeleteCluster", r#"{"cluster":"gone"}"#);
        world.refused(
            "UpdateCluster",
            r#"{"cluster":"gone"}"#,
            "ClusterNotFoundException: The referenced cluster was inactive.",
        );
    }
}

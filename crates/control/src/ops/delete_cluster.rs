//! DeleteCluster: turns an empty cluster INACTIVE; refused while tasks or instances remain.
//!
//! What surprises: capacity providers do not keep a cluster. Those of Auto Scaling groups and of
//! Fargate are only associated with it, and are no longer once it is deleted;
//! `ClusterContainsCapacityProviderException` is for those of managed instances, which live in a
//! cluster and are not built.
//!
//! Its stopped tasks and their tokens are forgotten at once. Nobody can see
//! them any more, and a new cluster of the same name must not have them.

use model::errors::ErrorCode;
use model::shapes::{DeleteClusterInput, DeleteClusterOutput};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::named_cluster;
use crate::record::Cluster;
use crate::record::cluster::ClusterStatus;
use crate::record::instance::InstanceStatus;
use crate::view;
use crate::view::cluster::Included;

pub(crate) fn delete_cluster(
    cx: &mut Cx<'_>,
    input: DeleteClusterInput,
) -> Result<DeleteClusterOutput, OpError> {
    let cluster = named_cluster(&cx.reading(), input.cluster.as_deref())?;
    check_empty(cx, &cluster)?;
    forget_tasks(cx, &cluster);
    let status = ClusterStatus::Inactive;
    let cluster = cx.state.put_cluster(Cluster {
        status,
        deleted_at: Some(cx.now),
        ..Cluster::clone(&cluster)
    });
    let cluster = view::cluster::cluster(&cx.reading(), &cluster, Included::CHANGED);
    Ok(DeleteClusterOutput {
        cluster: Some(cluster),
    })
}

fn check_empty(cx: &Cx<'_>, cluster: &Cluster) -> Result<(), OpError> {
    let mut instances = cx.state.instances().iter();
    if instances.any(|one| one.cluster == cluster.name && one.status != InstanceStatus::Inactive) {
        return Err(OpError::new(
            ErrorCode::ClusterContainsContainerInstancesException,
            "The Cluster cannot be deleted while Container Instances are active or draining.",
        ));
    }
    let mut live = cx.state.live_tasks_of_cluster(&cluster.name, None);
    if live.next().is_some() {
        return Err(OpError::new(
            ErrorCode::ClusterContainsTasksException,
            "The Cluster cannot be deleted while Tasks are active.",
        ));
    }
    Ok(())
}

fn forget_tasks(cx: &mut Cx<'_>, cluster: &Cluster) {
    let tasks = cx.state.tasks_of_cluster(&cluster.name, None);
    let ids: Vec<_> = tasks.map(|task| task.id).collect();
    for id in ids {
        cx.state.remove_task(id);
    }
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::json;

    use crate::testing::{World, web};

    #[test]
    fn an_empty_cluster_becomes_inactive_and_is_still_described() {
        let mut world = World::new();
        world.ok("CreateCluster", r#"{"clusterName":"batch"}"#);
        let status = world.at("DeleteCluster", r#"{"cluster":"batch"}"#, "/cluster/status");
        assert_eq!(status, json!("INACTIVE"));
        let described = r#"{"clusters":["batch"]}"#;
        let status = world.at("DescribeClusters", described, "/clusters/0/status");
        assert_eq!(status, json!("INACTIVE"));
        world.refused(
            "DeleteCluster",
            r#"{"cluster":"batch"}"#,
            "ClusterNotFoundException: The referenced cluster was inactive.",
        );
        assert_eq!(
            world.at("ListClusters", "{}", "/clusterArns/1"),
            json!(null)
        );
    }

    #[test]
    fn a_deleted_cluster_is_forgotten_after_an_hour_unless_it_was_revived() {
        let mut world = World::new();
        for name in ["gone", "revived"] {
            world.ok("CreateCluster", &format!(r#"{{"clusterName":"{name}"}}"#));
            world.ok("DeleteCluster", &format!(r#"{{"cluster":"{name}"}}"#));
        }
        world.ok("CreateCluster", r#"{"clusterName":"revived"}"#);
        let named = r#"{"clusters":["gone","revived"]}"#;
        let mut check = |seconds: i64, pointer: &str, expected: &str| {
            world.pass_seconds(seconds);
            world.sweep();
            assert_eq!(
                world.at("DescribeClusters", named, pointer),
                json!(expected)
            );
        };
        check(3599, "/clusters/0/status", "INACTIVE");
        check(0, "/clusters/1/status", "ACTIVE");
        check(1, "/failures/0/reason", "MISSING");
        check(0, "/clusters/0/clusterName", "revived");
    }

    #[test]
    fn tasks_and_instances_keep_a_cluster() {
        let mut world = World::with_app();
        world.refused(
            "DeleteCluster",
            r#"{"cluster":"default"}"#,
            "ClusterContainsContainerInstancesException: The Cluster cannot be deleted while \
             Container Instances are active or draining.",
        );
        world.ok("CreateCluster", r#"{"clusterName":"batch"}"#);
        let id = world.run(&web(r#","cluster":"batch""#))[0];
        world.refused(
            "DeleteCluster",
            r#"{"cluster":"batch"}"#,
            "ClusterContainsTasksException: The Cluster cannot be deleted while Tasks are active.",
        );
        world.tell(id, HostStatus::Stopped);
        world.ok("DeleteCluster", r#"{"cluster":"batch"}"#);
        assert_eq!(world.state.tasks().len(), 0);
    }

    #[test]
    fn capacity_providers_leave_a_cluster_that_is_deleted() {
        let mut world = World::new();
        world.ok("CreateCluster", r#"{"clusterName":"batch"}"#);
        world.provider("growing", r#""status":"ENABLED""#);
        let default = r#"{"capacityProvider":"growing"}"#;
        world.associate("batch", &["growing", "FARGATE"], default);
        let provider = r#"{"capacityProvider":"growing"}"#;
        let used = "ClientException: The capacity provider cannot be deleted because it is \
                    associated with cluster: batch. Remove the capacity provider from the cluster \
                    and try again.";
        world.refused("DeleteCapacityProvider", provider, used);
        world.ok("DeleteCluster", r#"{"cluster":"batch"}"#);
        world.ok("DeleteCapacityProvider", provider);
        let anew = world.ok("CreateCluster", r#"{"clusterName":"batch"}"#);
        assert_eq!(anew["cluster"]["capacityProviders"], json!([]));
        assert_eq!(
            anew["cluster"]["defaultCapacityProviderStrategy"],
            json!([])
        );
    }

    #[test]
    fn a_cluster_must_be_named() {
        let mut world = World::new();
        let blank = "InvalidParameterException: Cluster can not be blank.";
        world.refused("DeleteCluster", "{}", blank);
        let absent = "ClusterNotFoundException: Cluster not found.";
        world.refused("DeleteCluster", r#"{"cluster":"nowhere"}"#, absent);
    }
}

//! DeleteCapacityProvider: a provider that no cluster uses becomes INACTIVE. It is described for
//! a while, and its name may be used anew at once.

use std::sync::Arc;

use model::shapes::{DeleteCapacityProviderInput, DeleteCapacityProviderOutput};

use crate::capacity::name::changeable;
use crate::cx::Cx;
use crate::error::OpError;
use crate::record::capacity_provider::{ProviderChange, ProviderStatus};
use crate::record::{CapacityProvider, Cluster};
use crate::view;
use crate::view::cluster::is_active;
use crate::view::task::Tags;

pub(crate) fn delete_capacity_provider(
    cx: &mut Cx<'_>,
    input: DeleteCapacityProviderInput,
) -> Result<DeleteCapacityProviderOutput, OpError> {
    let known = changeable(cx.state, cx.settings, input.capacity_provider.as_deref())?;
    let uses = |cluster: &&Arc<Cluster>| {
        is_active(cluster) && cluster.capacity_providers.contains(&known.name)
    };
    if let Some(user) = cx.state.clusters().iter().find(uses) {
        return Err(OpError::client(format!(
            "The capacity provider cannot be deleted because it is associated with cluster: {}. \
             Remove the capacity provider from the cluster and try again.",
            user.name
        )));
    }
    let provider = cx.state.put_capacity_provider(CapacityProvider {
        status: ProviderStatus::Inactive,
        last_change: ProviderChange::Delete,
        deleted_at: Some(cx.now),
        ..CapacityProvider::clone(&known)
    });
    let shape = view::capacity_provider::provider(&cx.reading(), &provider, Tags::Shown);
    Ok(DeleteCapacityProviderOutput {
        capacity_provider: Some(shape),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[test]
    fn a_deleted_provider_is_inactive_for_a_while_and_its_name_is_free() {
        let mut world = World::new();
        world.provider("fleet", "");
        let name = r#"{"capacityProvider":"fleet"}"#;
        let deleted = world.ok("DeleteCapacityProvider", name);
        assert_eq!(deleted["capacityProvider"]["status"], json!("INACTIVE"));
        assert_eq!(
            deleted["capacityProvider"]["updateStatus"],
            json!("DELETE_COMPLETE")
        );
        let names = r#"{"capacityProviders":["fleet"]}"#;
        let status = "/capacityProviders/0/status";
        let described = world.at("DescribeCapacityProviders", names, status);
        assert_eq!(described, json!("INACTIVE"));
        world.refused(
            "DeleteCapacityProvider",
            name,
            "ClientException: The specified capacity provider does not exist. Specify a valid \
             name or ARN and try again.",
        );
        world.provider("fleet", "");
        let described = world.at("DescribeCapacityProviders", names, status);
        assert_eq!(described, json!("ACTIVE"));
        world.ok("DeleteCapacityProvider", name);
        world.pass_seconds(3600);
        world.sweep();
        let missing = world.at("DescribeCapacityProviders", names, "/failures/0/reason");
        assert_eq!(missing, json!("MISSING"));
    }

    #[test]
    fn a_provider_of_a_cluster_stays_as_long_as_the_cluster_has_it() {
        let mut world = World::new();
        world.provider("fleet", "");
        world.associate("default", &["fleet"], "");
        world.refused(
            "DeleteCapacityProvider",
            r#"{"capacityProvider":"fleet"}"#,
            "ClientException: The capacity provider cannot be deleted because it is associated \
             with cluster: default. Remove the capacity provider from the cluster and try again.",
        );
        world.associate("default", &[], "");
        world.ok("DeleteCapacityProvider", r#"{"capacityProvider":"fleet"}"#);
    }
}

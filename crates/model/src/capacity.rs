//! What `/_longshore/v1/capacity-providers` answers: how many container instances the capacity
//! providers want. Words of ours; ECS tells it as a metric of CloudWatch. `/metrics` has them too.

use serde::{Deserialize, Serialize};

/// Takes [`WishesInput`], answers with [`Wishes`].
pub const CAPACITY_PATH: &str = "/_longshore/v1/capacity-providers";

/// Asks for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WishesInput {}

/// One for each provider with managed scaling, in each cluster that may use it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wishes {
    pub capacity_providers: Vec<Wish>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// The cluster's name.
    pub cluster: String,
    pub capacity_provider: String,
    /// As the provider was created with.
    pub auto_scaling_group: String,
    /// Instances of the provider that are registered in the cluster.
    pub instances: u32,
    /// Tasks in PROVISIONING for want of an instance.
    pub waiting_tasks: u32,
    /// `CapacityProviderReservation`: needed instances in percent of those that are there.
    pub reservation: u32,
    /// How many instances there should be.
    pub wanted_instances: u32,
}

//! The capacity providers that a cluster may use, and its default strategy.

use model::errors::ErrorCode;
use model::shapes::CapacityProviderStrategyItem;

use super::name;
use crate::cx::Cx;
use crate::error::OpError;
use crate::launch::strategy;
use crate::limits::CLUSTER_PROVIDERS_MAX;
use crate::record::Cluster;
use crate::record::capacity_provider::is_predefined;

/// Gives the cluster these providers and this default strategy in place of those it has.
pub(crate) fn associate(
    cx: &Cx<'_>,
    cluster: &mut Cluster,
    providers: &[String],
    default: &[CapacityProviderStrategyItem],
) -> Result<(), OpError> {
    let providers = existing(cx, providers)?;
    let default = strategy::items(cx.settings, default)?;
    strategy::check_items(&default)?;
    if default
        .iter()
        .any(|item| !providers.contains(&item.provider))
    {
        return Err(OpError::invalid_parameter(
            "The specified capacity provider strategy cannot contain a capacity provider that is \
             not associated with the cluster. Associate the capacity provider with the cluster \
             and try again.",
        ));
    }
    check_unused(cx, cluster, &providers)?;
    cluster.capacity_providers = providers;
    cluster.default_strategy = default;
    Ok(())
}

/// The names of providers that are there, each once.
fn existing(cx: &Cx<'_>, given: &[String]) -> Result<Vec<String>, OpError> {
    let mut names = Vec::with_capacity(given.len());
    for text in given {
        let name = name::named(cx.settings, text)?;
        let known = cx.state.capacity_providers().get(&name);
        if !is_predefined(&name) && !known.is_some_and(|known| known.is_active()) {
            return Err(OpError::invalid_parameter(name::NOT_FOUND));
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > CLUSTER_PROVIDERS_MAX {
        return Err(OpError::invalid_parameter(
            "The maximum number of capacity providers per cluster has been exceeded.",
        ));
    }
    Ok(names)
}

/// A provider with tasks in the cluster stays.
fn check_unused(cx: &Cx<'_>, cluster: &Cluster, kept: &[String]) -> Result<(), OpError> {
    let is_dropped = |name: &&String| !kept.contains(name);
    let mut live = cx.state.live_tasks_of_cluster(&cluster.name, None);
    let drops_any = cluster
        .capacity_providers
        .iter()
        .any(|name| is_dropped(&name));
    if drops_any && live.any(|task| task.provider.as_ref().filter(is_dropped).is_some()) {
        return Err(OpError::new(
            ErrorCode::ResourceInUseException,
            "The specified capacity provider is in use and cannot be removed.",
        ));
    }
    Ok(())
}

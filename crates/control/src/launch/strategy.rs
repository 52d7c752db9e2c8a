//! Capacity provider strategies: what callers may write, and how the tasks of a call are split
//! among the providers. Rules: `run-task.md` §3, §7; `placement.md` §7.2.

use std::ops::RangeInclusive;

use model::shapes::{CapacityProviderStrategyItem, RunTaskInput};

use crate::capacity::name;
use crate::cx::Settings;
use crate::error::OpError;
use crate::limits::{CAPACITY_PROVIDERS_MAX, STRATEGY_BASE, STRATEGY_WEIGHT};
use crate::record::Cluster;
use crate::record::capacity_provider::is_predefined;
use crate::record::cluster::StrategyItem;
use crate::record::task::LaunchType;

/// The strategy that decides where the tasks of the call run: that of the request, else the
/// cluster's default. Empty when a launch type does.
pub(crate) fn chosen(
    settings: &Settings,
    cluster: &Cluster,
    input: &RunTaskInput,
) -> Result<Vec<StrategyItem>, OpError> {
    let given = input
        .capacity_provider_strategy
        .as_deref()
        .unwrap_or_default();
    match (&input.launch_type, given.is_empty()) {
        (Some(_), false) => Err(OpError::invalid_parameter(
            "Specifying both a launch type and capacity provider strategy is not supported. \
             Remove one and try again.",
        )),
        (Some(_), true) => Ok(Vec::new()),
        (None, false) => of_request(settings, cluster, given),
        (None, true) => of_cluster(cluster),
    }
}

fn of_request(
    settings: &Settings,
    cluster: &Cluster,
    given: &[CapacityProviderStrategyItem],
) -> Result<Vec<StrategyItem>, OpError> {
    let mut items = items(settings, given)?;
    check_items(&items)?;
    let is_associated = |item: &StrategyItem| cluster.capacity_providers.contains(&item.provider);
    if !items.iter().all(is_associated) {
        return Err(OpError::invalid_parameter(
            "The specified capacity provider strategy cannot contain a capacity provider that is \
             not associated with the cluster. Associate the capacity provider with the cluster \
             or specify a valid capacity provider and try again.",
        ));
    }
    if let [only] = &mut *items {
        // Alone, a provider takes every task, also without a weight.
        only.weight = only.weight.max(1);
    }
    if weightless(&items) {
        return Err(OpError::invalid_parameter(
            "There are no capacity providers in the capacity provider strategy with a weight \
             value greater than zero.",
        ));
    }
    Ok(items)
}

fn of_cluster(cluster: &Cluster) -> Result<Vec<StrategyItem>, OpError> {
    let items = &cluster.default_strategy;
    if !items.is_empty() && weightless(items) {
        return Err(OpError::invalid_parameter(
            "There are no capacity providers with a weight value greater than zero defined in \
             the default capacity provider strategy. At least one capacity provider must have a \
             weight value greater than zero specified. Update the cluster's default capacity \
             provider strategy or specify a valid capacity provider strategy and try again.",
        ));
    }
    Ok(items.clone())
}

fn weightless(items: &[StrategyItem]) -> bool {
    items.iter().all(|item| item.weight == 0)
}

/// Items as callers write them: at most 20, numbers in range, defaults filled in.
pub(crate) fn items(
    settings: &Settings,
    given: &[CapacityProviderStrategyItem],
) -> Result<Vec<StrategyItem>, OpError> {
    if given.len() > CAPACITY_PROVIDERS_MAX {
        return Err(OpError::invalid_parameter(format!(
            "capacityProviderStrategy can have at most {CAPACITY_PROVIDERS_MAX} items."
        )));
    }
    let item = |item: &CapacityProviderStrategyItem| {
        let provider = item.capacity_provider.as_deref().unwrap_or_default();
        if provider.is_empty() {
            return Err(OpError::invalid_parameter(
                "capacityProvider can not be blank.",
            ));
        }
        Ok(StrategyItem {
            provider: name::named(settings, provider)?,
            base: in_range("base", item.base, STRATEGY_BASE)?,
            weight: in_range("weight", item.weight, STRATEGY_WEIGHT)?,
        })
    };
    given.iter().map(item).collect()
}

fn in_range(member: &str, given: Option<i32>, range: RangeInclusive<i32>) -> Result<u32, OpError> {
    let given = given.unwrap_or_default();
    let number = u32::try_from(given).ok().filter(|_| range.contains(&given));
    number.ok_or_else(|| {
        OpError::invalid_parameter(format!(
            "{member} must be between {} and {}, but was {given}.",
            range.start(),
            range.end()
        ))
    })
}

/// What holds for the strategy of a request and for the default one of a cluster.
pub(crate) fn check_items(items: &[StrategyItem]) -> Result<(), OpError> {
    for (index, item) in items.iter().enumerate() {
        if items[..index]
            .iter()
            .any(|one| one.provider == item.provider)
        {
            return Err(OpError::invalid_parameter(format!(
                "A capacity provider strategy can name a capacity provider once, but has {} twice.",
                item.provider
            )));
        }
    }
    if items.iter().filter(|item| item.base > 0).count() > 1 {
        return Err(OpError::invalid_parameter(
            "There are multiple capacity providers in the specified capacity provider strategy \
             with a base value defined.",
        ));
    }
    let fargate = items
        .iter()
        .filter(|item| is_predefined(&item.provider))
        .count();
    if (1..items.len()).contains(&fargate) {
        return Err(OpError::invalid_parameter(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto \
             Scaling groups and Fargate providers. Specify one or the other and try again.",
        ));
    }
    Ok(())
}

/// The launch type that the tasks of a strategy have; `None` without a strategy.
pub(crate) fn launch_type(items: &[StrategyItem]) -> Option<LaunchType> {
    let first = items.first()?;
    Some(if is_predefined(&first.provider) {
        LaunchType::Fargate
    } else {
        LaunchType::Ec2
    })
}

/// How many of `count` tasks each item gets: first the base, then one task after the other to
/// the item that is furthest behind its weight; of equals the earlier one.
pub(crate) fn split(items: &[StrategyItem], count: usize) -> Vec<usize> {
    let mut left = count;
    let mut shares = vec![0; items.len()];
    for (share, item) in shares.iter_mut().zip(items) {
        *share = left.min(item.base as usize);
        left -= *share;
    }
    // The base does not count for the proportion.
    let mut weighed = vec![0u64; items.len()];
    for _ in 0..left {
        let open = (0..items.len()).filter(|index| items[*index].weight > 0);
        // a/v < b/w without division.
        let behind = open.min_by(|a, b| {
            let (v, w) = (items[*a].weight, items[*b].weight);
            (weighed[*a] * u64::from(w)).cmp(&(weighed[*b] * u64::from(v)))
        });
        let Some(index) = behind else { break };
        weighed[index] += 1;
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests;

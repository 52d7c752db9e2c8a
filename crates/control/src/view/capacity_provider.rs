//! A capacity provider as callers see it. Tags on request.

use model::shapes::{CapacityProvider as Shape, CapacityProviderStrategyItem};

use super::task::Tags;
use crate::capacity::settings;
use crate::cx::ReadCx;
use crate::record::CapacityProvider;
use crate::record::capacity_provider::{FARGATE, FARGATE_SPOT};
use crate::record::cluster::StrategyItem;

/// One of the two that always exist; its name is its type.
pub(crate) fn predefined(cx: &ReadCx<'_>, name: &str) -> Shape {
    Shape {
        capacity_provider_arn: Some(cx.settings.capacity_provider_arn(name)),
        name: Some(name.to_owned()),
        r#type: Some(name.into()),
        status: Some("ACTIVE".into()),
        tags: Some(Vec::new()),
        ..Shape::default()
    }
}

pub(crate) fn provider(cx: &ReadCx<'_>, provider: &CapacityProvider, tags: Tags) -> Shape {
    Shape {
        capacity_provider_arn: Some(cx.settings.capacity_provider_arn(&provider.name)),
        name: Some(provider.name.clone()),
        r#type: Some("EC2_AUTOSCALING".into()),
        status: Some(provider.status.as_str().into()),
        update_status: Some(provider.last_change.as_str().into()),
        auto_scaling_group_provider: Some(settings::shown(provider)),
        tags: Some(match tags {
            Tags::Shown => provider.tags.clone(),
            Tags::Hidden => Vec::new(),
        }),
        ..Shape::default()
    }
}

/// The provider of this name, if there is one.
pub(crate) fn named(cx: &ReadCx<'_>, name: &str, tags: Tags) -> Option<Shape> {
    if [FARGATE, FARGATE_SPOT].contains(&name) {
        return Some(predefined(cx, name));
    }
    let found = cx.state.capacity_providers().get(&name.to_owned());
    found.map(|found| provider(cx, found, tags))
}

/// An item of a strategy, defaults filled in.
pub(crate) fn item(item: &StrategyItem) -> CapacityProviderStrategyItem {
    let number = |number: u32| Some(i32::try_from(number).unwrap_or(i32::MAX));
    CapacityProviderStrategyItem {
        capacity_provider: Some(item.provider.clone()),
        weight: number(item.weight),
        base: number(item.base),
    }
}

//! The settings of an Auto Scaling group provider, as callers write them and as they are shown.
//! Ranges and defaults: `placement.md` §7.4, §7.5.

use std::ops::RangeInclusive;

use model::shapes::{
    self, AutoScalingGroupProvider, ManagedDraining, ManagedScalingStatus,
    ManagedTerminationProtection,
};

use crate::error::{OpError, not_one_of};
use crate::limits::{SCALING_STEP, SCALING_TARGET_PERCENT, SCALING_WARMUP_SECONDS};
use crate::record::CapacityProvider;
use crate::record::capacity_provider::ManagedScaling;

/// What CreateCapacityProvider and UpdateCapacityProvider may both set.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) scaling: Option<shapes::ManagedScaling>,
    pub(crate) protection: Option<ManagedTerminationProtection>,
    pub(crate) draining: Option<ManagedDraining>,
}

/// Writes what is wanted into the provider; what is left out stays as it is.
pub(crate) fn apply(provider: &mut CapacityProvider, wanted: &Wanted) -> Result<(), OpError> {
    if let Some(scaling) = &wanted.scaling {
        apply_scaling(&mut provider.scaling, scaling)?;
    }
    if let Some(protection) = &wanted.protection {
        provider.protected = match protection {
            ManagedTerminationProtection::Enabled => true,
            ManagedTerminationProtection::Disabled => false,
            other => return Err(not_a_switch("managedTerminationProtection", other)),
        };
    }
    if let Some(draining) = &wanted.draining {
        provider.drains = match draining {
            ManagedDraining::Enabled => true,
            ManagedDraining::Disabled => false,
            other => return Err(not_a_switch("managedDraining", other)),
        };
    }
    if provider.protected && !provider.scaling.enabled {
        return Err(OpError::invalid_parameter(
            "The managed termination protection setting for the capacity provider is invalid. To \
             enable managed termination protection for a capacity provider, managed scaling must \
             be enabled.",
        ));
    }
    Ok(())
}

fn apply_scaling(
    scaling: &mut ManagedScaling,
    wanted: &shapes::ManagedScaling,
) -> Result<(), OpError> {
    scaling.enabled = match &wanted.status {
        None => scaling.enabled,
        Some(ManagedScalingStatus::Enabled) => true,
        Some(ManagedScalingStatus::Disabled) => false,
        Some(other) => return Err(not_a_switch("managedScaling.status", other)),
    };
    let members = [
        (
            "targetCapacity",
            wanted.target_capacity,
            SCALING_TARGET_PERCENT,
            &mut scaling.target_percent,
        ),
        (
            "minimumScalingStepSize",
            wanted.minimum_scaling_step_size,
            SCALING_STEP,
            &mut scaling.step_min,
        ),
        (
            "maximumScalingStepSize",
            wanted.maximum_scaling_step_size,
            SCALING_STEP,
            &mut scaling.step_max,
        ),
        (
            "instanceWarmupPeriod",
            wanted.instance_warmup_period,
            SCALING_WARMUP_SECONDS,
            &mut scaling.warmup_seconds,
        ),
    ];
    for (member, wanted, range, setting) in members {
        if let Some(wanted) = wanted {
            *setting = in_range(member, wanted, range)?;
        }
    }
    if scaling.step_min > scaling.step_max {
        return Err(OpError::invalid_parameter(
            "minimumScalingStepSize must not be above maximumScalingStepSize.",
        ));
    }
    Ok(())
}

fn in_range(member: &str, wanted: i32, range: RangeInclusive<i32>) -> Result<u32, OpError> {
    let number = u32::try_from(wanted)
        .ok()
        .filter(|_| range.contains(&wanted));
    number.ok_or_else(|| {
        OpError::invalid_parameter(format!(
            "{member} must be between {} and {}, but was {wanted}.",
            range.start(),
            range.end()
        ))
    })
}

fn not_a_switch(member: &str, value: impl std::fmt::Display) -> OpError {
    let known = ["ENABLED", "DISABLED"];
    OpError::invalid_parameter(not_one_of(member, &known, Some(&value.to_string())))
}

/// The settings as callers see them, every member filled in.
pub(crate) fn shown(provider: &CapacityProvider) -> AutoScalingGroupProvider {
    let number = |number: u32| Some(i32::try_from(number).unwrap_or(i32::MAX));
    let scaling = &provider.scaling;
    AutoScalingGroupProvider {
        auto_scaling_group_arn: Some(provider.group.clone()),
        managed_scaling: Some(shapes::ManagedScaling {
            status: Some(switch(scaling.enabled).into()),
            target_capacity: number(scaling.target_percent),
            minimum_scaling_step_size: number(scaling.step_min),
            maximum_scaling_step_size: number(scaling.step_max),
            instance_warmup_period: number(scaling.warmup_seconds),
        }),
        managed_termination_protection: Some(switch(provider.protected).into()),
        managed_draining: Some(switch(provider.drains).into()),
    }
}

fn switch(on: bool) -> &'static str {
    if on { "ENABLED" } else { "DISABLED" }
}

//! CreateCapacityProvider: a provider for the container instances of one Auto Scaling group.
//!
//! What surprises: the group is only a name here; an instance says itself which provider it
//! belongs to. Nothing takes time, so the provider is ACTIVE at once.

use model::shapes::{
    AutoScalingGroupProvider, CreateCapacityProviderInput, CreateCapacityProviderOutput,
};

use crate::capacity::name::check_new;
use crate::capacity::settings::{self, Wanted};
use crate::cx::Cx;
use crate::error::OpError;
use crate::record::CapacityProvider;
use crate::record::capacity_provider::{ManagedScaling, ProviderChange, ProviderStatus};
use crate::view::task::Tags;
use crate::{tags, view};

pub(crate) fn create_capacity_provider(
    cx: &mut Cx<'_>,
    input: CreateCapacityProviderInput,
) -> Result<CreateCapacityProviderOutput, OpError> {
    let name = input.name.unwrap_or_default();
    check_new(&name)?;
    if input.managed_instances_provider.is_some() {
        return Err(OpError::unsupported("managedInstancesProvider"));
    }
    if input.cluster.is_some() {
        return Err(OpError::invalid_parameter(
            "cluster is for managedInstancesProvider only. Leave it out and associate the \
             capacity provider with PutClusterCapacityProviders.",
        ));
    }
    let group = input.auto_scaling_group_provider;
    let group = group.ok_or_else(|| {
        OpError::invalid_parameter("autoScalingGroupProvider should not be null.")
    })?;
    let provider = CapacityProvider {
        tags: tags::checked(input.tags)?,
        ..checked(cx, name, group)?
    };
    check_unique(cx, &provider)?;
    let provider = cx.state.put_capacity_provider(provider);
    let shape = view::capacity_provider::provider(&cx.reading(), &provider, Tags::Shown);
    Ok(CreateCapacityProviderOutput {
        capacity_provider: Some(shape),
    })
}

fn checked(
    cx: &Cx<'_>,
    name: String,
    given: AutoScalingGroupProvider,
) -> Result<CapacityProvider, OpError> {
    let group = given.auto_scaling_group_arn.unwrap_or_default();
    if group.trim().is_empty() {
        return Err(OpError::invalid_parameter(
            "autoScalingGroupArn can not be blank.",
        ));
    }
    let mut provider = CapacityProvider {
        name,
        status: ProviderStatus::Active,
        last_change: ProviderChange::Create,
        created_at: cx.now,
        group,
        scaling: ManagedScaling::default(),
        protected: false,
        drains: true,
        tags: Vec::new(),
        deleted_at: None,
    };
    let wanted = Wanted {
        scaling: given.managed_scaling,
        protection: given.managed_termination_protection,
        draining: given.managed_draining,
    };
    settings::apply(&mut provider, &wanted)?;
    Ok(provider)
}

fn check_unique(cx: &Cx<'_>, new: &CapacityProvider) -> Result<(), OpError> {
    let mut active = cx
        .state
        .capacity_providers()
        .iter()
        .filter(|one| one.is_active());
    match active.find(|one| one.name == new.name || one.group == new.group) {
        None => Ok(()),
        Some(one) if one.name == new.name => Err(OpError::client(
            "The specified capacity provider already exists. To change the configuration of an \
             existing capacity provider, update the capacity provider.",
        )),
        Some(_) => Err(OpError::client(
            "The specified Auto Scaling group ARN is already being used by another capacity \
             provider. Specify a unique Auto Scaling group ARN and try again.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{ARN, World};

    #[test]
    fn a_new_provider_is_active_with_every_default_filled_in() {
        let mut world = World::new();
        let body = r#"{"name":"fleet","autoScalingGroupProvider":{"autoScalingGroupArn":"fleet"},
            "tags":[{"key":"a","value":"1"}]}"#;
        let answer = world.ok("CreateCapacityProvider", body);
        assert_eq!(
            answer["capacityProvider"],
            json!({
                "capacityProviderArn": format!("{ARN}:capacity-provider/fleet"),
                "name": "fleet",
                "type": "EC2_AUTOSCALING",
                "status": "ACTIVE",
                "updateStatus": "CREATE_COMPLETE",
                "autoScalingGroupProvider": {
                    "autoScalingGroupArn": "fleet",
                    "managedScaling": {
                        "status": "DISABLED",
                        "targetCapacity": 100,
                        "minimumScalingStepSize": 1,
                        "maximumScalingStepSize": 10000,
                        "instanceWarmupPeriod": 300,
                    },
                    "managedTerminationProtection": "DISABLED",
                    "managedDraining": "ENABLED",
                },
                "tags": [{"key": "a", "value": "1"}],
            })
        );
    }

    /// A body with this name, group and more members of the group.
    fn body(name: &str, group: &str, more: &str) -> String {
        format!(
            r#"{{"name":"{name}","autoScalingGroupProvider":
                {{"autoScalingGroupArn":"{group}"{more}}}}}"#
        )
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let mut world = World::new();
        world.ok(
            "CreateCapacityProvider",
            &self::body("taken", "group-1", ""),
        );
        world.refused("CreateCapacityProvider", body, expected);
    }

    const NAME: &str = "ClientException: The specified capacity provider name is invalid. Up to \
        255 characters are allowed, including letters (upper and lowercase), numbers, underscores, \
        and hyphens. The name cannot be prefixed with \"aws\", \"ecs\", or \"fargate\".";

    #[test]
    fn names_keep_to_the_rule() {
        let long = "a".repeat(256);
        for name in [
            "", "a b", "a/b", "aws-1", "ecsfleet", "fargate", "FARGATE", "Ecs", &long,
        ] {
            check(&body(name, "g", ""), NAME);
        }
        for name in ["a", "awe", "my-ecs", &long[1..]] {
            World::new().ok("CreateCapacityProvider", &body(name, "g", ""));
        }
    }

    #[test]
    fn names_and_groups_are_used_once() {
        check(
            &body("taken", "group-2", ""),
            "ClientException: The specified capacity provider already exists. To change the \
             configuration of an existing capacity provider, update the capacity provider.",
        );
        check(
            &body("other", "group-1", ""),
            "ClientException: The specified Auto Scaling group ARN is already being used by \
             another capacity provider. Specify a unique Auto Scaling group ARN and try again.",
        );
    }

    #[test]
    fn what_is_malformed_or_not_built_is_refused() {
        let invalid = |more: &str, expected: &str| {
            let expected = format!("InvalidParameterException: {expected}");
            check(&body("fleet", "g", more), &expected);
        };
        let scaling = |members: &str| format!(r#","managedScaling":{{{members}}}"#);
        invalid(
            &scaling(r#""targetCapacity":0"#),
            "targetCapacity must be between 1 and 100, but was 0.",
        );
        invalid(
            &scaling(r#""targetCapacity":101"#),
            "targetCapacity must be between 1 and 100, but was 101.",
        );
        invalid(
            &scaling(r#""minimumScalingStepSize":0"#),
            "minimumScalingStepSize must be between 1 and 10000, but was 0.",
        );
        invalid(
            &scaling(r#""maximumScalingStepSize":10001"#),
            "maximumScalingStepSize must be between 1 and 10000, but was 10001.",
        );
        invalid(
            &scaling(r#""instanceWarmupPeriod":-1"#),
            "instanceWarmupPeriod must be between 0 and 10000, but was -1.",
        );
        invalid(
            &scaling(r#""minimumScalingStepSize":3,"maximumScalingStepSize":2"#),
            "minimumScalingStepSize must not be above maximumScalingStepSize.",
        );
        invalid(
            &scaling(r#""status":"ON""#),
            "managedScaling.status should be one of [ENABLED,DISABLED], but was ON.",
        );
        invalid(
            r#","managedDraining":"ON""#,
            "managedDraining should be one of [ENABLED,DISABLED], but was ON.",
        );
        invalid(
            r#","managedTerminationProtection":"ENABLED""#,
            "The managed termination protection setting for the capacity provider is invalid. To \
             enable managed termination protection for a capacity provider, managed scaling must \
             be enabled.",
        );
        check(
            &body("fleet", " ", ""),
            "InvalidParameterException: autoScalingGroupArn can not be blank.",
        );
        check(
            r#"{"name":"fleet"}"#,
            "InvalidParameterException: autoScalingGroupProvider should not be null.",
        );
        check(
            r#"{"name":"fleet","cluster":"default","managedInstancesProvider":
                {"infrastructureRoleArn":"r","instanceLaunchTemplate":{}}}"#,
            "UnsupportedFeatureException: Feature not supported by this server: \
             managedInstancesProvider.",
        );
    }
}

//! UpdateCapacityProvider: changes the settings that are given and leaves the others.

use model::shapes::{UpdateCapacityProviderInput, UpdateCapacityProviderOutput};

use crate::capacity::name::changeable;
use crate::capacity::settings::{self, Wanted};
use crate::cx::Cx;
use crate::error::OpError;
use crate::record::CapacityProvider;
use crate::record::capacity_provider::ProviderChange;
use crate::view;
use crate::view::task::Tags;

pub(crate) fn update_capacity_provider(
    cx: &mut Cx<'_>,
    input: UpdateCapacityProviderInput,
) -> Result<UpdateCapacityProviderOutput, OpError> {
    let known = changeable(cx.state, cx.settings, input.name.as_deref())?;
    if input.managed_instances_provider.is_some() {
        return Err(OpError::unsupported("managedInstancesProvider"));
    }
    let given = input.auto_scaling_group_provider;
    let given = given.ok_or_else(|| {
        OpError::invalid_parameter("autoScalingGroupProvider should not be null.")
    })?;
    let wanted = Wanted {
        scaling: given.managed_scaling,
        protection: given.managed_termination_protection,
        draining: given.managed_draining,
    };
    let mut provider = CapacityProvider::clone(&known);
    settings::apply(&mut provider, &wanted)?;
    provider.last_change = ProviderChange::Update;
    let provider = cx.state.put_capacity_provider(provider);
    let shape = view::capacity_provider::provider(&cx.reading(), &provider, Tags::Shown);
    Ok(UpdateCapacityProviderOutput {
        capacity_provider: Some(shape),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[test]
    fn only_what_is_given_changes() {
        let mut world = World::new();
        world.provider("fleet", r#""status":"ENABLED","targetCapacity":80"#);
        let body = r#"{"name":"fleet","autoScalingGroupProvider":
            {"managedScaling":{"instanceWarmupPeriod":10},"managedDraining":"DISABLED"}}"#;
        let answer = world.ok("UpdateCapacityProvider", body);
        let provider = &answer["capacityProvider"];
        assert_eq!(provider["updateStatus"], json!("UPDATE_COMPLETE"));
        let group = &provider["autoScalingGroupProvider"];
        assert_eq!(group["managedDraining"], json!("DISABLED"));
        let scaling = &group["managedScaling"];
        assert_eq!(scaling["status"], json!("ENABLED"));
        assert_eq!(scaling["targetCapacity"], json!(80));
        assert_eq!(scaling["instanceWarmupPeriod"], json!(10));
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        let mut world = World::new();
        world.provider("fleet", "");
        let mut check = |body: &str, expected: &str| {
            world.refused("UpdateCapacityProvider", body, expected);
        };
        check(
            r#"{"name":"moon","autoScalingGroupProvider":{}}"#,
            "ClientException: The specified capacity provider does not exist. Specify a valid \
             name or ARN and try again.",
        );
        check(
            r#"{"name":"FARGATE","autoScalingGroupProvider":{}}"#,
            "ClientException: The capacity provider FARGATE always exists. It can only be \
             associated with clusters.",
        );
        check("{}", "ClientException: Capacity provider can not be blank.");
        check(
            r#"{"name":"fleet"}"#,
            "InvalidParameterException: autoScalingGroupProvider should not be null.",
        );
    }
}

//! UpdateContainerAgent: hosts bring their agents with them, so there is never a newer one here.

use model::errors::ErrorCode;
use model::shapes::{UpdateContainerAgentInput, UpdateContainerAgentOutput};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::active_cluster;
use crate::view::instance::find;

pub(crate) fn update_container_agent(
    cx: &mut Cx<'_>,
    input: UpdateContainerAgentInput,
) -> Result<UpdateContainerAgentOutput, OpError> {
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let found = find(
        &cx.reading(),
        &cluster.name,
        input.container_instance.as_deref(),
    )?;
    Err(match &found.versions.agent {
        Some(version) => OpError::new(
            ErrorCode::NoUpdateAvailableException,
            format!(
                "There is no update available for your container agent, which has version \
                 {version}."
            ),
        ),
        None => OpError::new(
            ErrorCode::MissingVersionException,
            "The version of your container agent is not known.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn there_is_never_an_update() {
        let mut world = World::new();
        let mut check = |body: &str, expected: &str| {
            world.refused("UpdateContainerAgent", body, expected);
        };
        check(
            "{}",
            "InvalidParameterException: Container instance can not be blank.",
        );
        check(
            r#"{"containerInstance":"0123456789abcdef0123456789abcdef"}"#,
            "InvalidParameterException: The referenced container instance was not found.",
        );
        let id = world.state.instances().iter().next().unwrap().id;
        world.refused(
            "UpdateContainerAgent",
            &format!(r#"{{"containerInstance":"{id}"}}"#),
            "NoUpdateAvailableException: There is no update available for your container agent, \
             which has version 1.2.3.",
        );
        let remote = world.ok("RegisterContainerInstance", "{}");
        let arn = &remote["containerInstance"]["containerInstanceArn"];
        world.refused(
            "UpdateContainerAgent",
            &format!(r#"{{"containerInstance":{arn}}}"#),
            "MissingVersionException: The version of your container agent is not known.",
        );
    }
}

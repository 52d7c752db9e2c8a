//! RegisterTaskDefinition: checks a definition and stores it as the family's next revision.
//! Revisions never repeat, also after deletion (`operations.md`).

use model::shapes::{RegisterTaskDefinitionInput, RegisterTaskDefinitionOutput, TaskDefinition};

use crate::cx::Cx;
use crate::error::OpError;
use crate::record::definition::DefinitionStatus;
use crate::record::{Definition, DefinitionKey, Family};
use crate::{registration, tags};

pub(crate) fn register_task_definition(
    cx: &mut Cx<'_>,
    mut input: RegisterTaskDefinitionInput,
) -> Result<RegisterTaskDefinitionOutput, OpError> {
    let tags = tags::checked(input.tags.take())?;
    let checked = registration::checked(input)?;
    let id = next_revision(cx, checked.family.clone().unwrap_or_default());
    let shape = TaskDefinition {
        task_definition_arn: Some(cx.settings.definition_arn(&id)),
        revision: i32::try_from(id.revision).ok(),
        status: Some(DefinitionStatus::Active.as_str().into()),
        registered_at: Some(cx.now),
        registered_by: Some(cx.caller.principal_arn.clone()),
        ..checked
    };
    let status = DefinitionStatus::Active;
    let definition = cx.state.put_definition(Definition {
        id,
        status,
        shape,
        tags,
    });
    Ok(RegisterTaskDefinitionOutput {
        task_definition: Some(definition.shape.clone()),
        tags: Some(definition.tags.clone()),
    })
}

fn next_revision(cx: &mut Cx<'_>, family: String) -> DefinitionKey {
    let last = cx
        .state
        .families()
        .get(&family)
        .map_or(0, |family| family.last_revision);
    let revision = last + 1;
    cx.state.put_family(Family {
        name: family.clone(),
        last_revision: revision,
    });
    DefinitionKey { family, revision }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    const DEFINITION: &str =
        r#"{"family":"app","containerDefinitions":[{"name":"a","image":"i","memory":6}]}"#;

    #[test]
    fn revisions_count_up_and_never_repeat_also_after_deletion() {
        let mut world = World::new();
        for revision in 1..=2 {
            let pointer = "/taskDefinition/revision";
            let given = world.at("RegisterTaskDefinition", DEFINITION, pointer);
            assert_eq!(given, json!(revision));
        }
        for operation in ["DeregisterTaskDefinition", "DeleteTaskDefinitions"] {
            let body = r#"{"taskDefinition":"app:2","taskDefinitions":["app:2"]}"#;
            world.ok(operation, body);
        }
        world.pass_seconds(3600);
        world.sweep();
        world.refused(
            "DescribeTaskDefinition",
            r#"{"taskDefinition":"app:2"}"#,
            "ClientException: Unable to describe task definition.",
        );
        world.restart();
        let given = world.at(
            "RegisterTaskDefinition",
            DEFINITION,
            "/taskDefinition/revision",
        );
        assert_eq!(given, json!(3));
    }

    #[test]
    fn tags_are_answered_beside_the_definition() {
        let body = DEFINITION.replace(r#""family""#, r#""tags":[{"key":"a"}],"family""#);
        let answer = World::new().ok("RegisterTaskDefinition", &body);
        assert_eq!(answer["tags"], json!([{"key": "a", "value": ""}]));
        assert_eq!(answer["taskDefinition"]["tags"], json!(null));
    }

    #[test]
    fn a_refused_registration_takes_no_number() {
        let mut world = World::new();
        world.call("RegisterTaskDefinition", r#"{"family":"app"}"#);
        let given = world.at(
            "RegisterTaskDefinition",
            DEFINITION,
            "/taskDefinition/revision",
        );
        assert_eq!(given, json!(1));
    }
}

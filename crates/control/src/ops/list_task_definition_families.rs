//! ListTaskDefinitionFamilies: pages of family names by prefix. ACTIVE families have at least
//! one ACTIVE revision; without `status` both kinds are listed.

use model::shapes::{
    ListTaskDefinitionFamiliesInput, ListTaskDefinitionFamiliesOutput, TaskDefinitionFamilyStatus,
};

use crate::cx::ReadCx;
use crate::error::{OpError, not_one_of};
use crate::identifier::{DefinitionRef, find_definition};
use crate::paging;
use crate::record::{DefinitionKey, Family};

pub(crate) fn list_task_definition_families(
    cx: &ReadCx<'_>,
    input: ListTaskDefinitionFamiliesInput,
) -> Result<ListTaskDefinitionFamiliesOutput, OpError> {
    let active = wanted_activity(input.status.as_ref())?;
    let prefix = input.family_prefix.unwrap_or_default();
    let size = paging::page_size(input.max_results)?;
    let after = paging::after(input.next_token.as_deref())?;
    let families = cx
        .state
        .families()
        .range(paging::behind(after))
        .filter(|family| family.name.starts_with(&prefix))
        .filter(|family| has_revisions(cx, family))
        .filter(|family| active.is_none_or(|active| is_active(cx, family) == active));
    let page = paging::page(families, size, |family| family.name.clone());
    Ok(ListTaskDefinitionFamiliesOutput {
        families: Some(
            page.items
                .iter()
                .map(|family| family.name.clone())
                .collect(),
        ),
        next_token: page.next_token,
    })
}

/// Only ACTIVE, only INACTIVE, or `None` for both.
fn wanted_activity(status: Option<&TaskDefinitionFamilyStatus>) -> Result<Option<bool>, OpError> {
    match status {
        None | Some(TaskDefinitionFamilyStatus::All) => Ok(None),
        Some(TaskDefinitionFamilyStatus::Active) => Ok(Some(true)),
        Some(TaskDefinitionFamilyStatus::Inactive) => Ok(Some(false)),
        Some(other) => {
            let known = TaskDefinitionFamilyStatus::VALUES;
            let text = not_one_of("status", known, Some(other.as_str()));
            Err(OpError::invalid_parameter(text))
        }
    }
}

fn is_active(cx: &ReadCx<'_>, family: &Family) -> bool {
    let newest = DefinitionRef {
        family: family.name.clone(),
        revision: None,
    };
    find_definition(cx.state, &newest).is_some()
}

/// A family whose revisions are all gone keeps only its counter.
fn has_revisions(cx: &ReadCx<'_>, family: &Family) -> bool {
    let key = |revision| DefinitionKey {
        family: family.name.clone(),
        revision,
    };
    cx.state
        .definitions()
        .range(key(0)..=key(u32::MAX))
        .next()
        .is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[test]
    fn families_are_listed_by_prefix_and_status() {
        let mut world = World::new();
        for family in ["app", "apple", "bee"] {
            world.definition(family, "");
        }
        world.ok(
            "DeregisterTaskDefinition",
            r#"{"taskDefinition":"apple:1"}"#,
        );
        let mut check = |body: &str, expected: &[&str]| {
            let families = world.at("ListTaskDefinitionFamilies", body, "/families");
            assert_eq!(families, json!(expected), "{body}");
        };
        check("{}", &["app", "apple", "bee"]);
        check(r#"{"status":"ALL"}"#, &["app", "apple", "bee"]);
        check(r#"{"status":"ACTIVE"}"#, &["app", "bee"]);
        check(r#"{"status":"INACTIVE"}"#, &["apple"]);
        check(r#"{"familyPrefix":"app"}"#, &["app", "apple"]);
        check(r#"{"maxResults":2}"#, &["app", "apple"]);
        // "apple", as a page token writes it.
        check(r#"{"nextToken":"6170706c65"}"#, &["bee"]);
    }

    #[test]
    fn a_family_whose_revisions_are_gone_is_not_listed() {
        let mut world = World::new();
        world.definition("app", "");
        for operation in ["DeregisterTaskDefinition", "DeleteTaskDefinitions"] {
            world.ok(
                operation,
                r#"{"taskDefinition":"app:1","taskDefinitions":["app:1"]}"#,
            );
        }
        world.pass_seconds(3600);
        world.sweep();
        assert_eq!(
            world.at("ListTaskDefinitionFamilies", "{}", "/families"),
            json!([])
        );
    }
}

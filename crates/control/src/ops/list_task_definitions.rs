//! ListTaskDefinitions: pages of revision ARNs, by family and revision, or the reverse.
//! Without `status` it means ACTIVE.

use std::ops::Bound;
use std::sync::Arc;

use model::shapes::{
    ListTaskDefinitionsInput, ListTaskDefinitionsOutput, SortOrder, TaskDefinitionStatus,
};

use crate::cx::ReadCx;
use crate::error::{OpError, not_one_of};
use crate::paging;
use crate::record::{Definition, DefinitionKey};

pub(crate) fn list_task_definitions(
    cx: &ReadCx<'_>,
    input: ListTaskDefinitionsInput,
) -> Result<ListTaskDefinitionsOutput, OpError> {
    let status = known_status(input.status.unwrap_or(TaskDefinitionStatus::Active))?;
    let descending = is_descending(input.sort.as_ref())?;
    let size = paging::page_size(input.max_results)?;
    let after = paging::after(input.next_token.as_deref())?;
    let after = after.map(|text| parse_key(&text)).transpose()?;
    // The filter is the whole name of a family, not the beginning of one.
    let wanted = |definition: &&Arc<Definition>| {
        definition.status.as_str() == status.as_str()
            && input
                .family_prefix
                .as_ref()
                .is_none_or(|family| definition.id.family == *family)
    };
    let key = |definition: &&Arc<Definition>| definition.id.to_string();
    let page = if descending {
        let before = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = cx.state.definitions().range((Bound::Unbounded, before));
        paging::page(rest.rev().filter(wanted), size, key)
    } else {
        let rest = cx.state.definitions().range(paging::behind(after));
        paging::page(rest.filter(wanted), size, key)
    };
    let arns = page
        .items
        .iter()
        .map(|definition| cx.settings.definition_arn(&definition.id));
    Ok(ListTaskDefinitionsOutput {
        task_definition_arns: Some(arns.collect()),
        next_token: page.next_token,
    })
}

fn known_status(status: TaskDefinitionStatus) -> Result<TaskDefinitionStatus, OpError> {
    if TaskDefinitionStatus::VALUES.contains(&status.as_str()) {
        return Ok(status);
    }
    let known = TaskDefinitionStatus::VALUES;
    let text = not_one_of("status", known, Some(status.as_str()));
    Err(OpError::invalid_parameter(text))
}

fn is_descending(sort: Option<&SortOrder>) -> Result<bool, OpError> {
    match sort {
        None | Some(SortOrder::Asc) => Ok(false),
        Some(SortOrder::Desc) => Ok(true),
        Some(other) => {
            let text = not_one_of("sort", SortOrder::VALUES, Some(other.as_str()));
            Err(OpError::invalid_parameter(text))
        }
    }
}

/// The key inside a page token.
fn parse_key(text: &str) -> Result<DefinitionKey, OpError> {
    let parsed = text.split_once(':').and_then(|(family, revision)| {
        Some(DefinitionKey {
            family: family.to_owned(),
            revision: revision.parse().ok()?,
        })
    });
    parsed.ok_or_else(paging::bad_token)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    /// `app:1` to `app:11`, of which `app:2` is INACTIVE, and `apple:1`.
    fn world() -> World {
        let mut world = World::new();
        for _ in 0..11 {
            world.definition("app", "");
        }
        world.definition("apple", "");
        world.ok("DeregisterTaskDefinition", r#"{"taskDefinition":"app:2"}"#);
        world
    }

    /// Family and revision of all pages together.
    fn listed(more: &str, size: usize) -> String {
        let mut world = world();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let body = format!(r#"{{"maxResults":{size},"nextToken":"{token}"{more}}}"#);
            let answer = world.ok("ListTaskDefinitions", &body);
            let page = answer["taskDefinitionArns"].as_array().unwrap();
            assert!(page.len() <= size);
            seen.extend(
                page.iter()
                    .map(|arn| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned()),
            );
            match answer["nextToken"].as_str() {
                Some(next) => token = next.to_owned(),
                None => return seen.join(" "),
            }
        }
    }

    #[test]
    fn revisions_are_sorted_by_family_and_number_and_pages_add_up() {
        for size in [1, 3, 11, 100] {
            let all = "app:1 app:3 app:4 app:5 app:6 app:7 app:8 app:9 app:10 app:11 apple:1";
            assert_eq!(listed("", size), all);
            let down = "apple:1 app:11 app:10 app:9 app:8 app:7 app:6 app:5 app:4 app:3 app:1";
            assert_eq!(listed(r#","sort":"DESC""#, size), down);
        }
    }

    #[test]
    fn filters_are_the_whole_family_and_one_status() {
        assert_eq!(listed(r#","familyPrefix":"apple""#, 100), "apple:1");
        assert_eq!(listed(r#","familyPrefix":"ap""#, 100), "");
        assert_eq!(listed(r#","status":"INACTIVE""#, 100), "app:2");
        assert_eq!(listed(r#","status":"DELETE_IN_PROGRESS""#, 100), "");
    }

    #[test]
    fn unknown_words_and_tokens_are_refused() {
        let mut world = world();
        let mut check = |body: &str, expected: &str| {
            let expected = format!("InvalidParameterException: {expected}");
            world.refused("ListTaskDefinitions", body, &expected);
        };
        check(
            r#"{"status":"MOON"}"#,
            "status should be one of [ACTIVE,INACTIVE,DELETE_IN_PROGRESS], but was MOON.",
        );
        check(
            r#"{"sort":"UP"}"#,
            "sort should be one of [ASC,DESC], but was UP.",
        );
        check(
            r#"{"nextToken":"6162"}"#,
            "Invalid token: use the nextToken of the page before.",
        );
        check(
            r#"{"maxResults":0}"#,
            "maxResults must be between 1 and 100, but was 0.",
        );
        check(
            r#"{"maxResults":101}"#,
            "maxResults must be between 1 and 100, but was 101.",
        );
    }
}

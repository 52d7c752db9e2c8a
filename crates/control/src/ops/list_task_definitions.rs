//! ListTaskDefinitions: pages of revision ARNs, by family and revision, or the reverse.
//! Without `status` it means ACTIVE.

use std::ops::Bound;
use std::sync::Arc;

use model::shapes::{
    ListTaskDefinitionsInput, ListTaskDefinitionsOutput, SortOrder, TaskDefinitionStatus,
};

use crate::cx::ReadCx;
use crate::error::OpError;
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
    let known = TaskDefinitionStatus::VALUES.join(",");
    let text = format!("status should be one of [{known}], but was {status}.");
    Err(OpError::invalid_parameter(text))
}

fn is_descending(sort: Option<&SortOrder>) -> Result<bool, OpError> {
    match sort {
        None | Some(SortOrder::Asc) => Ok(false),
        Some(SortOrder::Desc) => Ok(true),
        Some(other) => Err(OpError::invalid_parameter(format!(
            "sort should be one of [{}], but was {other}.",
            SortOrder::VALUES.join(",")
        ))),
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

//! ListTaskDefinitionFamilies: pages of family names by prefix. ACTIVE families have at least
//! one ACTIVE revision; without `status` both kinds are listed.

use model::shapes::{
    ListTaskDefinitionFamiliesInput, ListTaskDefinitionFamiliesOutput, TaskDefinitionFamilyStatus,
};

use crate::cx::ReadCx;
use crate::error::OpError;
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
        Some(other) => Err(OpError::invalid_parameter(format!(
            "status should be one of [{}], but was {other}.",
            TaskDefinitionFamilyStatus::VALUES.join(",")
        ))),
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

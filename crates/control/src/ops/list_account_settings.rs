//! ListAccountSettings: what a principal has set, or with `effectiveSettings` what counts for it.
//! The principal is the caller unless another is named.

use model::shapes::{ListAccountSettingsInput, ListAccountSettingsOutput};

use crate::account_settings::{effective, known_name, names, principal, shape};
use crate::cx::ReadCx;
use crate::error::OpError;
use crate::limits::ACCOUNT_SETTINGS_PAGE_MAX;
use crate::paging;
use crate::record::AccountSetting;

pub(crate) fn list_account_settings(
    cx: &ReadCx<'_>,
    input: ListAccountSettingsInput,
) -> Result<ListAccountSettingsOutput, OpError> {
    let principal = principal(cx, input.principal_arn)?;
    let name = input.name.as_ref().map(|name| known_name(Some(name)));
    let name = name.transpose()?;
    if input.value.is_some() && name.is_none() {
        let text = "value can be given together with name only.";
        return Err(OpError::invalid_parameter(text));
    }
    let size = paging::size_up_to(ACCOUNT_SETTINGS_PAGE_MAX, input.max_results)?;
    let after = paging::after(input.next_token.as_deref())?;
    let settings = if input.effective_settings == Some(true) {
        names()
            .map(|name| effective(cx, &principal, name))
            .collect()
    } else {
        explicit(cx, &principal)
    };
    let passes = |setting: &AccountSetting| {
        name.is_none_or(|name| setting.id.name == name)
            && input
                .value
                .as_ref()
                .is_none_or(|value| setting.value == *value)
            && after.as_ref().is_none_or(|after| setting.id.name > *after)
    };
    let passing = settings.into_iter().filter(passes);
    let page = paging::page(passing, size, |setting| setting.id.name.clone());
    Ok(ListAccountSettingsOutput {
        next_token: page.next_token,
        settings: Some(page.items.iter().map(shape).collect()),
    })
}

/// By name, as the table is ordered.
fn explicit(cx: &ReadCx<'_>, principal: &str) -> Vec<AccountSetting> {
    let all = cx.state.account_settings().iter();
    let own = all.filter(|setting| setting.id.principal_arn == principal);
    own.map(|setting| AccountSetting::clone(setting)).collect()
}

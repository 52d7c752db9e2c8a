//! PutAccountSetting: sets one setting of the named principal, or of the caller.

use model::shapes::{PutAccountSettingInput, PutAccountSettingOutput};

use crate::account_settings::{checked, principal, shape};
use crate::cx::Cx;
use crate::error::OpError;

pub(crate) fn put_account_setting(
    cx: &mut Cx<'_>,
    input: PutAccountSettingInput,
) -> Result<PutAccountSettingOutput, OpError> {
    let principal = principal(&cx.reading(), input.principal_arn)?;
    let setting = checked(principal, input.name.as_ref(), input.value.as_deref())?;
    let setting = cx.state.put_account_setting(setting);
    Ok(PutAccountSettingOutput {
        setting: Some(shape(&setting)),
    })
}

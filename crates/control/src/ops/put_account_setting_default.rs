//! PutAccountSettingDefault: sets one setting of all principals that have not set it themselves.
//! It is the setting of the account's root.

use model::shapes::{PutAccountSettingDefaultInput, PutAccountSettingDefaultOutput};

use crate::account_settings::{checked, shape};
use crate::cx::Cx;
use crate::error::OpError;

pub(crate) fn put_account_setting_default(
    cx: &mut Cx<'_>,
    input: PutAccountSettingDefaultInput,
) -> Result<PutAccountSettingDefaultOutput, OpError> {
    let root = cx.settings.root_arn();
    let setting = checked(root, input.name.as_ref(), input.value.as_deref())?;
    let setting = cx.state.put_account_setting(setting);
    Ok(PutAccountSettingDefaultOutput {
        setting: Some(shape(&setting)),
    })
}

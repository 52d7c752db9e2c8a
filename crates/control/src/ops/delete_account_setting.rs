//! DeleteAccountSetting: takes one setting of the named principal back, or of the caller, and
//! answers with what counts from now on. A setting that is not there is no error.

use model::shapes::{DeleteAccountSettingInput, DeleteAccountSettingOutput};

use crate::account_settings::{effective, known_name, principal, shape};
use crate::cx::Cx;
use crate::error::OpError;
use crate::record::account_setting::SettingKey;

pub(crate) fn delete_account_setting(
    cx: &mut Cx<'_>,
    input: DeleteAccountSettingInput,
) -> Result<DeleteAccountSettingOutput, OpError> {
    let key = SettingKey {
        principal_arn: principal(&cx.reading(), input.principal_arn)?,
        name: known_name(input.name.as_ref())?.to_owned(),
    };
    cx.state.remove_account_setting(&key);
    let left = effective(&cx.reading(), &key.principal_arn, &key.name);
    Ok(DeleteAccountSettingOutput {
        setting: Some(shape(&left)),
    })
}

//! What a principal has set for itself, or its account for all that have set nothing.

use serde::{Deserialize, Serialize};
use store::Record;

/// Ordered by principal, then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SettingKey {
    /// An IAM ARN; that of the account's root for the account's default.
    pub principal_arn: String,
    /// As `SettingName` spells it.
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSetting {
    pub id: SettingKey,
    pub value: String,
}

impl Record for AccountSetting {
    type Key = SettingKey;
    const TABLE: &'static str = "account_setting";

    fn key(&self) -> SettingKey {
        self.id.clone()
    }

    fn key_text(key: &SettingKey) -> String {
        // The name of a setting has no blank, so the pair is unambiguous.
        format!("{} {}", key.name, key.principal_arn)
    }
}

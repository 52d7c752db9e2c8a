//! Account settings: which there are, their values, and which one counts for a principal
//! (API reference of PutAccountSetting and the guide's page on account settings, 2026-08).

use model::shapes::{Setting, SettingName, SettingType};

use crate::cluster_settings::CONTAINER_INSIGHTS;
use crate::cx::ReadCx;
use crate::error::{OpError, not_one_of};
use crate::record::AccountSetting;
use crate::record::account_setting::SettingKey;

/// One setting: the values a caller may give, the first of them where nobody gave one.
struct Rule {
    name: &'static str,
    values: &'static [&'static str],
    /// Why AWS's other values are refused, where they are.
    fixed: Option<&'static str>,
}

const ON_OFF: &[&str] = &["on", "off", "enabled", "disabled"];
const OFF_ON: &[&str] = &["disabled", "enabled", "off", "on"];
const LONG_ARN: Option<&str> = Some("You can no longer disable Long Arn settings");

/// By name.
const RULES: [Rule; 11] = [
    rule("awsvpcTrunking", OFF_ON),
    rule(
        CONTAINER_INSIGHTS,
        &["disabled", "enabled", "enhanced", "off", "on"],
    ),
    fixed(
        "containerInstanceLongArnFormat",
        &["enabled", "on"],
        LONG_ARN,
    ),
    rule("defaultLogDriverMode", &["non-blocking", "blocking"]),
    rule("fargateEventWindows", OFF_ON),
    fixed(
        "fargateFIPSMode",
        &["disabled", "off"],
        Some("FIPS mode is not supported by this server. Leave fargateFIPSMode disabled."),
    ),
    rule("fargateTaskRetirementWaitPeriod", &["7", "0", "14"]),
    fixed(
        "guardDutyActivate",
        &["off"],
        Some("guardDutyActivate can only be read."),
    ),
    fixed("serviceLongArnFormat", &["enabled", "on"], LONG_ARN),
    rule("tagResourceAuthorization", ON_OFF),
    fixed("taskLongArnFormat", &["enabled", "on"], LONG_ARN),
];

const fn rule(name: &'static str, values: &'static [&'static str]) -> Rule {
    fixed(name, values, None)
}

const fn fixed(
    name: &'static str,
    values: &'static [&'static str],
    fixed: Option<&'static str>,
) -> Rule {
    Rule {
        name,
        values,
        fixed,
    }
}

fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

fn known(name: Option<&SettingName>) -> Result<&'static Rule, OpError> {
    let name = name.map(SettingName::as_str).unwrap_or_default();
    find(name).ok_or_else(|| {
        let known = RULES.map(|rule| rule.name);
        OpError::invalid_parameter(not_one_of("name", &known, Some(name)))
    })
}

/// The setting that a call names.
pub(crate) fn known_name(name: Option<&SettingName>) -> Result<&'static str, OpError> {
    known(name).map(|rule| rule.name)
}

/// All settings, by name.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}

/// What the call wants to be stored.
pub(crate) fn checked(
    principal_arn: String,
    name: Option<&SettingName>,
    value: Option<&str>,
) -> Result<AccountSetting, OpError> {
    let rule = known(name)?;
    let value = value.unwrap_or_default();
    rule.check(value)?;
    Ok(AccountSetting {
        id: SettingKey {
            principal_arn,
            name: rule.name.to_owned(),
        },
        value: value.to_owned(),
    })
}

impl Rule {
    fn check(&self, value: &str) -> Result<(), OpError> {
        let Self { name, values, .. } = self;
        if self.is_read_only() {
            return Err(OpError::invalid_parameter(self.fixed.unwrap_or_default()));
        }
        if values.contains(&value) {
            return Ok(());
        }
        let refused = self.fixed.filter(|_| ON_OFF.contains(&value));
        let listed = || not_one_of(name, values, Some(value));
        Err(OpError::invalid_parameter(
            refused.map_or_else(listed, str::to_owned),
        ))
    }

    /// Managed by AWS from outside ECS.
    fn is_read_only(&self) -> bool {
        self.name == "guardDutyActivate"
    }
}

/// The principal that a call names, or its caller.
pub(crate) fn principal(cx: &ReadCx<'_>, named: Option<String>) -> Result<String, OpError> {
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        return Ok(cx.caller.principal_arn.clone());
    };
    let own = format!("arn:aws:iam::{}:", cx.settings.account);
    let resource = named.strip_prefix(&own).unwrap_or_default();
    let is_principal = resource == "root"
        || ["user/", "role/"].iter().any(|kind| {
            let name = resource.strip_prefix(kind).unwrap_or_default();
            !name.is_empty() && !name.contains(char::is_whitespace)
        });
    if is_principal {
        return Ok(named);
    }
    Err(OpError::invalid_parameter(format!(
        "principalArn should be the ARN of a user, a role or the root of account {}.",
        cx.settings.account
    )))
}

/// What counts for the principal: its own value, else the account's, else AWS's default.
pub(crate) fn effective(cx: &ReadCx<'_>, principal_arn: &str, name: &str) -> AccountSetting {
    let root = cx.settings.root_arn();
    let stored = [principal_arn, &root].into_iter().find_map(|principal| {
        let key = SettingKey {
            principal_arn: principal.to_owned(),
            name: name.to_owned(),
        };
        cx.state.account_settings().get(&key)
    });
    if let Some(stored) = stored {
        return AccountSetting::clone(stored);
    }
    let value = find(name).and_then(|rule| rule.values.first());
    AccountSetting {
        id: SettingKey {
            principal_arn: root,
            name: name.to_owned(),
        },
        value: value.copied().unwrap_or_default().to_owned(),
    }
}

/// `containerInsights` of a new cluster that asks for nothing.
pub(crate) fn container_insights(cx: &ReadCx<'_>) -> String {
    let setting = effective(cx, &cx.caller.principal_arn, CONTAINER_INSIGHTS);
    match &*setting.value {
        "on" => "enabled".to_owned(),
        "off" => "disabled".to_owned(),
        _ => setting.value,
    }
}

/// The setting as callers see it.
pub(crate) fn shape(setting: &AccountSetting) -> Setting {
    let is_managed = find(&setting.id.name).is_some_and(Rule::is_read_only);
    Setting {
        name: Some(setting.id.name.as_str().into()),
        principal_arn: Some(setting.id.principal_arn.clone()),
        r#type: Some(if is_managed {
            SettingType::AwsManaged
        } else {
            SettingType::User
        }),
        value: Some(setting.value.clone()),
    }
}

#[cfg(test)]
mod tests;

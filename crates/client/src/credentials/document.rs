//! The JSON with which metadata services hand out credentials.

use std::time::SystemTime;

use aws_smithy_types::date_time::{DateTime, Format};
use serde::Deserialize;

use super::Credentials;

/// Credentials, or what the service says instead.
#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(rename = "AccessKeyId")]
    access_key_id: Option<String>,
    #[serde(rename = "SecretAccessKey")]
    secret_access_key: Option<String>,
    #[serde(rename = "Token")]
    token: Option<String>,
    #[serde(rename = "Expiration")]
    expiration: Option<String>,
    #[serde(alias = "Code")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl Document {
    pub(super) fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }

    /// The error in an answer, in one line; the metadata service says `Success` also
    /// where nothing went wrong.
    pub(super) fn refusal(&self) -> Option<String> {
        let code = self.code.as_deref().filter(|code| *code != "Success")?;
        let message = self.message.as_deref().unwrap_or_default();
        Some(format!("{code}: {message}"))
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        let id = self.access_key_id.as_ref()?;
        let mut keys = Credentials::new(id, self.secret_access_key.as_ref()?);
        if let Some(token) = &self.token {
            keys = keys.with_session_token(token);
        }
        match &self.expiration {
            Some(text) => Some(keys.with_expiry(instant(text)?)),
            None => Some(keys),
        }
    }
}

fn instant(text: &str) -> Option<SystemTime> {
    let instant = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
    SystemTime::try_from(instant).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body; the id and the second of expiry of the credentials, or the refusal.
    #[track_caller]
    fn check(body: &str, keys: Option<(&str, u64)>, refusal: Option<&str>) {
        let document = Document::read(body).unwrap();
        let found = document.credentials().map(|keys| {
            let expires = keys.expires_at.unwrap_or(SystemTime::UNIX_EPOCH);
            let since = expires.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            (keys.access_key_id, since.as_secs())
        });
        assert_eq!(found, keys.map(|(id, expires)| (id.to_owned(), expires)));
        assert_eq!(document.refusal().as_deref(), refusal);
    }

    #[test]
    fn documents_are_read_in_both_spellings() {
        check(
            r#"{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"s","Token":"t",
                "Expiration":"2026-01-02T03:04:05Z"}"#,
            Some(("A", 1_767_323_045)),
            None,
        );
        check(
            r#"{"AccessKeyId":"A","SecretAccessKey":"s","Token":"t",
                "Expiration":"2026-01-02T04:04:05.5+01:00","RoleArn":"r","AccountId":"1"}"#,
            Some(("A", 1_767_323_045)),
            None,
        );
        check(
            r#"{"AccessKeyId":"A","SecretAccessKey":"s"}"#,
            Some(("A", 0)),
            None,
        );
        check(
            r#"{"code":"Denied","message":"no"}"#,
            None,
            Some("Denied: no"),
        );
        check(
            r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"trust"}"#,
            None,
            Some("AssumeRoleUnauthorizedAccess: trust"),
        );
        check(
            r#"{"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"soon"}"#,
            None,
            None,
        );
        assert!(Document::read("<html>").is_none());
    }
}

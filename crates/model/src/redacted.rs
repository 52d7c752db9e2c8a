//! What debug output shows in place of a secret.

use std::fmt;

/// Stands for a sensitive member: `…` if it is set, `None` if it is not.
pub(crate) struct Redacted(pub(crate) bool);

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "…" } else { "None" })
    }
}

#[cfg(test)]
mod tests {
    use crate::shapes::{ContainerDefinition, KeyValuePair, Session};

    #[test]
    fn secrets_do_not_reach_debug_output() {
        let pair = KeyValuePair {
            name: Some("PASSWORD".into()),
            value: Some("hunter2".into()),
        };
        assert_eq!(
            format!("{pair:?}"),
            "KeyValuePair { name: Some(\"PASSWORD\"), value: … }"
        );
        let container = ContainerDefinition {
            environment: Some(vec![pair]),
            ..Default::default()
        };
        assert!(format!("{container:?}").contains("environment: …"));
        let session = Session {
            token_value: Some("hunter2".into()),
            ..Session::default()
        };
        assert!(!format!("{session:?}").contains("hunter2"));
    }
}

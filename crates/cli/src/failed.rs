//! Why a command could not do what it was asked: one sentence.

use std::fmt;

/// A sentence for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed(String);

impl Failed {
    /// The exit code of commands other than `run`.
    pub(crate) const EXIT_CODE: u8 = 1;

    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<client::Error> for Failed {
    fn from(error: client::Error) -> Self {
        Self(with_advice(&error, &error))
    }
}

/// `text` is what is said of the error.
pub(crate) fn with_advice(text: impl fmt::Display, error: &client::Error) -> String {
    match advice(error) {
        Some(advice) => format!("{text}; {advice}"),
        None => text.to_string(),
    }
}

fn advice(error: &client::Error) -> Option<&'static str> {
    use client::ErrorKind;
    match error.kind() {
        ErrorKind::Signature(_) => Some(
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for a server of this machine with \
             `eval \"$(longshore env)\"`, and the clock",
        ),
        ErrorKind::Connect(_) => {
            Some("check --endpoint-url and AWS_ENDPOINT_URL_ECS, and that the server runs")
        }
        _ if error.code() == Some("ClusterNotFoundException") => {
            Some("check --cluster; `aws ecs list-clusters` lists what there is")
        }
        _ => None,
    }
}

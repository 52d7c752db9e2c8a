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
        match error.kind() {
            client::ErrorKind::Signature(_) => Self(format!(
                "{error}; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for a server of this \
                 machine with `eval \"$(longshore env)\"`, and the clock"
            )),
            _ => Self(error.to_string()),
        }
    }
}

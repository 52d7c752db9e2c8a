//! What comes back with a result or an error besides the payload.

use std::ops::Deref;
use std::time::Duration;

/// A successful answer. It reads as the operation's output.
///
/// Success of the call is not success of the work: `RunTask` answers 200 also when it
/// placed nothing; look at `failures`.
#[derive(Debug, Clone)]
pub struct Response<T> {
    output: T,
    metadata: Metadata,
}

impl<T> Response<T> {
    pub(crate) fn new(output: T, metadata: Metadata) -> Self {
        Self { output, metadata }
    }

    /// Request id, attempts, token, status, headers.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The output alone.
    pub fn into_output(self) -> T {
        self.output
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.output
    }
}

/// The facts of an exchange.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    pub(crate) token: Option<String>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Metadata {
    /// The id under which the service knows the last attempt.
    pub fn request_id(&self) -> Option<&str> {
        self.attempts.last()?.request_id.as_deref()
    }

    /// HTTP status of the last attempt; `None` when it got no answer.
    pub fn status(&self) -> Option<u16> {
        self.attempts.last()?.status
    }

    /// The idempotency token that was sent, whoever chose it.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// How many requests were sent.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX)
    }

    /// Every attempt in order, the last one included.
    pub fn attempt_list(&self) -> &[Attempt] {
        &self.attempts
    }

    /// A header of the last answer; names are compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// The service's error code, when the answer was an error.
    pub code: Option<String>,
    /// The id the service gave it.
    pub request_id: Option<String>,
    /// How long was waited since the end of the attempt before it.
    pub waited: Duration,
    /// How long it took.
    pub took: Duration,
}

//! What comes back with a result or an error besides the payload.

use std::ops::Deref;
use std::time::{Duration, SystemTime};

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
    pub(crate) timing: Option<Timing>,
    pub(crate) stopped_by_quota: bool,
}

/// When an answer came, by our clock and by that of whoever sent it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    answered_at: SystemTime,
    server_time: Option<SystemTime>,
    pub(crate) skew_millis: i64,
}

impl Timing {
    /// The service read the clock somewhere between sending and answering: the middle is
    /// the best guess.
    pub(crate) fn new(sent_at: SystemTime, answered_at: SystemTime, date: Option<&str>) -> Self {
        let server_time = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let took = answered_at.duration_since(sent_at).unwrap_or_default();
        let ours = sent_at + took / 2;
        Self {
            answered_at,
            server_time,
            skew_millis: server_time.map_or(0, |theirs| millis_between(ours, theirs)),
        }
    }
}

fn millis_between(from: SystemTime, to: SystemTime) -> i64 {
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    match to.duration_since(from) {
        Ok(ahead) => millis(ahead),
        Err(behind) => -millis(behind.duration()),
    }
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

    /// When the head of the last answer came, by our clock.
    pub fn answered_at(&self) -> Option<SystemTime> {
        self.timing.map(|timing| timing.answered_at)
    }

    /// The `Date` of the last answer; `None` when it has none or one that cannot be read.
    pub fn server_time(&self) -> Option<SystemTime> {
        self.timing?.server_time
    }

    /// By how many milliseconds the service's clock is ahead of ours, to the second that
    /// `Date` tells; negative when it is behind, 0 when unknown.
    pub fn clock_skew_millis(&self) -> i64 {
        self.timing.map_or(0, |timing| timing.skew_millis)
    }

    /// The headers of the last answer in the order in which they came.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
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
    /// How long the retry rules waited before it.
    pub waited: Duration,
    /// How long it took.
    pub took: Duration,
}

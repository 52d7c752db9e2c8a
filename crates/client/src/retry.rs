//! Which failures are worth another attempt, and how often and how long is waited.
//!
//! ECS marks none of its errors as retryable, so only the general lists of AWS count.
//! Two more are ours: a throttle of a service behind ECS that arrives as a plain
//! `ClientException` or `ServerException`, told by its message; and the codes that
//! always mean a wrong clock.

use std::time::Duration;

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_smithy_types::retry::{ErrorKind, RetryConfig};

/// Standard retries: exponential backoff with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, the first included. Default 3; 1 switches retries off.
    pub max_attempts: u32,
    /// Upper bound of the first wait; it doubles with each further one. Default 1 s.
    pub initial_backoff: Duration,
    /// Upper bound of every wait. Default 20 s.
    pub max_backoff: Duration,
    /// Slows the whole client down while the service throttles. Default no.
    pub adaptive: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(20),
            adaptive: false,
        }
    }
}

impl Retry {
    /// One attempt only.
    pub fn never() -> Self {
        Self {
            max_attempts: 1,
            ..Self::default()
        }
    }

    pub(crate) fn to_smithy(self) -> RetryConfig {
        let mode = if self.adaptive {
            RetryConfig::adaptive()
        } else {
            RetryConfig::standard()
        };
        mode.with_max_attempts(self.max_attempts)
            .with_initial_backoff(self.initial_backoff)
            .with_max_backoff(self.max_backoff)
    }
}

/// Why an answer of the service deserves another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The caller is too fast. Costs half as much of the retry quota.
    Throttled,
    /// The service could not, this time.
    Transient,
    /// The request's date was wrong; the next attempt carries the server's.
    Clock,
}

impl Reason {
    /// Judges an error answer. Cases that need the measured clock offset are left to
    /// the pipeline.
    pub(crate) fn of(code: Option<&str>, status: u16, message: &str) -> Option<Self> {
        match code {
            Some(code) if THROTTLING_ERRORS.contains(&code) => Some(Self::Throttled),
            Some("ClientException" | "ServerException") if speaks_of_throttling(message) => {
                Some(Self::Throttled)
            }
            Some(code) if TRANSIENT_ERRORS.contains(&code) => Some(Self::Transient),
            Some("RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture") => {
                Some(Self::Clock)
            }
            _ if matches!(status, 500 | 502 | 503 | 504) => Some(Self::Transient),
            _ => None,
        }
    }

    pub(crate) fn to_smithy(self) -> ErrorKind {
        match self {
            Self::Throttled => ErrorKind::ThrottlingError,
            Self::Transient => ErrorKind::TransientError,
            Self::Clock => ErrorKind::ServerError,
        }
    }
}

fn speaks_of_throttling(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["rate exceeded", "too many concurrent", "throttl"]
        .iter()
        .any(|text| message.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, status: u16, message: &str, reason: Option<Reason>) {
        let code = (!code.is_empty()).then_some(code);
        assert_eq!(
            Reason::of(code, status, message),
            reason,
            "{code:?} {status} {message}"
        );
    }

    #[test]
    fn answers_are_judged_by_code_status_and_text() {
        check(
            "ThrottlingException",
            400,
            "Rate exceeded",
            Some(Reason::Throttled),
        );
        check("LimitExceededException", 400, "", Some(Reason::Throttled));
        check(
            "ClientException",
            400,
            "Too many concurrent attempts",
            Some(Reason::Throttled),
        );
        check("ClientException", 400, "Role is not valid", None);
        check("InvalidParameterException", 400, "Rate exceeded", None);
        check("RequestTimeout", 400, "", Some(Reason::Transient));
        check("RequestTimeTooSkewed", 403, "", Some(Reason::Clock));
        check("AccessDeniedException", 400, "", None);
        for status in [500, 502, 503, 504] {
            check("ServerException", status, "", Some(Reason::Transient));
            check("", status, "", Some(Reason::Transient));
        }
        check("", 501, "", None);
        check("", 404, "", None);
    }
}

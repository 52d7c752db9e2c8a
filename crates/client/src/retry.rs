//! Which failures are worth another attempt, and how often and how long is waited.
//!
//! ECS marks none of its errors as retryable, so only the general lists of AWS count.
//! Two more are ours: a throttle of a service behind ECS that arrives as a plain
//! `ClientException` or `ServerException`, told by its message; and the codes that
//! always mean a wrong clock.

use std::time::Duration;

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_smithy_runtime::client::retries::{ClientRateLimiter, RetryPartition, TokenBucket};
use aws_smithy_types::retry::{ErrorKind, RetryConfig, RetrySpec};

/// How failed attempts are repeated: exponential backoff with full jitter, within a quota
/// that all calls of a client share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, the first included. Default 3; 1 switches retries off.
    pub max_attempts: u32,
    /// Upper bound of the first wait; it doubles with each further one. Default 1 s. Under
    /// the [rules of 2026](RetryRules::From2026) for throttles only: other failures begin
    /// at 50 ms.
    pub initial_backoff: Duration,
    /// Upper bound of every wait. Default 20 s.
    pub max_backoff: Duration,
    /// Slows the whole client down while the service throttles. Default no.
    pub adaptive: bool,
    /// What attempts cost and how long is waited. Default [`RetryRules::Classic`].
    pub rules: RetryRules,
    /// Takes a `ClientException` or `ServerException` that speaks of throttling for a
    /// throttle of a service behind ECS. The SDKs do not. Default yes.
    pub hidden_throttles: bool,
}

/// The two sets of rules that the AWS SDKs have. The quota holds 500 units in both. A
/// success after retries gives back what the last one has cost, a success at once gives
/// back 1 unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RetryRules {
    /// In force by default: 5 units for a throttle, 10 for another failure. A wait that
    /// the service asks for (`x-amz-retry-after`, in milliseconds) replaces the computed
    /// one, up to [`Retry::max_backoff`].
    #[default]
    Classic,
    /// What `AWS_NEW_RETRIES_2026=true` chooses: 5 units for a throttle, 14 for another
    /// failure. A wait that the service asks for counts between the computed one and 5 s
    /// more.
    From2026,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(20),
            adaptive: false,
            rules: RetryRules::Classic,
            hidden_throttles: true,
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
        let spec = match self.rules {
            RetryRules::Classic => RetrySpec::v2_0(),
            RetryRules::From2026 => RetrySpec::v2_1(),
        };
        let spec = match self.rules {
            RetryRules::Classic => spec.with_non_throttling_initial_backoff(self.initial_backoff),
            RetryRules::From2026 => spec,
        };
        mode.with_max_attempts(self.max_attempts)
            .with_initial_backoff(self.initial_backoff)
            .with_max_backoff(self.max_backoff)
            .with_retry_spec(spec)
    }

    pub(crate) fn reading(self) -> Reading {
        if self.hidden_throttles {
            Reading::Lenient
        } else {
            Reading::Strict
        }
    }
}

/// The retry quotas of one client: one per set of rules, because costs differ. Calls share
/// them, other clients of the process do not.
#[derive(Debug)]
pub(crate) struct Quotas {
    classic: RetryPartition,
    from_2026: RetryPartition,
}

impl Quotas {
    pub(crate) fn new(name: &'static str) -> Self {
        let pace = ClientRateLimiter::builder().build();
        let partition = |costs: TokenBucket| {
            RetryPartition::custom(name)
                .token_bucket(costs)
                .client_rate_limiter(pace.clone())
                .build()
        };
        let from_2026 = TokenBucket::builder()
            .retry_cost(14)
            .timeout_retry_cost(14)
            .throttling_retry_cost(5);
        Self {
            classic: partition(TokenBucket::default()),
            from_2026: partition(from_2026.build()),
        }
    }

    pub(crate) fn of(&self, rules: RetryRules) -> RetryPartition {
        match rules {
            RetryRules::Classic => self.classic.clone(),
            RetryRules::From2026 => self.from_2026.clone(),
        }
    }
}

/// Whether messages are looked into for throttles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Lenient,
    Strict,
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
    pub(crate) fn of(code: &str, status: u16, message: &str, rules: Reading) -> Option<Self> {
        match code {
            code if THROTTLING_ERRORS.contains(&code) => Some(Self::Throttled),
            "ClientException" | "ServerException"
                if rules == Reading::Lenient && speaks_of_throttling(message) =>
            {
                Some(Self::Throttled)
            }
            code if TRANSIENT_ERRORS.contains(&code) => Some(Self::Transient),
            "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => Some(Self::Clock),
            _ => Self::of_status(status),
        }
    }

    /// Judges an error answer that has no code.
    pub(crate) fn of_status(status: u16) -> Option<Self> {
        matches!(status, 500 | 502 | 503 | 504).then_some(Self::Transient)
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
        assert_eq!(
            Reason::of(code, status, message, Reading::Lenient),
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

    #[test]
    fn a_strict_reading_looks_at_codes_only() {
        for code in ["ClientException", "ServerException"] {
            let strict = Reason::of(code, 400, "Rate exceeded", Reading::Strict);
            assert_eq!(strict, None, "{code}");
        }
        let plain = Reason::of("ThrottlingException", 400, "", Reading::Strict);
        assert_eq!(plain, Some(Reason::Throttled));
    }
}

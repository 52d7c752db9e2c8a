//! What a failed call says: what happened, at which service and operation, in which
//! attempts, and whether repeating it can help.

use std::fmt;

use model::errors::ErrorCode;

use crate::response::Metadata;
use crate::retry::Reason;

/// A failed call. `Display` is one line with everything a person needs.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    call: Box<Call>,
}

/// The call that failed.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) metadata: Metadata,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The options of the call cannot be used; nothing was sent.
    Config(String),
    /// The input cannot be right; nothing was sent.
    Validation {
        /// Required members that are absent:
        /// `networkConfiguration.awsvpcConfiguration.subnets`.
        missing: Vec<String>,
        /// Limits and exclusions that are not kept, a sentence each: `count: 11 is not
        /// between 1 and 10`.
        broken: Vec<String>,
    },
    /// The request could not be made; nothing was sent.
    Request(String),
    /// The token provider failed; nothing was sent.
    Token(String),
    /// There are no credentials; nothing was sent.
    Credentials(String),
    /// No connection came about: refused, unknown host, TLS.
    Connect(String),
    /// The connection broke while sending or receiving. The request may have been served.
    Transport(String),
    /// A time limit ran out. The request may have been served.
    Timeout(Timeout),
    /// The caller canceled the call. A request that was sent may have been served.
    Canceled,
    /// Something answered that does not speak the protocol; `beginning` is the first
    /// 256 bytes of what it said.
    Protocol {
        status: u16,
        problem: String,
        beginning: String,
    },
    /// The service refused the signature or the key that made it.
    Signature(ServiceError),
    /// The service says the caller is too fast, also after the retries.
    Throttled(ServiceError),
    /// The account has as much of something as it may have.
    Quota(ServiceError),
    /// Any other error of the service.
    Service(ServiceError),
}

/// An error answer of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// Name of the error without namespace: `ClusterNotFoundException`.
    pub code: String,
    /// The service's words.
    pub message: String,
    /// For `ConflictException`: ARNs of the tasks that the earlier call with the same
    /// token started.
    pub resource_ids: Vec<String>,
    /// HTTP status.
    pub status: u16,
    /// What the rules of this call make of it.
    pub(crate) reason: Option<Reason>,
}

/// Which time limit ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// Opening the connection, TLS included.
    Connect,
    /// From sending the request to the head of the answer.
    Read,
    /// The body of the answer came too slowly, or not at all.
    Stalled,
    /// One attempt, from choosing the key to the last byte of the answer.
    Attempt,
    /// The whole call with all attempts and waits.
    Operation,
}

/// Codes with which services refuse a signature or a key.
const SIGNATURE_CODES: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Codes that say that a quota of the account is used up. ECS declares the first two.
const QUOTA_CODES: &[&str] = &[
    "AttributeLimitExceededException",
    "LimitExceededException",
    "ServiceQuotaExceededException",
];

impl ServiceError {
    /// The error as the model of ECS knows it, for a `match`; `None` for one that the model
    /// does not know. Besides what every AWS service may answer, `RunTask` declares
    /// `AccessDeniedException`, `BlockedException`, `ClientException`,
    /// `ClusterNotFoundException`, `ConflictException`, `InvalidParameterException`,
    /// `PlatformTaskDefinitionIncompatibilityException`, `PlatformUnknownException`,
    /// `ServerException` and `UnsupportedFeatureException`.
    pub fn modeled(&self) -> Option<ErrorCode> {
        ErrorCode::from_name(&self.code)
    }

    pub(crate) fn into_kind(self) -> ErrorKind {
        if QUOTA_CODES.contains(&self.code.as_str()) {
            ErrorKind::Quota(self)
        } else if self.reason == Some(Reason::Throttled) {
            ErrorKind::Throttled(self)
        } else if SIGNATURE_CODES.contains(&self.code.as_str()) {
            ErrorKind::Signature(self)
        } else {
            ErrorKind::Service(self)
        }
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, call: Call) -> Self {
        Self {
            kind,
            call: Box::new(call),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The service's error, when it was the service that said no.
    pub fn service_error(&self) -> Option<&ServiceError> {
        match &self.kind {
            ErrorKind::Service(error)
            | ErrorKind::Throttled(error)
            | ErrorKind::Quota(error)
            | ErrorKind::Signature(error) => Some(error),
            _ => None,
        }
    }

    /// The name of the service's error: `ClusterNotFoundException`.
    pub fn code(&self) -> Option<&str> {
        self.service_error().map(|error| error.code.as_str())
    }

    /// The service's error as the model of ECS knows it: [`ServiceError::modeled`].
    pub fn modeled(&self) -> Option<ErrorCode> {
        self.service_error()?.modeled()
    }

    /// The service's words, or ours when the call did not get that far.
    pub fn message(&self) -> String {
        match self.service_error() {
            Some(error) if !error.message.is_empty() => error.message.clone(),
            _ => self.kind.to_string(),
        }
    }

    /// Whether the same call may succeed later. Repeat it with the same
    /// [token](Self::token), then it cannot take effect twice.
    pub fn is_retryable(&self) -> bool {
        self.reason().is_some()
    }

    /// Whether the service asks for a slower pace.
    pub fn is_throttle(&self) -> bool {
        self.reason() == Some(Reason::Throttled)
    }

    /// Whether something went wrong that is no statement about the request: a broken
    /// connection, a time limit, a server error.
    pub fn is_transient(&self) -> bool {
        self.reason() == Some(Reason::Transient)
    }

    fn reason(&self) -> Option<Reason> {
        match &self.kind {
            ErrorKind::Connect(_) | ErrorKind::Transport(_) | ErrorKind::Timeout(_) => {
                Some(Reason::Transient)
            }
            ErrorKind::Protocol { status, .. } => Reason::of_status(*status),
            _ => self.service_error()?.reason,
        }
    }

    /// Whether attempts were left, but this client's retry quota was used up
    /// ([`RetryRules`](crate::RetryRules) says what an attempt costs).
    pub fn is_stopped_by_quota(&self) -> bool {
        self.call.metadata.stopped_by_quota
    }

    /// The id under which the service knows the last attempt.
    pub fn request_id(&self) -> Option<&str> {
        self.call.metadata.request_id()
    }

    /// How many requests were sent.
    pub fn attempts(&self) -> u32 {
        self.call.metadata.attempts()
    }

    /// The idempotency token of the call: the caller's or the one filled in.
    pub fn token(&self) -> Option<&str> {
        self.call.metadata.token()
    }

    /// Everything known about the exchange.
    pub fn metadata(&self) -> &Metadata {
        &self.call.metadata
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.call.service, self.call.operation, self.kind
        )?;
        let mut facts = Vec::new();
        if let Some(error) = self.service_error() {
            facts.push(format!("status {}", error.status));
        }
        if self.attempts() > 1 {
            facts.push(format!("after {} attempts", self.attempts()));
        }
        if self.is_stopped_by_quota() {
            facts.push("retry quota used up".to_owned());
        }
        if let Some(id) = self.request_id() {
            facts.push(format!("request id {id}"));
        }
        if facts.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", facts.join(", "))
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Validation { missing, broken } => {
                let mut problems = broken.clone();
                if !missing.is_empty() {
                    problems.insert(0, format!("required and not given: {}", missing.join(", ")));
                }
                f.write_str(&problems.join("; "))
            }
            Self::Config(problem) => f.write_str(problem),
            Self::Canceled => f.write_str("canceled by the caller"),
            Self::Request(problem) => write!(f, "the request cannot be made: {problem}"),
            Self::Token(problem) => write!(f, "no idempotency token: {problem}"),
            Self::Credentials(problem) => write!(f, "no credentials: {problem}"),
            Self::Connect(problem) => write!(f, "no connection: {problem}"),
            Self::Transport(problem) => write!(f, "the connection broke: {problem}"),
            Self::Timeout(which) => write!(f, "{which}"),
            Self::Protocol {
                status,
                problem,
                beginning,
            } => {
                write!(
                    f,
                    "unexpected answer with status {status}: {problem}; it begins {beginning:?}"
                )
            }
            Self::Signature(error)
            | Self::Throttled(error)
            | Self::Quota(error)
            | Self::Service(error) => write!(f, "{error}"),
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if !self.resource_ids.is_empty() {
            write!(f, " [{}]", self.resource_ids.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection within the connect limit",
            Self::Read => "no answer within the read limit",
            Self::Stalled => "the answer stopped coming",
            Self::Attempt => "no answer within the limit of one attempt",
            Self::Operation => "no answer within the limit of the whole call",
        })
    }
}

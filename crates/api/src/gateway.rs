//! What stands behind the HTTP server, and the words the two exchange.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use model::errors::ErrorCode;

use crate::fault::Fault;

/// What stands behind the HTTP server; implemented by the composition root (writer queue,
/// snapshots, log store).
///
/// A call's future is dropped when its client hangs up; what must not stop half-way belongs to
/// somebody else by then. A panic inside is answered with `ServerException` and logged.
#[async_trait]
pub trait Gateway: Send + Sync + 'static {
    /// Is there such an operation? Asked before authentication, as on AWS: must not depend on
    /// anything but the two arguments.
    fn knows(&self, service: Service, operation: &str) -> bool;

    /// How a call that is about to run is to go wrong. Asked once for each call; `None` for all of
    /// them by default.
    fn fault(&self, _request: &Request) -> Option<Fault> {
        None
    }

    /// Runs one operation; the answer is the JSON object of its output.
    async fn call(&self, request: Request) -> Result<Bytes, ApiError>;

    /// Answers `/metrics` and the paths under `/_longshore/v1/`; `None` where nothing lies.
    async fn extension(
        &self,
        request: ExtensionRequest,
    ) -> Option<Result<ExtensionReply, ApiError>>;
}

/// The APIs on this port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon ECS.
    Ecs,
    /// The part of CloudWatch Logs that callers of ECS read task output with.
    Logs,
}

impl Service {
    /// The name in a credential scope.
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Logs => "logs",
        }
    }

    /// What precedes the operation in `X-Amz-Target`, up to the dot. Case-sensitive.
    pub const fn target_prefix(self) -> &'static str {
        match self {
            Self::Ecs => "AmazonEC2ContainerServiceV20141113",
            Self::Logs => "Logs_20140328",
        }
    }
}

/// Who asks. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub principal_arn: Arc<str>,
    /// Twelve digits.
    pub account: Arc<str>,
    pub access_key_id: Arc<str>,
    /// The region the request is signed for.
    pub region: Arc<str>,
}

/// The header that asks for a read to lag behind writes, for example `2s` or `500ms`.
pub const CONSISTENCY_DELAY: &str = "x-longshore-consistency-delay";

/// An authenticated call of an operation that the gateway knows.
#[derive(Clone, Debug)]
pub struct Request {
    pub service: Service,
    pub operation: String,
    pub caller: Caller,
    /// The UUID that also stands in the answer's `x-amzn-RequestId`.
    pub request_id: String,
    /// How far the answer to a read may lag behind writes, where the request says so in
    /// [`CONSISTENCY_DELAY`].
    pub consistency_delay: Option<Duration>,
    /// A JSON object, well-formed; its members are not checked.
    pub body: Bytes,
}

/// A request to a path outside the AWS protocols.
#[derive(Clone, Debug)]
pub struct ExtensionRequest {
    pub method: Method,
    /// As received: `/metrics` or `/_longshore/v1/…`.
    pub path: String,
    /// As received, without the question mark; empty if there is none.
    pub query: String,
    /// `None` only for `/metrics` when the configuration opens it to everybody.
    pub caller: Option<Caller>,
    pub request_id: String,
    pub body: Bytes,
}

/// What an extension path answers, with status 200.
#[derive(Clone, Debug)]
pub struct ExtensionReply {
    pub content_type: &'static str,
    pub body: Bytes,
}

impl ExtensionReply {
    pub fn json(body: Bytes) -> Self {
        Self {
            content_type: "application/json",
            body,
        }
    }
}

/// A request's bad end, in words for two audiences.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The name that goes into `__type`.
    pub code: Cow<'static, str>,
    /// 400–599; anything else is sent as 500.
    pub status: u16,
    /// For the caller. Empty: the body has no `message`.
    pub message: String,
    /// Only `ConflictException` has them: the ARNs of the tasks that belong to the token.
    pub resource_ids: Option<Vec<String>>,
    /// For the operator's log only.
    pub detail: Option<String>,
}

impl ApiError {
    /// A modelled error, with the status it has in the model.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::named(code.name(), code.status(), message)
    }

    /// An error outside the ECS model.
    pub fn named(
        code: impl Into<Cow<'static, str>>,
        status: u16,
        message: impl Into<String>,
    ) -> Self {
        let (code, message) = (code.into(), message.into());
        Self {
            code,
            status,
            message,
            resource_ids: None,
            detail: None,
        }
    }

    /// A fault of ours: the caller may try again, the operator learns what broke.
    pub fn internal(detail: impl Into<String>) -> Self {
        let error = Self::new(
            ErrorCode::ServerException,
            "An internal error occurred. Try again.",
        );
        Self {
            detail: Some(detail.into()),
            ..error
        }
    }
}

//! Which answers are worth another attempt, and when the service wants it.
//!
//! One classifier instead of the three of the runtime that look at status, model and code:
//! an answer is judged once, where it is read ([`Reason`](crate::retry::Reason)), and the
//! wait that the service asks for belongs to whatever the judgement is.

use std::error::Error as _;
use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::context::{Error, InterceptorContext};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryReason,
};
use aws_smithy_types::retry::ProvideErrorKind;
use http_body_util::LengthLimitError;

use crate::fault::Fault;

#[derive(Debug)]
pub(crate) struct AnswerClassifier;

impl ClassifyRetry for AnswerClassifier {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(|result| result.err());
        if error.is_some_and(is_too_long) {
            return RetryAction::RetryForbidden;
        }
        let fault = error
            .and_then(|error| error.as_operation_error())
            .and_then(|error| error.downcast_ref::<Fault>());
        match fault.and_then(Fault::retryable_error_kind) {
            Some(kind) => RetryAction::RetryIndicated(RetryReason::RetryableError {
                kind,
                retry_after: retry_after(context),
            }),
            None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "AnswerClassifier"
    }
}

/// An answer beyond all limits will not be shorter next time, and the work is done.
fn is_too_long(error: &OrchestratorError<Error>) -> bool {
    error.is_response_error()
        && std::iter::successors(error.source(), |&error| error.source())
            .any(|error| error.is::<LengthLimitError>())
}

/// `x-amz-retry-after` counts milliseconds; what cannot be read is ignored.
fn retry_after(context: &InterceptorContext) -> Option<Duration> {
    let header = context.response()?.headers().get("x-amz-retry-after")?;
    header.trim().parse().ok().map(Duration::from_millis)
}

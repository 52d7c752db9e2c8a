//! Which answers are worth another attempt, and when the service wants it.
//!
//! One classifier instead of the three of the runtime that look at status, model and code:
//! an answer is judged once, where it is read ([`Reason`](crate::retry::Reason)), and the
//! wait that the service asks for belongs to whatever the judgement is.

use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryReason,
};
use aws_smithy_types::retry::ProvideErrorKind;

use crate::fault::Fault;

#[derive(Debug)]
pub(crate) struct AnswerClassifier;

impl ClassifyRetry for AnswerClassifier {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(|result| result.err());
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

/// `x-amz-retry-after` counts milliseconds; what cannot be read is ignored.
fn retry_after(context: &InterceptorContext) -> Option<Duration> {
    let header = context.response()?.headers().get("x-amz-retry-after")?;
    header.trim().parse().ok().map(Duration::from_millis)
}

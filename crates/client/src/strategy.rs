//! The retry strategy of one call: the runtime's, with its decisions written down.
//!
//! The runtime gives the last error back without a word about why it stopped; here the
//! quota is told apart from the number of attempts. Made anew for each call, because the
//! strategy holds the quota that the call has taken.

use std::mem::ManuallyDrop;

use aws_smithy_runtime::client::retries::classifiers::run_classifiers_on_ctx;
use aws_smithy_runtime::client::retries::strategy::StandardRetryStrategy;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::{RequestAttempts, RetryStrategy, ShouldAttempt};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;

use crate::record::Recorder;

#[derive(Debug)]
pub(crate) struct Strategy {
    /// Never dropped: that would give back the quota that a failed call has used. What a
    /// call that succeeds has used is given back before.
    standard: ManuallyDrop<StandardRetryStrategy>,
    recorder: Recorder,
}

impl Strategy {
    pub(crate) fn new(recorder: Recorder) -> Self {
        Self {
            standard: ManuallyDrop::new(StandardRetryStrategy::new()),
            recorder,
        }
    }
}

impl RetryStrategy for Strategy {
    fn should_attempt_initial_request(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<ShouldAttempt, BoxError> {
        self.standard
            .should_attempt_initial_request(components, config)
    }

    fn should_attempt_retry(
        &self,
        context: &InterceptorContext,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<ShouldAttempt, BoxError> {
        let decision = self
            .standard
            .should_attempt_retry(context, components, config)?;
        match &decision {
            ShouldAttempt::No => {
                let verdict = run_classifiers_on_ctx(components.retry_classifiers(), context);
                if verdict.should_retry() && has_attempts_left(config) {
                    self.recorder.stopped_by_quota();
                }
            }
            ShouldAttempt::YesAfterDelay(delay) => self.recorder.will_wait(*delay),
            ShouldAttempt::Yes => {}
        }
        Ok(decision)
    }
}

fn has_attempts_left(config: &ConfigBag) -> bool {
    let made = config
        .load::<RequestAttempts>()
        .map_or(0, RequestAttempts::attempts);
    let most = config
        .load::<RetryConfig>()
        .map_or(1, RetryConfig::max_attempts);
    made < most
}

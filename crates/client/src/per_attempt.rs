//! The two headers by which a service recognises the attempts of one call:
//! `amz-sdk-invocation-id`, the same for all of them, and `amz-sdk-request`, which counts.

use std::time::SystemTime;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use aws_smithy_types::retry::RetryConfig;

use crate::record::Recorder;

/// Sets both headers. The runtime's own interceptors do the same except for two things:
/// they tell no deadline, and they cannot have their headers signed.
#[derive(Debug)]
pub(crate) struct PerAttempt {
    pub(crate) invocation_id: String,
    pub(crate) deadline: Option<SystemTime>,
    pub(crate) recorder: Recorder,
    /// Signed as by the SDK for Go, or set after signing as by the SDK for Rust.
    pub(crate) is_signed: bool,
}

impl PerAttempt {
    fn set(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.try_insert("amz-sdk-invocation-id", self.invocation_id.clone())?;
        headers.try_insert("amz-sdk-request", self.count(config)?)?;
        Ok(())
    }

    /// The first attempt needs no `ttl`: a service uses it to drop repeated requests that
    /// nobody waits for any more.
    fn count(&self, config: &ConfigBag) -> Result<String, BoxError> {
        let attempt = config
            .load::<RequestAttempts>()
            .map_or(1, RequestAttempts::attempts);
        let most = config
            .load::<RetryConfig>()
            .map_or(1, RetryConfig::max_attempts);
        let count = format!("attempt={attempt}; max={most}");
        match self.deadline {
            Some(deadline) if attempt > 1 => {
                let ttl = amz_date(deadline, self.recorder.skew_millis())?;
                Ok(format!("ttl={ttl}; {count}"))
            }
            _ => Ok(count),
        }
    }
}

/// `20260102T030405Z`, by the service's clock.
fn amz_date(time: SystemTime, skew_millis: i64) -> Result<String, BoxError> {
    let time = DateTime::from(time);
    let time = DateTime::from_secs(time.secs().saturating_add(skew_millis / 1000));
    let text = time.fmt(Format::DateTime)?;
    Ok(text.chars().filter(|c| !matches!(c, '-' | ':')).collect())
}

impl Intercept for PerAttempt {
    fn name(&self) -> &'static str {
        "PerAttempt"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.is_signed {
            self.set(context, config)?;
        }
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if !self.is_signed {
            self.set(context, config)?;
        }
        Ok(())
    }
}

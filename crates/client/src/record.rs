//! The record of one call: every attempt, when it was answered, why no more was made.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::fault::Fault;
use crate::response::{Attempt, Metadata, Timing};

/// What the attempts of one call left behind.
#[derive(Debug, Default)]
struct Record {
    attempts: Vec<Attempt>,
    headers: Vec<(String, String)>,
    timing: Option<Timing>,
    stopped_by_quota: bool,
    /// The wait that the next attempt has behind it.
    waited: Duration,
    started: Option<SystemTime>,
}

impl Record {
    /// Ends the attempt that was started, if one was.
    fn finish(
        &mut self,
        now: Option<SystemTime>,
        response: Option<&HttpResponse>,
        code: Option<String>,
    ) {
        let Some(started) = self.started.take() else {
            return;
        };
        self.headers = response.map(headers).unwrap_or_default();
        self.attempts.push(Attempt {
            status: response.map(|response| response.status().as_u16()),
            code,
            request_id: response.and_then(request_id),
            waited: std::mem::take(&mut self.waited),
            took: now
                .and_then(|now| now.duration_since(started).ok())
                .unwrap_or_default(),
        });
    }
}

/// Writes the record of one call; made anew for each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Record>>);

impl Recorder {
    /// What is known of the call now that it is over. An attempt that was cut off counts
    /// as one without an answer.
    pub(crate) fn take(&self, token: Option<String>, now: SystemTime) -> Metadata {
        let mut record = std::mem::take(&mut *self.lock());
        record.finish(Some(now), None, None);
        Metadata {
            token,
            attempts: record.attempts,
            headers: record.headers,
            timing: record.timing,
            stopped_by_quota: record.stopped_by_quota,
        }
    }

    /// How long the call waits before the attempt that comes.
    pub(crate) fn will_wait(&self, delay: Duration) {
        self.lock().waited = delay;
    }

    /// The quota forbade an attempt that was due otherwise.
    pub(crate) fn stopped_by_quota(&self) {
        self.lock().stopped_by_quota = true;
    }

    /// By how many milliseconds the service's clock is ahead, as far as this call knows.
    pub(crate) fn skew_millis(&self) -> i64 {
        self.lock().timing.map_or(0, |timing| timing.skew_millis)
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    /// The last hook before the request leaves: attempts that fail earlier, for want of
    /// credentials, are not counted, for nothing was sent.
    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let now = components.time_source().map(|time| time.now());
        self.lock().started = now;
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut record = self.lock();
        let now = components.time_source().map(|time| time.now());
        if let Some((started, now)) = record.started.zip(now) {
            let date = context.response().headers().get("date");
            record.timing = Some(Timing::new(started, now, date));
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let now = components.time_source().map(|time| time.now());
        let code = context.output_or_error().and_then(|result| {
            let fault = result
                .err()?
                .as_operation_error()?
                .downcast_ref::<Fault>()?;
            fault.code().map(str::to_owned)
        });
        self.lock().finish(now, context.response(), code);
        Ok(())
    }
}

fn headers(response: &HttpResponse) -> Vec<(String, String)> {
    response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn request_id(response: &HttpResponse) -> Option<String> {
    ["x-amzn-requestid", "x-amz-requestid", "x-amz-request-id"]
        .iter()
        .find_map(|name| response.headers().get(name))
        .map(str::to_owned)
}

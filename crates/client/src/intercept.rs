//! Our hooks in the pipeline: user agent, size limit of answers, record of attempts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use http::{HeaderName, HeaderValue};
use http_body_util::Limited;

use crate::fault::Fault;
use crate::response::Attempt;
use crate::service::Service;

/// The longest answer that is read. Describing 100 tasks takes well under 2 MiB.
const MAX_BODY_BYTES: usize = 64 << 20;

/// Longest application id that services accept.
pub(crate) const MAX_APP_ID_CHARS: usize = 50;

/// Names this program to the service. Ours instead of the runtime's, because that one
/// names an SDK which this is not, and sends everything twice.
#[derive(Debug)]
pub(crate) struct UserAgent(String);

impl UserAgent {
    pub(crate) fn new(service: &Service, app_id: Option<&str>, environment: Option<&str>) -> Self {
        let mut text = format!(
            "longshore-client/{} ua/2.1 os/{} md/{} lang/rust api/{}#{}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            service.host_label,
            service.api_version,
        );
        for (key, value) in [("exec-env", environment), ("app", app_id)] {
            if let Some(value) = value {
                text.extend([" ", key, "/"]);
                text.extend(value.chars().map(token_char));
            }
        }
        Self(text)
    }
}

/// Keeps what a product token may hold, replaces the rest by a hyphen.
fn token_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c) {
        c
    } else {
        '-'
    }
}

impl Intercept for UserAgent {
    fn name(&self) -> &'static str {
        "UserAgent"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context
            .request_mut()
            .headers_mut()
            .try_insert("user-agent", self.0.clone())?;
        Ok(())
    }
}

/// Headers that the caller wants sent with one call; signed like ours.
#[derive(Debug)]
pub(crate) struct ExtraHeaders(Vec<(HeaderName, HeaderValue)>);

impl ExtraHeaders {
    /// Checks that names and values can be headers.
    pub(crate) fn new(headers: &[(String, String)]) -> Result<Self, String> {
        let check = |(name, value): &(String, String)| {
            let problem = format!("`{name}` cannot be a header with that value");
            let name = HeaderName::try_from(name.as_str()).map_err(|_| problem.clone())?;
            let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| problem)?;
            value.set_sensitive(true);
            Ok((name, value))
        };
        headers
            .iter()
            .map(check)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Intercept for ExtraHeaders {
    fn name(&self) -> &'static str {
        "ExtraHeaders"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        for (name, value) in &self.0 {
            headers.try_insert(name.clone(), value.clone())?;
        }
        Ok(())
    }
}

/// Stops reading an answer that never ends.
#[derive(Debug)]
pub(crate) struct BodyLimit;

impl Intercept for BodyLimit {
    fn name(&self) -> &'static str {
        "BodyLimit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let unlimited = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(unlimited, MAX_BODY_BYTES));
        Ok(())
    }
}

/// What the attempts of one call left behind.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) headers: Vec<(String, String)>,
    started: Option<SystemTime>,
    ended: Option<SystemTime>,
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
            waited: span(self.ended, Some(started)),
            took: span(Some(started), now),
        });
        self.ended = now;
    }
}

/// Writes the record of one call; made anew for each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Record>>);

impl Recorder {
    /// Takes the record; the call is over. An attempt that was cut off counts as one
    /// without an answer.
    pub(crate) fn take(&self, now: SystemTime) -> Record {
        let mut record = std::mem::take(&mut *self.lock());
        record.finish(Some(now), None, None);
        record
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

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let now = components.time_source().map(|time| time.now());
        let response = context.response();
        let code = context.output_or_error().and_then(|result| {
            let fault = result
                .err()?
                .as_operation_error()?
                .downcast_ref::<Fault>()?;
            fault.code().map(str::to_owned)
        });
        self.lock().finish(now, response, code);
        Ok(())
    }
}

fn span(from: Option<SystemTime>, to: Option<SystemTime>) -> std::time::Duration {
    let span = from
        .zip(to)
        .and_then(|(from, to)| to.duration_since(from).ok());
    span.unwrap_or_default()
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

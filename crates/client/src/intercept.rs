//! Our small hooks in the pipeline: user agent, headers of the caller, size limit of
//! answers.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http::{HeaderName, HeaderValue};
use http_body_util::Limited;

use crate::retry::Retry;
use crate::service::Service;

/// The longest answer that is read. Describing 100 tasks takes well under 2 MiB.
pub(crate) const MAX_BODY_BYTES: usize = 64 << 20;

/// Longest application id that services accept.
pub(crate) const MAX_APP_ID_CHARS: usize = 50;

/// Names this program to the service. Ours instead of the runtime's, because that one
/// names an SDK which this is not, and sends everything twice.
#[derive(Debug)]
pub(crate) struct UserAgent(String);

impl UserAgent {
    /// The retry mode goes last, as one of the letters that AWS gave to features.
    pub(crate) fn new(
        service: &Service,
        app_id: Option<&str>,
        environment: Option<&str>,
        retry: Retry,
    ) -> Self {
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
        text.push_str(if retry.adaptive { " m/F" } else { " m/E" });
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

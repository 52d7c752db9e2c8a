//! A log of requests and answers that can be read without learning a secret.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use crate::trace::Trace;

/// What is logged of the wire, as `tracing` events of level debug. Default: nothing.
///
/// Signatures, session tokens and the headers of [`CallOptions::header`] are left out;
/// from bodies, the values of environment variables, what `secrets` refer to, registry
/// credentials and session tokens. A body that is not JSON is only counted.
///
/// [`CallOptions::header`]: crate::CallOptions::header
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WireLog {
    /// Method, URL and headers of every request.
    pub request: bool,
    /// The body of every request.
    pub request_body: bool,
    /// Status and headers of every answer.
    pub response: bool,
    /// The body of every answer.
    pub response_body: bool,
}

const MARK: &str = "** redacted **";

/// Headers whose values are shown. Others may hold what a caller wants to keep.
const SHOWN_HEADERS: &[&str] = &[
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "content-length",
    "content-type",
    "date",
    "host",
    "user-agent",
    "x-amz-date",
    "x-amz-retry-after",
    "x-amz-target",
    "x-amzn-errortype",
    "x-amzn-requestid",
    "x-amz-requestid",
    "x-amzn-trace-id",
];

/// Members that are hidden whole, besides the values in lists of variables.
const HIDDEN_MEMBERS: &[&str] = &[
    "credentialsParameter",
    "repositoryCredentials",
    "tokenValue",
    "valueFrom",
];

/// Writes the log of one call.
#[derive(Debug)]
pub(crate) struct WireLogger {
    pub(crate) wanted: WireLog,
    pub(crate) trace: Trace,
}

impl Intercept for WireLogger {
    fn name(&self) -> &'static str {
        "WireLogger"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        if self.wanted.request {
            let headers = shown_headers(request.headers());
            let (method, uri) = (request.method(), request.uri());
            self.trace
                .say(|| tracing::debug!(method, uri, headers, "request"));
        }
        if self.wanted.request_body {
            let body = shown_body(request.body().bytes());
            self.trace.say(|| tracing::debug!(body, "request body"));
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if self.wanted.response {
            let headers = shown_headers(response.headers());
            let status = response.status().as_u16();
            self.trace
                .say(|| tracing::debug!(status, headers, "response"));
        }
        if self.wanted.response_body {
            let body = shown_body(response.body().bytes());
            self.trace.say(|| tracing::debug!(body, "response body"));
        }
        Ok(())
    }
}

fn shown_headers(headers: &Headers) -> String {
    let shown = headers.iter().map(|(name, value)| {
        let value = if SHOWN_HEADERS.contains(&name) {
            value
        } else {
            MARK
        };
        format!("{name}: {value}")
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn shown_body(body: Option<&[u8]>) -> String {
    let body = body.unwrap_or_default();
    match serde_json::from_slice::<Value>(body) {
        Ok(mut json) => {
            hide(&mut json);
            json.to_string()
        }
        Err(_) => format!("{} bytes", body.len()),
    }
}

fn hide(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(members) => {
            for (name, member) in members {
                if HIDDEN_MEMBERS.contains(&name.as_str()) {
                    *member = Value::from(MARK);
                } else if name == "environment" {
                    hide_variables(member);
                } else {
                    hide(member);
                }
            }
        }
        _ => {}
    }
}

/// Names of variables stay.
fn hide_variables(list: &mut Value) {
    for variable in list.as_array_mut().into_iter().flatten() {
        if let Some(value) = variable.get_mut("value") {
            *value = Value::from(MARK);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every member that the model calls sensitive, and the references of secrets.
    #[test]
    fn bodies_are_shown_without_their_secrets() {
        let body = json!({
            "overrides": {"containerOverrides": [
                {"name": "app", "environment": [{"name": "PASSWORD", "value": "hunter2"}]},
            ]},
            "containerDefinitions": [{
                "command": ["run"],
                "environment": [{"name": "A"}],
                "secrets": [{"name": "KEY", "valueFrom": "hunter2"}],
                "repositoryCredentials": {"credentialsParameter": "hunter2"},
            }],
            "session": {"sessionId": "s", "tokenValue": "hunter2"},
        });
        let shown = shown_body(Some(body.to_string().as_bytes()));
        assert!(!shown.contains("hunter2"), "{shown}");
        for kept in ["PASSWORD", "KEY", "\"A\"", "run", "app", "\"s\""] {
            assert!(shown.contains(kept), "{kept} in {shown}");
        }
        assert_eq!(shown_body(Some(b"<html>hunter2")), "13 bytes");
        assert_eq!(shown_body(None), "0 bytes");
    }
}

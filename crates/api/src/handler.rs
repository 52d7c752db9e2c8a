//! One request, from its head to its answer. Nothing here waits for anything but the body and the
//! gateway.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use hyper::body::Incoming;
use model::errors::ErrorCode;
use tokio::time::Instant;

use crate::auth::Authenticator;
use crate::config::{Clock, HttpConfig, HttpLimits, RequestIds};
use crate::fault::{Cut, Marks};
use crate::gateway::{
    ApiError, CONSISTENCY_DELAY, Caller, ExtensionRequest, Gateway, Request, Service,
};
use crate::hosts::Hosts;
use crate::reply::Response;
use crate::sigv4::SignedRequest;
use crate::{body, reply, target};

const METRICS: &str = "/metrics";
const EXTENSIONS: &str = "/_longshore/v1/";

/// Answers requests; shared by all connections.
pub(crate) struct Handler {
    gateway: Arc<dyn Gateway>,
    authenticator: Authenticator,
    hosts: Hosts,
    clock: Arc<dyn Clock>,
    request_ids: Arc<dyn RequestIds>,
    open_metrics: bool,
    limits: HttpLimits,
}

/// What the log line tells beyond the answer, as far as it got known.
#[derive(Default)]
struct About {
    operation: String,
    access_key_id: Option<Arc<str>>,
}

impl Handler {
    pub(crate) fn new(
        gateway: Arc<dyn Gateway>,
        config: HttpConfig,
        listen: std::net::IpAddr,
    ) -> Self {
        Self {
            gateway,
            authenticator: Authenticator::new(config.auth),
            hosts: Hosts::new(listen, config.allowed_hosts),
            clock: config.clock,
            request_ids: config.request_ids,
            open_metrics: config.open_metrics,
            limits: config.limits,
        }
    }

    pub(crate) async fn handle(&self, request: hyper::Request<Incoming>) -> Result<Response, Cut> {
        let started = Instant::now();
        let request_id = self.request_ids.fresh().to_string();
        let mut about = About::default();
        // Safe to go on after a panic: all that is shared is the gateway, which answers for its
        // own state, and the kept signing keys, which are whole between two statements.
        let answer = AssertUnwindSafe(self.answer(request, &request_id, &mut about))
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| Err(ApiError::internal(panic_text(&*panic))));
        log(&about, &request_id, &answer, started);
        let mut response = answer.unwrap_or_else(|error| reply::error(&error));
        let marks = response.extensions_mut().remove::<Marks>();
        let marks = marks.unwrap_or_default();
        if marks.is_cut {
            return Err(Cut);
        }
        let ahead_millis = marks.date_ahead_seconds.saturating_mul(1000);
        let date = self.clock.now().plus_millis(ahead_millis);
        reply::stamp(&mut response, &request_id, date);
        Ok(response)
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        request_id: &str,
        about: &mut About,
    ) -> Result<Response, ApiError> {
        let (head, body) = request.into_parts();
        self.hosts.check(&head)?;
        match (head.uri.path(), &head.method) {
            ("/", &Method::POST) => self.call(&head, body, request_id, about).await,
            ("/", &Method::GET) => Ok(reply::index()),
            ("/", _) => Ok(reply::wrong_method()),
            (path, _) if path == METRICS || path.starts_with(EXTENSIONS) => {
                self.extension(&head, body, request_id, about).await
            }
            _ => Err(not_found()),
        }
    }

    /// The checks stand in AWS's order: body, target, signature.
    async fn call(
        &self,
        head: &Parts,
        body: Incoming,
        request_id: &str,
        about: &mut About,
    ) -> Result<Response, ApiError> {
        body::check_kind(&head.headers)?;
        let body = self.read(body).await?;
        if !body::is_json_object(&body) {
            return Err(ApiError::new(ErrorCode::SerializationException, ""));
        }
        let (service, operation) = target::parse(&head.headers)
            .filter(|(service, operation)| self.gateway.knows(*service, operation))
            .ok_or_else(|| ApiError::new(ErrorCode::UnknownOperationException, ""))?;
        operation.clone_into(&mut about.operation);
        let caller = self.caller(head, &body, service, about)?;
        let consistency_delay = consistency_delay(&head.headers)?;
        let operation = operation.to_owned();
        let request_id = request_id.to_owned();
        let request = Request {
            service,
            operation,
            caller,
            request_id,
            consistency_delay,
            body,
        };
        let fault = self.gateway.fault(&request);
        let answer = async { self.gateway.call(request).await.map(reply::json) };
        match fault {
            None => answer.await,
            Some(fault) => fault.mistreat(answer).await,
        }
    }

    async fn extension(
        &self,
        head: &Parts,
        body: Incoming,
        request_id: &str,
        about: &mut About,
    ) -> Result<Response, ApiError> {
        let path = head.uri.path();
        let is_open = self.open_metrics && path == METRICS;
        let body = self.read(body).await?;
        let caller = match is_open {
            true => None,
            false => Some(self.caller(head, &body, Service::Ecs, about)?),
        };
        path.clone_into(&mut about.operation);
        let request = ExtensionRequest {
            method: head.method.clone(),
            path: path.to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            caller,
            request_id: request_id.to_owned(),
            body,
        };
        let answer = self
            .gateway
            .extension(request)
            .await
            .ok_or_else(not_found)?;
        answer.map(reply::extension)
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, ApiError> {
        body::read(body, self.limits.body_bytes_max, self.limits.body_read).await
    }

    fn caller(
        &self,
        head: &Parts,
        body: &[u8],
        service: Service,
        about: &mut About,
    ) -> Result<Caller, ApiError> {
        let request = SignedRequest {
            method: &head.method,
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            body,
        };
        let caller = self
            .authenticator
            .caller(&request, service.signing_name(), self.clock.now())
            .map_err(|refusal| ApiError::new(refusal.code(), refusal.to_string()))?;
        about.access_key_id = Some(Arc::clone(&caller.access_key_id));
        Ok(caller)
    }
}

fn consistency_delay(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let Some(given) = headers.get(CONSISTENCY_DELAY) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(given.as_bytes());
    let delay = humantime::parse_duration(&text).map_err(|_| {
        let message =
            format!("{CONSISTENCY_DELAY} must be a duration like 2s or 500ms, but is '{text}'.");
        ApiError::new(ErrorCode::InvalidParameterException, message)
    })?;
    Ok(Some(delay))
}

fn not_found() -> ApiError {
    ApiError::named(
        "UnknownOperationException",
        404,
        "Nothing is served at this path.",
    )
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a text"))
}

/// One line per request: no bodies, no signatures, no words of the caller's but those that were
/// checked.
fn log(about: &About, request_id: &str, answer: &Result<Response, ApiError>, started: Instant) {
    let operation = about.operation.as_str();
    let key = about.access_key_id.as_deref().unwrap_or("-");
    let duration_us = started.elapsed().as_micros();
    let (status, code, detail) = match answer {
        Ok(response) => (response.status(), "-", None),
        Err(error) => (reply::status(error), &*error.code, error.detail.as_deref()),
    };
    let status_number = status.as_u16();
    if status >= StatusCode::INTERNAL_SERVER_ERROR {
        let detail = detail.unwrap_or("-");
        tracing::error!(
            operation,
            status = status_number,
            code,
            request_id,
            duration_us,
            key,
            detail,
            "request failed"
        );
    } else {
        tracing::info!(
            operation,
            status = status_number,
            code,
            request_id,
            duration_us,
            key,
            "request"
        );
    }
}

//! Spans and log lines of one call.
//!
//! The spans have the names of the SDK for Go and stand in each other as they do there;
//! the root carries the attributes that OpenTelemetry asks of a client of remote
//! procedures. Inside the runtime the log is switched off, so this keeps the subscriber
//! of the caller and speaks to that one.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tracing::{Dispatch, Span, debug_span, dispatcher};

use crate::response::Metadata;

/// The spans of one call. Clones are the same call.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    log: Dispatch,
    service: &'static str,
    operation: &'static str,
    root: Span,
    open: Arc<Mutex<Open>>,
}

/// Spans that are not closed yet; dropping one closes it.
#[derive(Debug, Default)]
struct Open {
    build: Option<Span>,
    retry_loop: Option<Span>,
    attempt: Option<Span>,
}

impl Trace {
    /// Begins the call in the given log, else in the current one.
    pub(crate) fn new(
        log: Option<&Dispatch>,
        service: &'static str,
        operation: &'static str,
    ) -> Self {
        let log = log.map_or_else(|| dispatcher::get_default(Dispatch::clone), Dispatch::clone);
        let root = dispatcher::with_default(&log, || {
            debug_span!(
                "call",
                otel.name = %format_args!("{service}.{operation}"),
                otel.kind = "client",
                rpc.system = "aws-api",
                rpc.service = service,
                rpc.method = operation,
            )
        });
        Self {
            log,
            service,
            operation,
            root,
            open: Arc::default(),
        }
    }

    /// Does what comes before the pipeline in a span of its own.
    pub(crate) fn initialize<T>(&self, work: impl FnOnce() -> T) -> T {
        dispatcher::with_default(&self.log, || {
            debug_span!(parent: &self.root, "Initialize").in_scope(work)
        })
    }

    /// Says something in the call's span.
    pub(crate) fn say(&self, words: impl FnOnce()) {
        dispatcher::with_default(&self.log, || self.root.in_scope(words));
    }

    /// Says how the call ended.
    pub(crate) fn end(&self, ok: bool, metadata: &Metadata) {
        self.say(|| {
            tracing::debug!(
                service = self.service,
                operation = self.operation,
                ok,
                attempts = metadata.attempts(),
                status = metadata.status(),
                request_id = metadata.request_id(),
                "call ended"
            );
        });
    }

    /// Opens and closes spans in the caller's log: closing one also releases the one
    /// around it, and that goes to whatever log is current.
    fn change(&self, change: impl FnOnce(&mut Open)) {
        dispatcher::with_default(&self.log, || {
            change(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner));
        });
    }
}

impl Intercept for Trace {
    fn name(&self) -> &'static str {
        "Trace"
    }

    fn modify_before_serialization(
        &self,
        _: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.change(|open| open.build = Some(debug_span!(parent: &self.root, "BuildRequest")));
        Ok(())
    }

    fn modify_before_retry_loop(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.change(|open| {
            open.build = None;
            open.retry_loop = Some(debug_span!(parent: &self.root, "RetryLoop"));
        });
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let number = config
            .load::<RequestAttempts>()
            .map_or(0, RequestAttempts::attempts);
        self.change(|open| {
            let parent = open.retry_loop.as_ref().and_then(Span::id);
            open.attempt = Some(debug_span!(parent: parent, "Attempt", number));
        });
        Ok(())
    }

    fn read_after_attempt(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.change(|open| open.attempt = None);
        Ok(())
    }

    /// Runs after every call, also after one that failed in between.
    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.change(|open| *open = Open::default());
        Ok(())
    }
}

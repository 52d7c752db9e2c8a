//! Measurements of calls: how long they take and where the time goes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::endpoint::{
    EndpointFuture, EndpointResolverParams, ResolveEndpoint, SharedEndpointResolver,
};
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef,
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Takes measurements, for instance into the histograms of a metrics library.
pub trait Meter: fmt::Debug + Send + Sync {
    /// One duration. Called from within calls: do not block.
    fn record(&self, measurement: &Measurement);
}

/// How long something took.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measurement {
    /// What was measured, under the names of the SDK for Go: `client.call.duration` with
    /// all attempts and waits, `client.call.attempt_duration`, and within them
    /// `client.call.serialization_duration`, `client.call.auth.resolve_identity_duration`,
    /// `client.call.resolve_endpoint_duration`, `client.call.auth.signing_duration`,
    /// `client.call.deserialization_duration`.
    pub name: &'static str,
    /// The duration.
    pub seconds: f64,
    /// `ECS` or `CloudWatch Logs`.
    pub service: &'static str,
    /// `RunTask`.
    pub operation: &'static str,
}

/// Measures one call.
#[derive(Debug, Clone)]
pub(crate) struct Stopwatch {
    pub(crate) meter: Arc<dyn Meter>,
    pub(crate) clock: SharedTimeSource,
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) begun: Arc<Mutex<Begun>>,
}

/// When the phases began that hooks mark.
#[derive(Debug, Default)]
pub(crate) struct Begun {
    serialization: Option<SystemTime>,
    attempt: Option<SystemTime>,
    signing: Option<SystemTime>,
    deserialization: Option<SystemTime>,
}

impl Stopwatch {
    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(crate) fn record(&self, name: &'static str, since: SystemTime) {
        let took = self.now().duration_since(since).unwrap_or_default();
        self.meter.record(&Measurement {
            name,
            seconds: took.as_secs_f64(),
            service: self.service,
            operation: self.operation,
        });
    }

    fn record_some(&self, name: &'static str, since: Option<SystemTime>) {
        if let Some(since) = since {
            self.record(name, since);
        }
    }

    fn begun(&self) -> MutexGuard<'_, Begun> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Stopwatch {
    fn name(&self) -> &'static str {
        "Stopwatch"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.begun().serialization = Some(self.now());
        Ok(())
    }

    fn read_after_serialization(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let since = self.begun().serialization.take();
        self.record_some("client.call.serialization_duration", since);
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.begun().attempt = Some(self.now());
        Ok(())
    }

    fn read_before_signing(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.begun().signing = Some(self.now());
        Ok(())
    }

    fn read_after_signing(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let since = self.begun().signing.take();
        self.record_some("client.call.auth.signing_duration", since);
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.begun().deserialization = Some(self.now());
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        _: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let since = self.begun().deserialization.take();
        self.record_some("client.call.deserialization_duration", since);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let since = self.begun().attempt.take();
        self.record_some("client.call.attempt_duration", since);
        Ok(())
    }
}

/// A part of the pipeline that no hook surrounds, measured.
#[derive(Debug)]
pub(crate) struct Measured<T> {
    pub(crate) inner: T,
    pub(crate) watch: Stopwatch,
}

impl ResolveCachedIdentity for Measured<SharedIdentityCache> {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async move {
            let since = self.watch.now();
            let identity = self
                .inner
                .resolve_cached_identity(resolver, components, config);
            let identity = identity.await;
            let name = "client.call.auth.resolve_identity_duration";
            self.watch.record(name, since);
            identity
        })
    }
}

impl ResolveEndpoint for Measured<SharedEndpointResolver> {
    fn resolve_endpoint<'a>(&'a self, params: &'a EndpointResolverParams) -> EndpointFuture<'a> {
        EndpointFuture::new(async move {
            let since = self.watch.now();
            let endpoint = self.inner.resolve_endpoint(params).await;
            self.watch
                .record("client.call.resolve_endpoint_duration", since);
            endpoint
        })
    }
}

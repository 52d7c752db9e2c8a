//! One service's pipeline: from a prepared body to an answer or an error.
//!
//! Assembled once per client from the Smithy runtime: its orchestrator keeps the order
//! (serialize, then for each attempt: key, endpoint, signature, send, read, judge) and
//! its crates do clock-skew repair, signing and retries. What is new for each call is in
//! `addition`.

use std::fmt::Debug;
use std::sync::Arc;

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::service_clock_skew::{
    DisableClockSkewCorrection, ServiceClockSkewClassifier, ServiceClockSkewInterceptor,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime::client::auth::no_auth::{NO_AUTH_SCHEME_ID, NoAuthScheme};
use aws_smithy_runtime::client::defaults::{DefaultPluginParams, default_plugins};
use aws_smithy_runtime::client::http::connection_poisoning::ConnectionPoisoningInterceptor;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::identity::no_auth::NoAuthIdentityResolver;
use aws_smithy_runtime::client::orchestrator::endpoints::StaticUriEndpointResolver;
use aws_smithy_runtime::client::orchestrator::invoke;
use aws_smithy_runtime::client::retries::classifiers::TransientErrorClassifier;
use aws_smithy_runtime::client::stalled_stream_protection::StalledStreamProtectionInterceptor;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::endpoint::{EndpointResolverParams, SharedEndpointResolver};
use aws_smithy_runtime_api::client::identity::{SharedIdentityCache, SharedIdentityResolver};
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::interceptors::context::Input;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::{RuntimePlugins, StaticRuntimePlugin};
use aws_smithy_types::config_bag::Layer;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use serde::de::DeserializeOwned;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::addition::{Shared, Wanted};
use crate::cancel::CancelToken;
use crate::classifier::AnswerClassifier;
use crate::client::Facts;
use crate::config::Config;
use crate::credentials::{self, Keys, LoadLimit};
use crate::endpoint::Endpoint;
use crate::error::{Call, Error, ErrorKind, Timeout};
use crate::failure;
use crate::fault::Fault;
use crate::intercept::{BodyLimit, UserAgent};
use crate::meter::Stopwatch;
use crate::options::CallOptions;
use crate::record::Recorder;
use crate::response::{Metadata, Response};
use crate::retry::Quotas;
use crate::service::{Protocol, Service};
use crate::trace::Trace;
use crate::transport::Transports;
use crate::wire::{Address, Prepared};

/// Everything calls of one service share.
#[derive(Debug)]
pub(crate) struct Pipeline {
    service: Service,
    plugins: RuntimePlugins,
    transports: Arc<Transports>,
    quotas: Quotas,
    clock: SharedTimeSource,
    wire_trace: bool,
    /// For calls that are measured: what is behind the stopwatch.
    endpoint: SharedEndpointResolver,
    identities: SharedIdentityCache,
}

/// A call that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Ready {
    operation: &'static str,
    input: Input,
    plugins: RuntimePlugins,
    recorder: Recorder,
    token: Option<String>,
    cancel: Option<CancelToken>,
    stopwatch: Option<Stopwatch>,
    trace: Trace,
}

impl Pipeline {
    pub(crate) fn new(
        service: Service,
        endpoint: &Endpoint,
        config: &Config,
        transports: &Arc<Transports>,
    ) -> Self {
        let defaults = DefaultPluginParams::new()
            .with_retry_partition_name(service.host_label)
            .with_behavior_version(BehaviorVersion::v2026_01_12());
        let quotas = Quotas::new(service.host_label);
        let mut settings = shared_settings(&service, endpoint, config);
        settings.store_put(quotas.of(config.retry.rules));
        let resolver = SharedEndpointResolver::new(StaticUriEndpointResolver::uri(endpoint.url()));
        let identities = IdentityCache::lazy().build();
        let components = shared_components(&service, config)
            .with_endpoint_resolver(Some(resolver.clone()))
            .with_identity_cache(Some(identities.clone()))
            .with_http_client(Some(transports.to(endpoint)));
        let plugins = RuntimePlugins::new()
            .with_client_plugins(default_plugins(defaults))
            .with_client_plugin(
                StaticRuntimePlugin::new()
                    .with_config(settings.freeze())
                    .with_runtime_components(components),
            );
        Self {
            service,
            plugins,
            transports: Arc::clone(transports),
            quotas,
            clock: config.clock.clone(),
            wire_trace: config.unsafe_wire_trace,
            endpoint: resolver,
            identities,
        }
    }

    /// Opens the spans of a call.
    pub(crate) fn trace(&self, operation: &'static str, config: &Config) -> Trace {
        Trace::new(config.log.as_ref(), self.service.name, operation)
    }

    /// Makes a call ready: its body, and what its options change. Fails when an option
    /// cannot be used, or when the deadline has passed.
    pub(crate) fn ready<O>(
        &self,
        facts: &Facts,
        (body, token): (Vec<u8>, Option<String>),
        (config, options): (&Config, &CallOptions),
        trace: Trace,
    ) -> Result<Ready, ErrorKind>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let to = match facts.path {
            Some(path) => Address::Path(path),
            None => Address::Operation(format!("{}.{}", self.service.target_prefix, facts.name)),
        };
        self.ready_to::<O>(facts.name, to, (body, token), (config, options), trace)
    }

    /// The same for whatever a service can be asked.
    pub(crate) fn ready_to<O>(
        &self,
        operation: &'static str,
        to: Address,
        (body, token): (Vec<u8>, Option<String>),
        (config, options): (&Config, &CallOptions),
        trace: Trace,
    ) -> Result<Ready, ErrorKind>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        if options
            .deadline
            .is_some_and(|deadline| deadline <= self.clock.now())
        {
            return Err(ErrorKind::Timeout(Timeout::Operation));
        }
        let recorder = Recorder::default();
        let wanted = Wanted {
            service: &self.service,
            operation,
            config,
            options,
            shared: self.shared(),
            trace: &trace,
        };
        let addition = wanted.addition::<O>(&recorder).map_err(ErrorKind::Config)?;
        Ok(Ready {
            operation,
            input: Input::erase(Prepared { to, body }),
            plugins: self.plugins.clone().with_operation_plugin(addition),
            recorder,
            token,
            cancel: options.cancel.clone(),
            stopwatch: wanted.stopwatch(),
            trace,
        })
    }

    fn shared(&self) -> Shared<'_> {
        Shared {
            transports: &self.transports,
            quotas: &self.quotas,
            endpoint: &self.endpoint,
            identities: &self.identities,
        }
    }

    /// Sends what is ready and reads the answer.
    pub(crate) async fn send<O>(&self, ready: Ready) -> Result<Response<O>, Error>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let operation = ready.operation;
        let since = ready.stopwatch.as_ref().map(Stopwatch::now);
        let work = invoke(self.service.name, operation, ready.input, &ready.plugins);
        let work = CancelToken::guard(ready.cancel.as_ref(), work);
        let outcome = self.quietly(work).await;
        let metadata = ready.recorder.take(ready.token, self.clock.now());
        let output = match outcome {
            Some(Ok(output)) => output
                .downcast::<O>()
                .map_err(|_| failure::foreign_output()),
            Some(Err(error)) => Err(failure::kind_of(error)),
            None => Err(ErrorKind::Canceled),
        };
        ready.trace.end(output.is_ok(), &metadata);
        if let Some((stopwatch, since)) = ready.stopwatch.zip(since) {
            stopwatch.record("client.call.duration", since);
        }
        match output {
            Ok(output) => Ok(Response::new(output, metadata)),
            Err(kind) => Err(Error::new(kind, self.call(operation, metadata))),
        }
    }

    /// The words of an error about a call of this service.
    pub(crate) fn call(&self, operation: &'static str, metadata: Metadata) -> Call {
        Call {
            service: self.service.name,
            operation,
            metadata,
        }
    }

    /// Runs the orchestrator with its own log switched off: at trace level it prints
    /// requests and answers whole, and with them environment variables and secrets.
    async fn quietly<T>(&self, work: impl Future<Output = T>) -> T {
        if self.wire_trace {
            work.await
        } else {
            work.with_subscriber(NoSubscriber::new()).await
        }
    }
}

fn shared_settings(service: &Service, endpoint: &Endpoint, config: &Config) -> Layer {
    let mut settings = Layer::new("client");
    settings.store_put(AuthSchemeOptionResolverParams::new(()));
    settings.store_put(EndpointResolverParams::new(()));
    settings.store_put(signing(service.protocol));
    settings.store_put(match endpoint.signing_name.clone() {
        Some(name) => SigningName::from(name),
        None => SigningName::from_static(service.signing_name),
    });
    let region = endpoint.signing_region.as_ref().unwrap_or(&config.region);
    settings.store_put(SigningRegion::from(Region::new(region.clone())));
    settings.store_put(config.retry.to_smithy());
    settings.store_put(config.timeouts.to_smithy());
    settings.store_put(config.timeouts.stalled_to_smithy());
    settings.store_put(DisableClockSkewCorrection::from(!config.repair_clock));
    settings.store_put(LoadLimit(config.timeouts.credentials));
    settings
}

fn signing(protocol: Protocol) -> SigV4OperationSigningConfig {
    let mut signing = SigV4OperationSigningConfig::default();
    if protocol == Protocol::Objects {
        signing.signing_options.double_uri_encode = false;
        signing.signing_options.normalize_uri_path = false;
        signing.signing_options.content_sha256_header = true;
    }
    signing
}

fn shared_components(service: &Service, config: &Config) -> RuntimeComponentsBuilder {
    let agent = UserAgent::new(
        service,
        config.app_id.as_deref(),
        config.execution_environment.as_deref(),
        config.retry,
    );
    let mut components = RuntimeComponentsBuilder::new("client")
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme(NoAuthScheme::new())
        .with_identity_resolver(
            NO_AUTH_SCHEME_ID,
            SharedIdentityResolver::new(NoAuthIdentityResolver::new()),
        )
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            if config.is_anonymous {
                NO_AUTH_SCHEME_ID
            } else {
                SCHEME_ID
            },
        ])))
        .with_identity_resolver(
            SCHEME_ID,
            SharedIdentityResolver::new(Keys(Arc::clone(&config.credentials))),
        )
        .with_identity_cache(Some(credentials::cache()))
        .with_time_source(Some(config.clock.clone()))
        .with_sleep_impl(Some(TokioSleep::new()))
        .with_retry_classifier(AnswerClassifier)
        .with_retry_classifier(TransientErrorClassifier::<Fault>::new())
        .with_retry_classifier(ServiceClockSkewClassifier::<Fault>::new())
        .with_interceptor(SharedInterceptor::permanent(
            ServiceClockSkewInterceptor::new(),
        ))
        .with_interceptor(SharedInterceptor::permanent(agent))
        .with_interceptor(SharedInterceptor::permanent(
            RecursionDetectionInterceptor::new(),
        ))
        .with_interceptor(SharedInterceptor::permanent(
            ConnectionPoisoningInterceptor::new(),
        ))
        .with_interceptor(SharedInterceptor::permanent(
            StalledStreamProtectionInterceptor::default(),
        ))
        .with_interceptor(SharedInterceptor::permanent(BodyLimit));
    for hook in &config.interceptors {
        components.push_interceptor(hook.clone());
    }
    components
}

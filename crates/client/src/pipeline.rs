//! One service's pipeline: from a prepared body to an answer or an error.
//!
//! Assembled once per client from the Smithy runtime: its orchestrator keeps the order
//! (serialize, then for each attempt: key, endpoint, signature, send, read, judge) and
//! its crates do clock-skew repair, request info, invocation id, signing and retries.
//! Per call only the reader of the answer and the record of attempts are new.

use std::fmt::Debug;
use std::sync::Arc;

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime::client::defaults::{DefaultPluginParams, default_plugins};
use aws_smithy_runtime::client::http::connection_poisoning::ConnectionPoisoningInterceptor;
use aws_smithy_runtime::client::orchestrator::endpoints::StaticUriEndpointResolver;
use aws_smithy_runtime::client::orchestrator::invoke;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, ModeledAsRetryableClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::endpoint::EndpointResolverParams;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::interceptors::context::Input;
use aws_smithy_runtime_api::client::orchestrator::Metadata as CallName;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::{RuntimePlugins, StaticRuntimePlugin};
use aws_smithy_runtime_api::client::ser_de::{SharedRequestSerializer, SharedResponseDeserializer};
use aws_smithy_types::config_bag::Layer;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use serde::de::DeserializeOwned;
use tracing::Instrument;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::client::Facts;
use crate::config::Config;
use crate::credentials::Keys;
use crate::endpoint::Endpoint;
use crate::error::{Call, Error};
use crate::failure;
use crate::fault::Fault;
use crate::intercept::{BodyLimit, Recorder, UserAgent};
use crate::response::{Metadata, Response};
use crate::service::Service;
use crate::transport;
use crate::wire::{Address, Deserializer, Prepared, Serializer};

/// Everything calls of one service share.
#[derive(Debug)]
pub(crate) struct Pipeline {
    service: Service,
    plugins: RuntimePlugins,
    max_attempts: u32,
    wire_trace: bool,
}

impl Pipeline {
    pub(crate) fn new(service: Service, endpoint: &Endpoint, config: &Config) -> Self {
        let defaults = DefaultPluginParams::new()
            .with_retry_partition_name(service.host_label)
            .with_behavior_version(BehaviorVersion::v2026_01_12());
        let plugins = RuntimePlugins::new()
            .with_client_plugins(default_plugins(defaults))
            .with_client_plugin(
                StaticRuntimePlugin::new()
                    .with_config(shared_settings(&service, config).freeze())
                    .with_runtime_components(shared_components(&service, endpoint, config)),
            );
        Self {
            service,
            plugins,
            max_attempts: config.retry.max_attempts,
            wire_trace: config.unsafe_wire_trace,
        }
    }

    /// Sends a JSON body to an operation and reads the answer.
    pub(crate) async fn send<O>(
        &self,
        facts: Facts,
        token: Option<String>,
        body: Vec<u8>,
    ) -> Result<Response<O>, Error>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let operation = facts.name;
        let span = tracing::debug_span!("call", service = self.service.name, operation);
        let recorder = Recorder::default();
        let plugins = self
            .plugins
            .clone()
            .with_operation_plugin(self.one_call::<O>(operation, &recorder));
        let to = match facts.path {
            Some(path) => Address::Path(path),
            None => Address::Operation(format!("{}.{operation}", self.service.target_prefix)),
        };
        let input = Input::erase(Prepared { to, body });
        let outcome = self
            .quietly(invoke(self.service.name, operation, input, &plugins))
            .instrument(span);
        let outcome = outcome.await;
        let record = recorder.take();
        let metadata = Metadata {
            token,
            attempts: record.attempts,
            headers: record.headers,
        };
        tracing::debug!(
            service = self.service.name,
            operation,
            ok = outcome.is_ok(),
            attempts = metadata.attempts(),
            status = metadata.status(),
            request_id = metadata.request_id(),
            "call ended"
        );
        let output = match outcome {
            Ok(output) => output
                .downcast::<O>()
                .map_err(|_| failure::foreign_output()),
            Err(error) => Err(failure::kind_of(error)),
        };
        match output {
            Ok(output) => Ok(Response::new(output, metadata)),
            Err(kind) => Err(Error::new(kind, self.call(operation, metadata))),
        }
    }

    /// The words of an error about a call of this service.
    pub(crate) fn call(&self, operation: &'static str, metadata: Metadata) -> Call {
        let (service, max_attempts) = (self.service.name, self.max_attempts);
        Call {
            service,
            operation,
            max_attempts,
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

    fn one_call<O>(&self, operation: &'static str, recorder: &Recorder) -> StaticRuntimePlugin
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let mut settings = Layer::new("call");
        settings.store_put(CallName::new(operation, self.service.name));
        settings.store_put(SharedRequestSerializer::new(Serializer));
        settings.store_put(SharedResponseDeserializer::new(Deserializer::<O>::new()));
        let components = RuntimeComponentsBuilder::new("call")
            .with_interceptor(SharedInterceptor::permanent(recorder.clone()));
        StaticRuntimePlugin::new()
            .with_config(settings.freeze())
            .with_runtime_components(components)
    }
}

fn shared_settings(service: &Service, config: &Config) -> Layer {
    let mut settings = Layer::new("client");
    settings.store_put(AuthSchemeOptionResolverParams::new(()));
    settings.store_put(EndpointResolverParams::new(()));
    settings.store_put(SigV4OperationSigningConfig::default());
    settings.store_put(SigningName::from_static(service.signing_name));
    settings.store_put(SigningRegion::from(Region::new(config.region.clone())));
    settings.store_put(config.retry.to_smithy());
    settings.store_put(config.timeouts.to_smithy());
    // One quota per client: two clients in a process do not starve each other.
    settings.store_put(RetryPartition::custom(service.host_label).build());
    settings
}

fn shared_components(
    service: &Service,
    endpoint: &Endpoint,
    config: &Config,
) -> RuntimeComponentsBuilder {
    let agent = UserAgent::new(
        service,
        config.app_id.as_deref(),
        config.execution_environment.as_deref(),
    );
    RuntimeComponentsBuilder::new("client")
        .with_http_client(Some(transport::http_client(endpoint)))
        .with_endpoint_resolver(Some(StaticUriEndpointResolver::uri(endpoint.url())))
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            SCHEME_ID,
        ])))
        .with_identity_resolver(
            SCHEME_ID,
            SharedIdentityResolver::new(Keys(Arc::clone(&config.credentials))),
        )
        .with_sleep_impl(Some(TokioSleep::new()))
        .with_retry_classifier(HttpStatusCodeClassifier::default())
        .with_retry_classifier(ModeledAsRetryableClassifier::<Fault>::new())
        .with_retry_classifier(TransientErrorClassifier::<Fault>::new())
        .with_retry_classifier(AwsErrorCodeClassifier::<Fault>::new())
        .with_retry_classifier(ServiceClockSkewClassifier::<Fault>::new())
        .with_interceptor(SharedInterceptor::permanent(
            ServiceClockSkewInterceptor::new(),
        ))
        .with_interceptor(SharedInterceptor::permanent(RequestInfoInterceptor::new()))
        .with_interceptor(SharedInterceptor::permanent(agent))
        .with_interceptor(SharedInterceptor::permanent(InvocationIdInterceptor::new()))
        .with_interceptor(SharedInterceptor::permanent(
            RecursionDetectionInterceptor::new(),
        ))
        .with_interceptor(SharedInterceptor::permanent(
            ConnectionPoisoningInterceptor::new(),
        ))
        .with_interceptor(SharedInterceptor::permanent(BodyLimit))
}

//! What one call adds to the pipeline of its client: its name, the reader of its answer,
//! the record of its attempts, and whatever its options change. It lies over what the
//! client has and goes with the call, so nothing of it can leak.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::SystemTime;

use aws_runtime::auth::sigv4::SCHEME_ID;
use aws_smithy_runtime::client::orchestrator::endpoints::StaticUriEndpointResolver;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::endpoint::SharedEndpointResolver;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::Metadata as CallName;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::{SharedRequestSerializer, SharedResponseDeserializer};
use aws_smithy_types::config_bag::Layer;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use serde::de::DeserializeOwned;

use crate::config::{Config, check_app_id, check_retry};
use crate::credentials::LoadLimit;
use crate::endpoint::Endpoint;
use crate::intercept::{ExtraHeaders, UserAgent};
use crate::meter::{Measured, Stopwatch};
use crate::options::CallOptions;
use crate::per_attempt::PerAttempt;
use crate::record::Recorder;
use crate::retry::{Quotas, Retry};
use crate::service::Service;
use crate::strategy::Strategy;
use crate::timeouts::Timeouts;
use crate::trace::Trace;
use crate::transport::Transports;
use crate::wire::{Deserializer, Serializer};
use crate::wire_log::{WireLog, WireLogger};

/// A call as its client and its options together want it.
pub(crate) struct Wanted<'a> {
    pub(crate) service: &'a Service,
    pub(crate) operation: &'static str,
    pub(crate) config: &'a Config,
    pub(crate) options: &'a CallOptions,
    pub(crate) shared: Shared<'a>,
    pub(crate) trace: &'a Trace,
}

/// What all calls of a client have in common.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    pub(crate) transports: &'a Transports,
    pub(crate) quotas: &'a Quotas,
    pub(crate) endpoint: &'a SharedEndpointResolver,
    pub(crate) identities: &'a SharedIdentityCache,
}

impl Wanted<'_> {
    /// The retries of this call.
    pub(crate) fn retry(&self) -> Retry {
        let mut retry = self.options.retry.unwrap_or(self.config.retry);
        if let Some(attempts) = self.options.max_attempts {
            retry.max_attempts = attempts;
        }
        retry
    }

    /// The limits of this call, its deadline among them.
    fn timeouts(&self) -> Timeouts {
        let timeouts = self.options.timeouts.unwrap_or(self.config.timeouts);
        match self.options.deadline {
            Some(deadline) => timeouts.within(left(deadline, self.config.clock.now())),
            None => timeouts,
        }
    }

    /// The addition, or in one sentence what is wrong with the options.
    pub(crate) fn addition<O>(&self, recorder: &Recorder) -> Result<StaticRuntimePlugin, String>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let mut settings = Layer::new("call");
        settings.store_put(CallName::new(self.operation, self.service.name));
        settings.store_put(SharedRequestSerializer::new(Serializer));
        settings.store_put(SharedResponseDeserializer::new(Deserializer::<O>::new(
            self.retry().reading(),
            self.service.protocol,
        )));
        let endpoint = self.config.elsewhere(self.service, self.options)?;
        self.change_settings(&mut settings, endpoint.as_ref())?;
        let attempts = PerAttempt {
            invocation_id: self.config.invocation_ids.token()?,
            deadline: self.options.deadline,
            recorder: recorder.clone(),
            is_signed: self.config.sign_attempts,
        };
        let components = RuntimeComponentsBuilder::new("call")
            .with_retry_strategy(Some(Strategy::new(recorder.clone())))
            .with_interceptor(SharedInterceptor::permanent(self.trace.clone()))
            .with_interceptor(SharedInterceptor::permanent(recorder.clone()))
            .with_interceptor(SharedInterceptor::permanent(attempts));
        let components = self.change_components(components, endpoint.as_ref())?;
        Ok(StaticRuntimePlugin::new()
            .with_config(settings.freeze())
            .with_runtime_components(components))
    }

    fn change_settings(
        &self,
        settings: &mut Layer,
        endpoint: Option<&Endpoint>,
    ) -> Result<(), String> {
        let options = self.options;
        let of_endpoint = endpoint.and_then(|endpoint| endpoint.signing_name.as_ref());
        if let Some(name) = options.signing_name.as_ref().or(of_endpoint) {
            settings.store_put(SigningName::from(name.clone()));
        }
        let of_endpoint = endpoint.and_then(|endpoint| endpoint.signing_region.as_ref());
        let region = options.signing_region.as_ref().or(of_endpoint);
        if let Some(region) = region.or(options.region.as_ref()) {
            settings.store_put(SigningRegion::from(Region::new(region.clone())));
        }
        if options.retry.is_some() || options.max_attempts.is_some() {
            let retry = self.retry();
            check_retry(&retry).map_err(|problem| problem.to_string())?;
            settings.store_put(retry.to_smithy());
            settings.store_put(self.shared.quotas.of(retry.rules));
        }
        if options.timeouts.is_some() || options.deadline.is_some() {
            let timeouts = self.timeouts();
            settings.store_put(timeouts.to_smithy());
            settings.store_put(timeouts.stalled_to_smithy());
            settings.store_put(LoadLimit(timeouts.credentials));
        }
        Ok(())
    }

    fn change_components(
        &self,
        mut components: RuntimeComponentsBuilder,
        endpoint: Option<&Endpoint>,
    ) -> Result<RuntimeComponentsBuilder, String> {
        let options = self.options;
        let mut resolver = self.shared.endpoint.clone();
        if let Some(endpoint) = endpoint {
            resolver = SharedEndpointResolver::new(StaticUriEndpointResolver::uri(endpoint.url()));
            components = components.with_http_client(Some(self.shared.transports.to(endpoint)));
        }
        let mut identities = self.shared.identities.clone();
        if let Some(signer) = &options.signer {
            let signed = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
            components = components
                .with_identity_resolver(SCHEME_ID, signer.keys.clone())
                .with_auth_scheme_option_resolver(Some(signed));
            identities = signer.cache.clone();
        }
        components = self.watched(components, resolver, identities);
        if options.app_id.is_some() || options.retry.is_some() {
            components.push_interceptor(SharedInterceptor::permanent(self.user_agent()?));
        }
        if !options.headers.is_empty() {
            let headers = ExtraHeaders::new(&options.headers)?;
            components.push_interceptor(SharedInterceptor::permanent(headers));
        }
        for hook in &options.interceptors {
            components.push_interceptor(hook.clone());
        }
        Ok(components)
    }

    /// Adds the parts that are watched: the log of the wire, and with a meter the
    /// stopwatch around hooks, endpoint and identity.
    fn watched(
        &self,
        mut components: RuntimeComponentsBuilder,
        resolver: SharedEndpointResolver,
        identities: SharedIdentityCache,
    ) -> RuntimeComponentsBuilder {
        if self.config.wire_log != WireLog::default() {
            components.push_interceptor(SharedInterceptor::permanent(WireLogger {
                wanted: self.config.wire_log,
                trace: self.trace.clone(),
            }));
        }
        let Some(watch) = self.stopwatch() else {
            return components
                .with_endpoint_resolver(Some(resolver))
                .with_identity_cache(Some(identities));
        };
        components.push_interceptor(SharedInterceptor::permanent(watch.clone()));
        components
            .with_endpoint_resolver(Some(Measured {
                inner: resolver,
                watch: watch.clone(),
            }))
            .with_identity_cache(Some(Measured {
                inner: identities,
                watch,
            }))
    }

    /// `None` where nobody measures.
    pub(crate) fn stopwatch(&self) -> Option<Stopwatch> {
        self.config.meter.as_ref().map(|meter| Stopwatch {
            meter: Arc::clone(meter),
            clock: self.config.clock.clone(),
            service: self.service.name,
            operation: self.operation,
            begun: Arc::default(),
        })
    }

    fn user_agent(&self) -> Result<UserAgent, String> {
        let app_id = self.options.app_id.as_deref();
        check_app_id(app_id).map_err(|problem| problem.to_string())?;
        Ok(UserAgent::new(
            self.service,
            app_id.or(self.config.app_id.as_deref()),
            self.config.execution_environment.as_deref(),
            self.retry(),
        ))
    }
}

fn left(deadline: SystemTime, now: SystemTime) -> std::time::Duration {
    deadline.duration_since(now).unwrap_or_default()
}

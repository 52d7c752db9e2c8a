//! Collects settings, checks them together, and completes them to a configuration.

use std::sync::Arc;

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::{HttpClient, SharedHttpClient};
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};
use aws_smithy_runtime_api::shared::IntoShared;
use tracing::Dispatch;

use super::{Config, ConfigError};
use crate::clock::{Clock, Source};
use crate::credentials::{
    Credentials, CredentialsFuture, KeySource, Means, Metadata, ProvideCredentials,
};
use crate::endpoint::{Endpoint, Endpoints, Given, ResolveEndpoint};
use crate::intercept::MAX_APP_ID_CHARS;
use crate::meter::Meter;
use crate::retry::Retry;
use crate::service::{ECS, LOGS};
use crate::timeouts::Timeouts;
use crate::token::{RandomToken, TokenProvider, Tokens};
use crate::wire_log::WireLog;

/// Collects a [`Config`]. Later calls replace earlier ones, so start from
/// [`Config::from_env`] and lay the user's flags over it.
#[derive(Debug, Clone)]
#[must_use]
pub struct ConfigBuilder {
    pub(crate) region: Option<String>,
    pub(crate) endpoints: Endpoints,
    pub(crate) keys: KeySource,
    /// Where the region is asked for when nobody gives one.
    pub(crate) metadata: Option<Endpoint>,
    pub(crate) retry: Retry,
    pub(crate) timeouts: Timeouts,
    pub(crate) tokens: Tokens,
    pub(crate) clock: SharedTimeSource,
    pub(crate) http_client: Option<SharedHttpClient>,
    pub(crate) interceptors: Vec<SharedInterceptor>,
    pub(crate) invocation_ids: Arc<dyn TokenProvider>,
    pub(crate) sign_attempts: bool,
    pub(crate) repair_clock: bool,
    pub(crate) is_anonymous: bool,
    pub(crate) log: Option<Dispatch>,
    pub(crate) wire_log: WireLog,
    pub(crate) meter: Option<Arc<dyn Meter>>,
    pub(crate) app_id: Option<String>,
    pub(crate) execution_environment: Option<String>,
    validate: bool,
    unsafe_wire_trace: bool,
}

impl Default for ConfigBuilder {
    fn default() -> Self {
        Self {
            region: None,
            endpoints: Endpoints::default(),
            keys: KeySource::Unknown,
            metadata: None,
            retry: Retry::default(),
            timeouts: Timeouts::default(),
            tokens: Tokens::From(Arc::new(RandomToken)),
            clock: SharedTimeSource::default(),
            http_client: None,
            interceptors: Vec::new(),
            invocation_ids: Arc::new(RandomToken),
            sign_attempts: false,
            repair_clock: true,
            is_anonymous: false,
            log: None,
            wire_log: WireLog::default(),
            meter: None,
            app_id: None,
            execution_environment: None,
            validate: true,
            unsafe_wire_trace: false,
        }
    }
}

impl ConfigBuilder {
    /// The region, `eu-west-1`. Signed for also with an endpoint of one's own.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Where calls go instead of the public endpoints: `http://127.0.0.1:8327`. A path
    /// is kept. Logs calls go there too unless they have an endpoint of their own.
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoints.ecs_url = Some(Given::in_code(url.into()));
        self
    }

    /// Where CloudWatch Logs calls go.
    pub fn logs_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoints.logs_url = Some(Given::in_code(url.into()));
        self
    }

    /// Whether the public endpoints that meet FIPS 140 are used. Default no; an error
    /// together with an endpoint of one's own.
    pub fn use_fips(mut self, on: bool) -> Self {
        self.endpoints.fips = Some(Given::in_code(on));
        self
    }

    /// Whether the public endpoints with IPv6 are used. Default no; an error together
    /// with an endpoint of one's own.
    pub fn use_dual_stack(mut self, on: bool) -> Self {
        self.endpoints.dual_stack = Some(Given::in_code(on));
        self
    }

    /// Speaks plain HTTP whatever the scheme of the endpoint is, a custom one's too. What
    /// an [endpoint resolver](Self::endpoint_resolver) says stays. Default no.
    pub fn plain_http(mut self, on: bool) -> Self {
        self.endpoints.plain_http = on;
        self
    }

    /// Decides about endpoints in place of the rules of AWS.
    pub fn endpoint_resolver(mut self, resolver: impl ResolveEndpoint + 'static) -> Self {
        self.endpoints.resolver = Some(Arc::new(resolver));
        self
    }

    /// Forgets the endpoints that were found or given: the public ones of AWS are used.
    pub fn public_endpoints(mut self) -> Self {
        self.endpoints.ecs_url = None;
        self.endpoints.logs_url = None;
        self
    }

    /// The key that signs.
    pub fn credentials(self, credentials: Credentials) -> Self {
        self.credentials_provider(credentials)
    }

    /// A source of keys that may change.
    pub fn credentials_provider(mut self, provider: impl ProvideCredentials + 'static) -> Self {
        self.keys = KeySource::Given(Arc::new(provider));
        self.is_anonymous = false;
        self
    }

    /// Sends calls without a signature, for a proxy that signs them. Replaces the
    /// credentials, and is replaced by those that are given later.
    pub fn anonymous(self) -> Self {
        let mut unsigned = self.credentials_provider(Nobody);
        unsigned.is_anonymous = true;
        unsigned
    }

    /// How often failed attempts are repeated.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// How long calls may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Who makes idempotency tokens. Default: random UUIDs.
    pub fn token_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.tokens = Tokens::From(Arc::new(provider));
        self
    }

    /// Leaves open the idempotency tokens that inputs leave open. Such calls are not safe
    /// to repeat, neither by the caller nor by the retries.
    pub fn without_tokens(mut self) -> Self {
        self.tokens = Tokens::None;
        self
    }

    /// Who makes the ids by which a service recognises the attempts of one call
    /// (`amz-sdk-invocation-id`). Default: random UUIDs.
    pub fn invocation_id_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.invocation_ids = Arc::new(provider);
        self
    }

    /// Whether the invocation id and the count of attempts are signed, as by the SDK for
    /// Go. Default no, as by the SDK for Rust.
    pub fn sign_attempts(mut self, sign: bool) -> Self {
        self.sign_attempts = sign;
        self
    }

    /// Whether signatures follow the clock of the service once it is known. Default yes.
    pub fn repair_clock(mut self, repair: bool) -> Self {
        self.repair_clock = repair;
        self
    }

    /// Where spans and log lines of calls go. Default: the subscriber of whoever makes the
    /// call; without one nothing is written.
    pub fn log(mut self, subscriber: impl Into<Dispatch>) -> Self {
        self.log = Some(subscriber.into());
        self
    }

    /// What is logged of requests and answers. Default nothing.
    pub fn wire_log(mut self, wanted: WireLog) -> Self {
        self.wire_log = wanted;
        self
    }

    /// Who takes measurements. Default nobody, and nothing is measured.
    pub fn meter(mut self, meter: impl Meter + 'static) -> Self {
        self.meter = Some(Arc::new(meter));
        self
    }

    /// The clock. Default: the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = SharedTimeSource::new(Source(clock));
        self
    }

    /// Another way to the service than the crate's own HTTP.
    pub fn http_client(mut self, client: impl HttpClient + 'static) -> Self {
        self.http_client = Some(client.into_shared());
        self
    }

    /// Adds a hook to every call; hooks run in the order in which they were added.
    pub fn interceptor(mut self, hook: impl Intercept + 'static) -> Self {
        self.interceptors.push(SharedInterceptor::permanent(hook));
        self
    }

    /// Names the calling program in the user agent; at most 50 characters.
    pub fn app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(app_id.into());
        self
    }

    /// Whether required members are checked before sending. Default yes.
    pub fn validate(mut self, validate: bool) -> Self {
        self.validate = validate;
        self
    }

    /// For development: lets the runtime print requests and answers whole at trace level,
    /// with environment variables, session tokens and all. Default no.
    pub fn unsafe_wire_trace(mut self, on: bool) -> Self {
        self.unsafe_wire_trace = on;
        self
    }

    /// Asks the instance metadata service for the region if nobody has given one and the
    /// environment has been read. Outside EC2 this takes some seconds and finds nothing.
    pub async fn find_region(mut self) -> Self {
        if let (None, Some(endpoint)) = (&self.region, &self.metadata) {
            let metadata = Metadata::new(endpoint, self.means());
            match metadata.region().await {
                Ok(region) => self.region = Some(region),
                Err(why) => tracing::debug!(%why, "the metadata service tells no region"),
            }
        }
        self
    }

    fn means(&self) -> Means {
        Means::new(&self.clock, self.http_client.as_ref())
    }

    /// Checks and completes.
    pub fn build(self) -> Result<Config, ConfigError> {
        let region = self.region.clone().ok_or(ConfigError::NoRegion)?;
        let endpoint = |service| self.endpoints.of(service, &region);
        let ecs_endpoint = endpoint(&ECS).map_err(ConfigError::Endpoint)?;
        let logs_endpoint = endpoint(&LOGS).map_err(ConfigError::Endpoint)?;
        check_retry(&self.retry)?;
        check_app_id(self.app_id.as_deref())?;
        let means = self.means();
        let credentials = self
            .keys
            .provider(&means)
            .map_err(ConfigError::NoCredentials)?;
        Ok(Config {
            region,
            endpoints: self.endpoints,
            ecs_endpoint,
            logs_endpoint,
            credentials,
            retry: self.retry,
            timeouts: self.timeouts,
            tokens: self.tokens,
            clock: self.clock,
            http_client: self.http_client,
            interceptors: self.interceptors,
            invocation_ids: self.invocation_ids,
            sign_attempts: self.sign_attempts,
            repair_clock: self.repair_clock,
            is_anonymous: self.is_anonymous,
            log: self.log,
            wire_log: self.wire_log,
            meter: self.meter,
            app_id: self.app_id,
            execution_environment: self.execution_environment,
            validate: self.validate,
            unsafe_wire_trace: self.unsafe_wire_trace,
        })
    }
}

/// Stands where calls are not signed; nobody asks it.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn credentials(&self) -> CredentialsFuture<'_> {
        let why = "the client is anonymous: give it credentials".to_owned();
        Box::pin(std::future::ready(Err(why)))
    }
}

pub(crate) fn check_retry(retry: &Retry) -> Result<(), ConfigError> {
    if retry.max_attempts > 0 {
        return Ok(());
    }
    Err(ConfigError::Value {
        name: "max attempts".to_owned(),
        problem: "must be at least 1, the first attempt included".to_owned(),
    })
}

pub(crate) fn check_app_id(app_id: Option<&str>) -> Result<(), ConfigError> {
    if app_id.is_none_or(|id| id.chars().count() <= MAX_APP_ID_CHARS) {
        return Ok(());
    }
    Err(ConfigError::Value {
        name: "app id".to_owned(),
        problem: format!("longer than {MAX_APP_ID_CHARS} characters"),
    })
}

//! How a client is set up.

mod builder;

use std::sync::Arc;

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use tracing::Dispatch;

pub use self::builder::ConfigBuilder;
pub(crate) use self::builder::{check_app_id, check_retry};
use crate::credentials::ProvideCredentials;
use crate::endpoint::{Endpoint, Endpoints};
use crate::meter::Meter;
use crate::options::CallOptions;
use crate::retry::Retry;
use crate::service::Service;
use crate::timeouts::Timeouts;
use crate::token::{TokenProvider, Tokens};
use crate::wire_log::WireLog;

/// A checked configuration: where to, as whom, how patiently.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) region: String,
    endpoints: Endpoints,
    pub(crate) ecs_endpoint: Endpoint,
    pub(crate) logs_endpoint: Endpoint,
    pub(crate) credentials: Arc<dyn ProvideCredentials>,
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
    pub(crate) validate: bool,
    pub(crate) unsafe_wire_trace: bool,
}

/// Why a configuration is not usable. The text says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No region anywhere.
    #[error(
        "Invalid Configuration: Missing Region: set AWS_REGION, a profile's `region`, or give one"
    )]
    NoRegion,
    /// No access key anywhere; says where was looked.
    #[error("no credentials: {0}")]
    NoCredentials(String),
    /// A region or URL that cannot be one.
    #[error("{0}")]
    Endpoint(String),
    /// A variable or profile key with a value that it cannot have.
    #[error("{name}: {problem}")]
    Value {
        /// The variable or key.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A profile that is missing or cannot be read.
    #[error("{0}")]
    Profile(String),
}

impl Config {
    /// Starts with defaults and nothing else: no region, no credentials.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Where ECS calls go.
    pub fn endpoint_url(&self) -> &str {
        self.ecs_endpoint.url()
    }

    /// Where CloudWatch Logs calls go.
    pub fn logs_endpoint_url(&self) -> &str {
        self.logs_endpoint.url()
    }

    /// Where calls of another service go: the given URL, or the public endpoint.
    pub(crate) fn endpoint_of(&self, service: &Service) -> Result<Endpoint, String> {
        self.endpoints.of(service, &self.region)
    }

    /// Where a call goes whose options send it elsewhere than the client's calls.
    pub(crate) fn elsewhere(
        &self,
        service: &Service,
        options: &CallOptions,
    ) -> Result<Option<Endpoint>, String> {
        let (url, region) = (options.endpoint_url.as_deref(), options.region.as_deref());
        let resolver = options.endpoint_resolver.as_ref();
        if url.is_none() && region.is_none() && resolver.is_none() && !options.plain_http {
            return Ok(None);
        }
        let mut endpoints = match url {
            Some(url) => self.endpoints.at(url),
            None => self.endpoints.clone(),
        };
        if let Some(resolver) = resolver {
            endpoints.resolver = Some(Arc::clone(resolver));
        }
        endpoints.plain_http |= options.plain_http;
        let region = region.unwrap_or(&self.region);
        endpoints.of(service, region).map(Some)
    }
}

//! The way out: hyper with ring, connections kept and reused.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::endpoint::Endpoint;

/// The transports of one client, made when they are first needed: one per way of
/// connecting, so that calls to other endpoints share connections too.
#[derive(Debug)]
pub(crate) struct Transports {
    /// The caller's own, for every endpoint.
    given: Option<SharedHttpClient>,
    made: Mutex<BTreeMap<Way, SharedHttpClient>>,
}

/// Whether TLS is left out, and whether the proxy is.
type Way = (bool, bool);

impl Transports {
    pub(crate) fn new(given: Option<SharedHttpClient>) -> Self {
        Self {
            given,
            made: Mutex::default(),
        }
    }

    /// The transport that reaches an endpoint.
    pub(crate) fn to(&self, endpoint: &Endpoint) -> SharedHttpClient {
        if let Some(given) = &self.given {
            return given.clone();
        }
        let way = (endpoint.is_plain_http(), endpoint.is_local());
        let mut known = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.entry(way).or_insert_with(|| http_client(endpoint));
        found.clone()
    }
}

/// A client for one endpoint. Plain HTTP is built without TLS, because reading the
/// system's certificates takes longer than a call to a local server. The proxy
/// variables (`HTTPS_PROXY`, `NO_PROXY` …) count except towards this machine
/// and its metadata services.
fn http_client(endpoint: &Endpoint) -> SharedHttpClient {
    let plain = endpoint.is_plain_http();
    let local = endpoint.is_local();
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        if !local {
            connector.set_proxy_config(Some(ProxyConfig::from_env()));
        }
        if plain {
            connector.build_http()
        } else {
            connector
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build()
        }
    })
}

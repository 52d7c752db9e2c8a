//! HTTP through hyper, TLS through rustls with ring.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::endpoint::Endpoint;

/// A client for one endpoint. Plain HTTP is built without TLS, because reading the
/// system's certificates takes longer than a call to a local server. The proxy
/// variables (`HTTPS_PROXY`, `NO_PROXY` …) count except towards this machine
/// and its metadata services.
pub(super) fn http_client(endpoint: &Endpoint) -> SharedHttpClient {
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

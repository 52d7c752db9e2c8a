//! What a call says in a program that has no HTTP: neither the crate's own nor the
//! caller's.

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::endpoint::Endpoint;

const WHY: &str = "this program was built without HTTP: enable the feature `hyper-ring`, \
                   or give a client to `ConfigBuilder::http_client`";

#[derive(Debug)]
struct Absent;

impl HttpConnector for Absent {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(ConnectorError::user(WHY.into())))
    }
}

pub(super) fn http_client(_: &Endpoint) -> SharedHttpClient {
    http_client_fn(|_: &HttpConnectorSettings, _| SharedHttpConnector::new(Absent))
}

//! An engine behind TLS: one authority vouches for it, and it is shown a certificate of ours.
//!
//! Files and their names are those of the docker command line. Only the authority in `ca.pem`
//! counts, not those that the machine trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard::errors::Error;
use bollard::{BollardRequest, ClientVersion, Docker};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::error::DockerError;

/// The connection to `address` with the certificates of a folder; nothing is sent yet.
pub(super) fn client(
    address: &str,
    folder: &Path,
    seconds: u64,
    version: &ClientVersion,
) -> Result<Docker, DockerError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(config(folder)?)
        .https_only()
        .enable_http1()
        .wrap_connector(http);
    let mut builder = Client::builder(TokioExecutor::new());
    // As the library does: an engine that was restarted leaves no connection that is dead.
    builder.pool_max_idle_per_host(0);
    let client = builder.build(https);
    let transport = move |request: BollardRequest| {
        let answer = client.request(request);
        async move { answer.await.map_err(Error::from) }
    };
    let address = format!("https://{address}");
    Docker::connect_with_custom_transport(transport, Some(address), seconds, version).map_err(
        |error| DockerError::Certificates {
            path: folder.to_owned(),
            cause: error.to_string(),
        },
    )
}

/// What is in the folder: `ca.pem`, and `cert.pem` with `key.pem` unless neither is there.
fn config(folder: &Path) -> Result<ClientConfig, DockerError> {
    let file = |name: &str| folder.join(name);
    let mut roots = RootCertStore::empty();
    for authority in certificates(&file("ca.pem"))? {
        let added = roots.add(authority);
        added.map_err(|error| unusable(&file("ca.pem"), &error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable(folder, &error))?;
    let builder = builder.with_root_certificates(roots);
    let (own, key) = (file("cert.pem"), file("key.pem"));
    if !own.exists() && !key.exists() {
        return Ok(builder.with_no_client_auth());
    }
    let secret = PrivateKeyDer::from_pem_file(&key).map_err(|error| unusable(&key, &error))?;
    let config = builder.with_client_auth_cert(certificates(&own)?, secret);
    config.map_err(|error| unusable(&own, &error))
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, DockerError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|error| unusable(path, &error))?;
    match found.is_empty() {
        true => Err(unusable(path, &"it holds no certificate")),
        false => Ok(found),
    }
}

fn unusable(path: &Path, cause: &dyn std::fmt::Display) -> DockerError {
    DockerError::Certificates {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

//! The way out: hyper with ring, connections kept and reused; or what the caller brings.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

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

#[cfg(feature = "hyper-ring")]
mod hyper;
#[cfg(feature = "hyper-ring")]
use hyper::http_client;

#[cfg(not(feature = "hyper-ring"))]
mod absent;
#[cfg(not(feature = "hyper-ring"))]
use absent::http_client;

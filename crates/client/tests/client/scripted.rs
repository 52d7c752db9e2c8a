//! A service inside the test: no sockets, so a paused clock stays paused until the call
//! itself waits.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use longshore_client::extension::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use longshore_client::{Clock, Config, ConfigBuilder, Credentials};
use tokio::time::Instant;

/// 2026-01-02T03:04:05Z, the date of the vectors of the signature.
pub(crate) const START: Duration = Duration::from_secs(1_767_323_045);

/// A clock that goes with the paused one of the runtime.
#[derive(Debug)]
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + START + self.0.elapsed()
    }
}

/// What is answered: status, headers, body.
#[derive(Debug, Clone)]
pub(crate) struct Answer(
    pub(crate) u16,
    pub(crate) Vec<(&'static str, String)>,
    pub(crate) &'static str,
);

impl Answer {
    pub(crate) fn ok() -> Self {
        Self(200, Vec::new(), "{}")
    }

    pub(crate) fn throttle() -> Self {
        Self(400, Vec::new(), r#"{"__type":"ThrottlingException"}"#)
    }

    pub(crate) fn failure() -> Self {
        Self(500, Vec::new(), r#"{"__type":"ServerException"}"#)
    }

    pub(crate) fn with(mut self, header: &'static str, value: impl ToString) -> Self {
        self.1.push((header, value.to_string()));
        self
    }
}

/// A request that was received, and when.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) at: Duration,
    pub(crate) uri: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Seen {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found
            .unwrap_or_else(|| panic!("no {name}: {:?}", self.headers))
            .1
    }
}

/// Answers by a script; the last line of it is repeated.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    script: Arc<Vec<Answer>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    start: Instant,
}

impl Scripted {
    pub(crate) fn new(script: Vec<Answer>) -> Self {
        Self {
            script: Arc::new(script),
            seen: Arc::default(),
            start: Instant::now(),
        }
    }

    /// A configuration that leads here, with the default rules and the paused clock.
    pub(crate) fn config(&self) -> ConfigBuilder {
        let connector = SharedHttpConnector::new(self.clone());
        Config::builder()
            .region("us-east-1")
            .credentials(Credentials::new(
                "AKIDEXAMPLE",
                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            ))
            .clock(Paused(self.start))
            .http_client(http_client_fn(move |_: &HttpConnectorSettings, _| {
                connector.clone()
            }))
    }

    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl HttpConnector for Scripted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut seen = self.seen.lock().unwrap();
        let headers = request.headers().iter();
        seen.push(Seen {
            at: self.start.elapsed(),
            uri: request.uri().to_owned(),
            headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        });
        let Answer(status, headers, body) = self
            .script
            .get(seen.len() - 1)
            .or(self.script.last())
            .unwrap();
        let mut response = HttpResponse::new((*status).try_into().unwrap(), SdkBody::from(*body));
        for (name, value) in headers {
            response.headers_mut().append(*name, value.clone());
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

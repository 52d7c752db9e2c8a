//! A service that is a function: of the operation, its body and the paused clock.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use longshore_client::extension::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use longshore_client::{Client, Config, Credentials};
use serde_json::{Value, json};
use tokio::time::Instant;

/// One call that was received.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// Since the start.
    pub(crate) at: Duration,
    pub(crate) operation: String,
    pub(crate) body: Value,
    pub(crate) host: String,
}

/// Status and body for a call; the calls before it come first.
type Act = dyn Fn(&Call, &[Call]) -> (u16, Value) + Send + Sync;

/// A service inside the test.
#[derive(Clone)]
pub(crate) struct Acted {
    act: Arc<Act>,
    calls: Arc<Mutex<Vec<Call>>>,
    start: Instant,
}

impl fmt::Debug for Acted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acted")
    }
}

impl Acted {
    pub(crate) fn new(
        act: impl Fn(&Call, &[Call]) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        Self {
            act: Arc::new(act),
            calls: Arc::default(),
            start: Instant::now(),
        }
    }

    /// A client far from this machine, as of AWS.
    pub(crate) fn client(&self) -> Client {
        let connector = SharedHttpConnector::new(self.clone());
        let config = Config::builder()
            .region("us-east-1")
            .credentials(Credentials::new("AKIDEXAMPLE", "SECRETKEY"))
            .http_client(http_client_fn(move |_: &HttpConnectorSettings, _| {
                connector.clone()
            }));
        Client::new(config.build().unwrap())
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// When an operation was called, in seconds since the start.
    pub(crate) fn times(&self, operation: &str) -> Vec<f64> {
        let calls = self.calls();
        let wanted = calls.iter().filter(|call| call.operation == operation);
        wanted.map(|call| call.at.as_secs_f64()).collect()
    }

    /// The bodies with which an operation was called.
    pub(crate) fn bodies(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls().into_iter();
        let wanted = calls.filter(|call| call.operation == operation);
        wanted.map(|call| call.body).collect()
    }
}

impl HttpConnector for Acted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let call = Call {
            at: self.start.elapsed(),
            operation: target.rsplit('.').next().unwrap().to_owned(),
            body: serde_json::from_slice(body).unwrap(),
            host: request.uri().trim_start_matches("https://").to_owned(),
        };
        let mut calls = self.calls.lock().unwrap();
        let (status, answer) = (self.act)(&call, &calls);
        calls.push(call);
        let body = SdkBody::from(answer.to_string());
        let response = HttpResponse::new(status.try_into().unwrap(), body);
        HttpConnectorFuture::ready(Ok(response))
    }
}

pub(crate) fn arn(id: &str) -> String {
    format!("arn:aws:ecs:us-east-1:000000000000:task/default/{id}")
}

/// An answer of DescribeTasks: the statuses of those that are asked for and known, the
/// others missing.
pub(crate) fn described(
    call: &Call,
    status: impl Fn(&str) -> Option<&'static str>,
) -> (u16, Value) {
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for name in call.body["tasks"].as_array().unwrap() {
        let id = name.as_str().unwrap().rsplit('/').next().unwrap();
        match status(id) {
            Some(status) => tasks.push(json!({"taskArn": arn(id), "lastStatus": status})),
            None => failures.push(json!({"arn": arn(id), "reason": "MISSING"})),
        }
    }
    (200, json!({"tasks": tasks, "failures": failures}))
}

pub(crate) fn error(code: &str) -> (u16, Value) {
    (400, json!({"__type": code, "message": "no"}))
}

//! A running server with a fixed clock, two keys and a gateway made for looking at.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use api::{
    ApiError, Auth, Clock, ExtensionReply, ExtensionRequest, Fault, Gateway, HttpConfig, Key, Keys,
    Request, Service, Session,
};
use async_trait::async_trait;
use bytes::Bytes;
use model::Timestamp;
use model::errors::ErrorCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// 2026-01-05T10:15:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_767_608_100_000);
pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const TEMPORARY_KEY_ID: &str = "ASIAEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub(crate) const TOKEN: &str = "a/session+token==";

/// Stops with the runtime of its test, or in good order by [`Server::stop`].
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Arc<TestGateway>,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut HttpConfig)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gateway = Arc::new(TestGateway::default());
        let mut config = HttpConfig::new(Auth::Required(Arc::new(TestKeys)), Arc::new(TestClock));
        change(&mut config);
        let (shutdown, stopped) = oneshot::channel();
        let server = api::serve(listener, gateway.clone(), config, async {
            // A dropped sender must not stop the server: tests that do not stop it drop theirs late.
            let _ = stopped.await;
        });
        let task = tokio::spawn(server);
        Self {
            address,
            gateway,
            shutdown: Some(shutdown),
            task,
        }
    }

    /// Asks the server to stop; the handle ends when it has.
    pub(crate) fn stop(mut self) -> JoinHandle<()> {
        self.shutdown.take().unwrap().send(()).unwrap();
        self.task
    }
}

struct TestClock;

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

struct TestKeys;

impl Keys for TestKeys {
    fn find(&self, access_key_id: &str) -> Option<Key> {
        let session = match access_key_id {
            KEY_ID => None,
            TEMPORARY_KEY_ID => Some(Arc::new(Session {
                token: TOKEN.into(),
                expires: NOW.plus_millis(1),
            })),
            _ => return None,
        };
        Some(Key {
            secret: SECRET.into(),
            principal_arn: "arn:aws:iam::111122223333:root".into(),
            account: "111122223333".into(),
            session,
        })
    }
}

/// `RunTask` and `GetLogEvents` tell what arrived; the other operations do what their name says.
#[derive(Default)]
pub(crate) struct TestGateway {
    /// A `Wait` call has begun.
    pub(crate) entered: Notify,
    /// Lets a `Wait` call end.
    pub(crate) release: Notify,
    /// How the next call goes wrong.
    pub(crate) fault: Mutex<Option<Fault>>,
    /// Calls that had their effect.
    pub(crate) calls: AtomicUsize,
}

#[async_trait]
impl Gateway for TestGateway {
    fn knows(&self, service: Service, operation: &str) -> bool {
        match service {
            Service::Ecs => ["RunTask", "Wait", "Panic", "Conflict"].contains(&operation),
            Service::Logs => operation == "GetLogEvents",
        }
    }

    fn fault(&self, _: &Request) -> Option<Fault> {
        self.fault.lock().unwrap().take()
    }

    async fn call(&self, request: Request) -> Result<Bytes, ApiError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match request.operation.as_str() {
            "Wait" => {
                self.entered.notify_one();
                self.release.notified().await;
            }
            "Panic" => panic!("boom"),
            "Conflict" => {
                let mut error = ApiError::new(ErrorCode::ConflictException, "Taken.");
                error.resource_ids = Some(vec!["arn:aws:ecs:::task/1".into()]);
                error.detail = Some("for the log".into());
                return Err(error);
            }
            _ => {}
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let caller = &request.caller;
        let seen = json!({
            "operation": request.operation,
            "principal": &*caller.principal_arn,
            "account": &*caller.account,
            "key": &*caller.access_key_id,
            "region": &*caller.region,
            "requestId": request.request_id,
            "body": body,
        });
        Ok(seen.to_string().into())
    }

    async fn extension(
        &self,
        request: ExtensionRequest,
    ) -> Option<Result<ExtensionReply, ApiError>> {
        if request.path == "/_longshore/v1/nothing" {
            return None;
        }
        let seen = json!({
            "method": request.method.as_str(),
            "path": request.path,
            "query": request.query,
            "key": request.caller.map(|caller| caller.access_key_id.to_string()),
            "bytes": request.body.len(),
        });
        Some(Ok(ExtensionReply::json(seen.to_string().into())))
    }
}

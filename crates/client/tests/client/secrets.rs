//! Nothing the client prints holds a secret.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use longshore_client::Client;
use tracing_subscriber::fmt::MakeWriter;

use crate::calls::run_task;
use crate::credentials::{FAR, document};
use crate::server::{Reply, Server};
use crate::settings::Settings;

const SECRETS: [&str; 6] = [
    "SECRETKEY",
    "SESSIONTOKEN",
    "hunter2",
    "CONTAINERTOKEN",
    "SECRETDOC",
    "TOKEN-AKIDTASK",
];

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Everything that is logged, at every level, during calls that succeed and fail.
async fn log_of_calls(unsafe_wire_trace: bool) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    for reply in [
        Reply::ok("{}"),
        Reply::throttle(),
        Reply::Cut,
        Reply::ok("<html>"),
    ] {
        let server = Server::start(vec![reply]).await;
        let config = server
            .config()
            .unsafe_wire_trace(unsafe_wire_trace)
            .build()
            .unwrap();
        let client = Client::new(config);
        let outcome = client.run_task(run_task()).await;
        tracing::info!(?client, ?outcome, config = ?client.config(), "shown");
        if let Err(error) = outcome {
            tracing::info!(%error, "shown");
        }
    }
    for reply in [document("AKIDTASK", FAR), Reply::error(403, "x", "no")] {
        call_from_container(reply).await;
    }
    drop(guard);
    log.text()
}

/// A call with keys that a container's endpoint gives, or not.
async fn call_from_container(reply: Reply) {
    let container = Server::start(vec![reply]).await;
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let settings = Settings::new(&[
        ("AWS_REGION", "r-1"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "CONTAINERTOKEN"),
    ]);
    let builder = settings.builder().unwrap().endpoint_url(server.url());
    let client = Client::new(builder.build().unwrap());
    let outcome = client.run_task(run_task()).await;
    assert_eq!(
        container.requests()[0].header("authorization"),
        "CONTAINERTOKEN"
    );
    tracing::info!(?client, ?outcome, config = ?client.config(), "shown");
}

#[tokio::test]
async fn item_11_no_secret_is_printed() {
    let log = log_of_calls(false).await;
    assert!(
        log.contains("call ended") && log.contains("AKIDEXAMPLE"),
        "{log}"
    );
    for secret in SECRETS {
        assert!(!log.contains(secret), "{secret} in:\n{log}");
    }
}

#[tokio::test]
async fn the_unsafe_switch_shows_bodies() {
    assert!(log_of_calls(true).await.contains("hunter2"));
}

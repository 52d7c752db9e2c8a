//! Nothing the client prints holds a secret.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use longshore_client::Client;
use tracing_subscriber::fmt::MakeWriter;

use crate::calls::run_task;
use crate::server::{Reply, Server};

const SECRETS: [&str; 3] = ["SECRETKEY", "SESSIONTOKEN", "hunter2"];

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
    drop(guard);
    log.text()
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

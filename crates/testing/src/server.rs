//! The server, in a thread with a runtime of its own: so it works beside every kind of test,
//! paused clocks and single threads included.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use client::{Client, ConfigBuilder, ConfigError, Retry};
use longshore::{EmbedError, Embedded};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::TestClock;

/// Longest first wait of the client's retries, so that tests do not wait for real.
const BACKOFF: Duration = Duration::from_millis(1);

/// Why there is no server; one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("no folder for the server's state: {0}")]
    Folder(#[source] std::io::Error),
    #[error("the server's thread does not start: {0}")]
    Thread(#[source] std::io::Error),
    #[error(transparent)]
    Server(#[from] EmbedError),
    #[error(transparent)]
    Client(#[from] ConfigError),
    /// It panicked, which its thread has said.
    #[error("the server ended while it started")]
    Ended,
}

/// A server of a test's own, with the key of its account's root. Dropped, it ends, and its state
/// is deleted.
#[derive(Debug)]
pub struct TestServer {
    url: String,
    client_builder: ConfigBuilder,
    client: Client,
    clock: TestClock,
    /// Dropped, it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl TestServer {
    /// Scripted containers, one machine that never fills.
    pub async fn start() -> Result<Self, StartError> {
        Self::start_with("").await
    }

    /// The same with the text of a configuration file (`docs/CONFIGURATION.md`), for example with
    /// instances. Its `driver` and `listen` do not count.
    pub async fn start_with(config: &str) -> Result<Self, StartError> {
        let folder = TempDir::with_prefix("longshore-testing-").map_err(StartError::Folder)?;
        let clock = TestClock::new();
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = oneshot::channel();
        let serving = Serving {
            data_dir: folder.path().to_owned(),
            config: config.to_owned(),
            clock: clock.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("test server".to_owned())
            .spawn(move || serving.run(ready, stopped))
            .map_err(StartError::Thread)?;
        let (url, client_builder) = started.await.map_err(|_| StartError::Ended)??;
        let client = Client::new(client_builder.clone().build()?);
        Ok(Self {
            url,
            client_builder,
            client,
            clock,
            stop: Some(stop),
            thread: Some(thread),
            folder,
        })
    }

    /// For example `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Retries as by default, but without a wait worth mentioning.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Settings to make another client of.
    pub fn client_builder(&self) -> ConfigBuilder {
        self.client_builder.clone()
    }

    /// What the server's state and tasks live by.
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// Where the state is, for as long as the server lives.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

type Started = Result<(String, ConfigBuilder), StartError>;

struct Serving {
    data_dir: std::path::PathBuf,
    config: String,
    clock: TestClock,
}

impl Serving {
    fn run(self, ready: oneshot::Sender<Started>, stopped: oneshot::Receiver<()>) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        match runtime {
            // Nobody waits for what is left over when the runtime ends.
            Ok(runtime) => runtime.block_on(self.serve(ready, stopped)),
            Err(error) => drop(ready.send(Err(StartError::Thread(error)))),
        }
    }

    async fn serve(self, ready: oneshot::Sender<Started>, stopped: oneshot::Receiver<()>) {
        let clock = Arc::new(self.clock);
        let config = format!("driver = \"scripted\"\n{}", self.config);
        let server = match Embedded::start(&self.data_dir, &config, clock).await {
            Ok(server) => server,
            Err(error) => return drop(ready.send(Err(error.into()))),
        };
        let retry = Retry {
            initial_backoff: BACKOFF,
            ..Retry::default()
        };
        let client_builder = server.client_builder().retry(retry);
        let told = ready.send(Ok((server.url().to_owned(), client_builder)));
        if told.is_ok() {
            // A dropped sender is what is waited for.
            let _ = stopped.await;
        }
    }
}

//! A server inside another program, with a clock of that program's choice: what crate `testing`
//! is built on.

use std::path::Path;
use std::sync::Arc;

use client::ConfigBuilder;
use runtime::Clock;
use store::DataDirLock;

use crate::clock::ServerClock;
use crate::config::Config;
use crate::connect;
use crate::server::Server;

/// Why a server does not start; one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EmbedError(String);

/// A server that serves. Dropped without [`Self::stop`] it ends with its runtime.
pub struct Embedded(Server);

impl Embedded {
    /// Starts a server on a random loopback port. `config` is the text of a configuration file;
    /// its `listen` does not count. The state and the hosts live by `clock`; signatures and dates
    /// of answers by the system's.
    pub async fn start(
        data_dir: &Path,
        config: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EmbedError> {
        let config = Config::embedded(config).map_err(sentence)?;
        let lock = DataDirLock::acquire(data_dir).map_err(sentence)?;
        let clock = ServerClock::new(clock);
        let server = Server::start(&config, data_dir, lock, true, clock).await;
        server.map(Self).map_err(sentence)
    }

    /// Where it listens, for example `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.0.file.url
    }

    /// The settings of a client with the key of the account's root; the rest as by default.
    pub fn client_builder(&self) -> ConfigBuilder {
        connect::client_builder(&self.0.file)
    }

    /// Stops serving; requests in flight may finish.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

fn sentence(error: impl ToString) -> EmbedError {
    EmbedError(error.to_string())
}

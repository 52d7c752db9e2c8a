//! `longshore up`: the server in the foreground. SIGTERM and SIGINT stop serving
//! and leave the tasks running.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use store::DataDirLock;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::clock::ServerClock;
use crate::config::Config;
use crate::exit;
use crate::server::{Server, StartError};

/// What the log shows unless `RUST_LOG` says otherwise. `RUST_LOG=api=info` adds a line per request.
const LOG_FILTER: &str = "warn,longshore=info";

pub(crate) async fn up(config: Config, data_dir: PathBuf) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| LOG_FILTER.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    if cfg!(feature = "unsafe-sync") {
        tracing::error!("built to lose what it answers when the machine crashes; for tests only");
    }
    let server = match start(&config, &data_dir).await {
        Ok(server) => server,
        Err(error) => return exit::failure(&error.to_string()),
    };
    // Before anybody is told that the server is there to be stopped.
    let signalled = match signalled() {
        Ok(signalled) => signalled,
        Err(error) => {
            server.stop().await;
            return exit::failure(&format!("signals cannot be received: {error}"));
        }
    };
    if let Err(error) = say_ready(&server.file.url) {
        tracing::warn!(%error, "nobody reads the ready line");
    }
    signalled.await;
    server.stop().await;
    ExitCode::SUCCESS
}

async fn start(config: &Config, data_dir: &std::path::Path) -> Result<Server, StartError> {
    let lock = DataDirLock::acquire(data_dir)?;
    Server::start(config, data_dir, lock, false, ServerClock::system()).await
}

/// The one line that scripts wait for.
fn say_ready(url: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready {url}")?;
    out.flush()
}

/// Receives signals from now on; the future resolves at the first.
fn signalled() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

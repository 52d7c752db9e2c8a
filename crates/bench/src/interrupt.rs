//! Being interrupted: what a program has started is ended by dropping it, which a signal that ends
//! the program at once would leave out.

use tokio::signal::unix::{SignalKind, signal};

/// Runs to the end, or drops the work on SIGINT or SIGTERM.
pub async fn interruptible<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
    }
}

//! The listening socket and its connections: accept within a bound, serve, stop in good order.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::config::{HttpConfig, HttpLimits};
use crate::gateway::Gateway;
use crate::handler::Handler;

/// After a failed `accept` (most often: no file descriptor left) the next try waits this long.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// hyper wants no smaller buffer than this.
const READ_BUFFER_BYTES_MIN: usize = 8192;

/// Serves HTTP/1.1 until `shutdown` resolves. Then no connection is accepted any more, requests in
/// flight may finish within [`HttpLimits::stop`], and what is left after that is cut off.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<dyn Gateway>,
    config: HttpConfig,
    shutdown: impl Future<Output = ()>,
) {
    let limits = config.limits;
    let listen = match listener.local_addr() {
        Ok(address) => address.ip(),
        Err(error) => {
            tracing::error!(%error, "the listener has no address");
            return;
        }
    };
    let handler = Arc::new(Handler::new(gateway, config, listen));
    let http = http(&limits);
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, slot) = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &slots) => accepted,
        };
        connections.spawn(connection(
            stream,
            slot,
            &http,
            Arc::clone(&handler),
            &graceful,
        ));
    }
    drop(listener);
    if tokio::time::timeout(limits.stop, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "cut off requests that did not finish"
        );
    }
    connections.shutdown().await;
}

/// Waits for a free slot first, so that connections beyond the bound queue in the kernel.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    if slots.available_permits() == 0 {
        tracing::warn!("all connections are in use; new ones wait");
    }
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

fn http(limits: &HttpLimits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_header_size(limits.header_bytes_max)
        .max_buf_size((4 * limits.header_bytes_max).max(READ_BUFFER_BYTES_MIN));
    http
}

/// The whole life of one connection.
fn connection(
    stream: TcpStream,
    slot: OwnedSemaphorePermit,
    http: &http1::Builder,
    handler: Arc<Handler>,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    // Answers are small and complete; waiting for more to send with them only costs time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { handler.handle(request).await }
    });
    let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
    async move {
        // Hang-ups, timeouts and broken HTTP are the client's affair.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
        drop(slot);
    }
}

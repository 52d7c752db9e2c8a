//! What the HTTP server is told at start: whom to trust, the clock, the bounds.

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use uuid::Uuid;

use crate::Auth;

/// The source of time for signatures and `Date` headers.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The source of request ids.
pub trait RequestIds: Send + Sync {
    fn fresh(&self) -> Uuid;
}

/// Random ids (UUID version 4) from the system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl RequestIds for RandomIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "the random source; tests give their own"
    )]
    fn fresh(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Everything [`serve`](crate::serve) needs to know beyond its listener and gateway.
pub struct HttpConfig {
    pub auth: Auth,
    pub clock: Arc<dyn Clock>,
    /// Default: [`RandomIds`].
    pub request_ids: Arc<dyn RequestIds>,
    /// Names and addresses, without port, that a `Host` header may carry besides loopback ones and
    /// the address listened on. Default: none.
    pub allowed_hosts: Vec<String>,
    /// Whether `/metrics` answers unsigned requests. Default: no.
    pub open_metrics: bool,
    pub limits: HttpLimits,
}

impl HttpConfig {
    pub fn new(auth: Auth, clock: Arc<dyn Clock>) -> Self {
        Self {
            auth,
            clock,
            request_ids: Arc::new(RandomIds),
            allowed_hosts: Vec::new(),
            open_metrics: false,
            limits: HttpLimits::default(),
        }
    }
}

/// Bounds of connections and requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Largest body taken, in bytes; a larger one is answered with 413.
    pub body_bytes_max: usize,
    /// Largest request line plus headers, in bytes; more is answered with 431.
    pub header_bytes_max: usize,
    /// Open connections; the next ones wait in the kernel's queue until one closes.
    pub connections_max: usize,
    /// Time for a request's headers, from the end of the request before: also how long a
    /// connection may idle.
    pub header_read: Duration,
    /// Time for a request's body.
    pub body_read: Duration,
    /// How long requests in flight may take to finish once the server stops.
    pub stop: Duration,
}

/// The largest request of ECS (RegisterTaskDefinition) is bounded by 64 KiB on AWS.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// A session token has up to about 2 KiB, all else is small.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Leaves most of a usual limit of open files (4,096 and more) to containers and the store.
const CONNECTIONS_MAX: usize = 1024;
/// SDKs keep idle connections for up to 90 s and cope with a close from our side.
const HEADER_READ: Duration = Duration::from_secs(60);
const BODY_READ: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(10);

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: BODY_BYTES_MAX,
            header_bytes_max: HEADER_BYTES_MAX,
            connections_max: CONNECTIONS_MAX,
            header_read: HEADER_READ,
            body_read: BODY_READ,
            stop: STOP,
        }
    }
}

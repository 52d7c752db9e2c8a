//! The time at which things happen to a container. It is stamped where it happens, often in
//! a shim and while no server runs, so it cannot be an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use model::Timestamp;

#[expect(
    clippy::disallowed_methods,
    reason = "a shim is a process of its own; see the module"
)]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

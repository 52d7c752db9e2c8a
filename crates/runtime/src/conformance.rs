//! The promises of [`crate::driver`], checked against any driver.
//!
//! A driver's own test calls [`suite`]. Each container's behaviour is given twice: as a
//! script for drivers that play one, and as a shell command for those that run programs.

mod host;
mod life;
mod network;
mod surroundings;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::Driver;
use crate::registry::{Registries, full_name, parse};
use host::Host;

/// A repository that nobody has, for which another one stands.
const MIRRORED: &str = "mirrored.example/app";

/// The registries to open the driver with. `image` is that of [`suite`].
pub fn registries(image: &str) -> Registries {
    let full = parse(image)
        .map(|named| full_name(&named))
        .unwrap_or_default();
    let repository = full
        .rsplit_once(':')
        .map_or(&*full, |(repository, _)| repository);
    Registries {
        mirrors: [(MIRRORED.to_owned(), repository.to_owned())].into(),
        ..Registries::default()
    }
}

/// Runs every check. `open` opens the driver on the same data each time it is called, as a
/// server does after a restart, with [`registries`] if it has images; `image` must be there and hold `/bin/busybox`; `logs` is the
/// root of the log store. Panics at the first broken promise, having removed what it made.
pub async fn suite(open: impl AsyncFn() -> Arc<dyn Driver>, image: &str, logs: &Path) {
    let host = Host::new(open().await, image, logs);
    let outcome = AssertUnwindSafe(async {
        life::check(&host).await;
        network::check(&host).await;
        surroundings::check(&host).await;
        life::leave_running(&host).await
    });
    let outcome = outcome.catch_unwind().await;
    let host = host.reopen(open).await;
    let outcome = match outcome {
        Ok(left) => {
            AssertUnwindSafe(life::check_after_restart(&host, left))
                .catch_unwind()
                .await
        }
        Err(panic) => Err(panic),
    };
    host.clean_up().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
    host.check_clean().await;
}

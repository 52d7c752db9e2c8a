//! The promises every driver keeps, kept by this one.

use std::sync::Arc;

use runtime::Driver;

use crate::testbed::{self, Testbed};

#[tokio::test(flavor = "multi_thread")]
async fn the_native_driver_keeps_the_promises_of_drivers() {
    let bed = Testbed::new().await;
    let folder = bed.folder.path();
    let open = async || {
        let registries = runtime::conformance::registries("busybox");
        let driver: Arc<dyn Driver> = Arc::new(testbed::open_with(folder, registries).await);
        driver
    };
    runtime::conformance::suite(open, "busybox", &folder.join("logs")).await;
}

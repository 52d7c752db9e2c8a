//! The promises every driver keeps, kept by this one.

use std::sync::Arc;

use runtime::Driver;

use crate::engine::IMAGE;
use crate::testbed::{self, Testbed};

#[tokio::test(flavor = "multi_thread")]
async fn the_docker_driver_keeps_the_promises_of_drivers() {
    let bed = Testbed::new().await;
    let folder = bed.folder.path().join("suite");
    let open = async || {
        let registries = runtime::conformance::registries(IMAGE);
        let opened = testbed::open_with(&folder, &bed.engine.address(), registries).await;
        let driver: Arc<dyn Driver> = Arc::new(opened.unwrap());
        driver
    };
    runtime::conformance::suite(open, IMAGE, &folder.join("logs")).await;
    let left = bed
        .engine
        .docker(&["ps", "--all", "--format", "{{.Names}}"]);
    let suffix = format!("{:08x}", std::process::id());
    let of_suite = left
        .lines()
        .filter(|name| name.contains(&suffix) && name.contains("0000c04f"));
    assert_eq!(of_suite.count(), 0, "{left}");
}

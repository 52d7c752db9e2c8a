//! Whether an engine with Docker's API can be used.

use std::time::Duration;

use super::check::Check;
use crate::config::Config;

const SUBJECT: &str = "docker engine";
/// An engine of this machine answers within milliseconds; the doctor does not wait for one that
/// hangs.
const PATIENCE: Duration = Duration::from_millis(700);

pub(super) async fn check(config: &Config) -> Check {
    let surroundings = config.docker.surroundings();
    match runtime::docker::examine(&surroundings, PATIENCE).await {
        Ok(found) => Check::ok(SUBJECT, found),
        Err(error) => Check::missing(SUBJECT, &error.to_string()),
    }
}

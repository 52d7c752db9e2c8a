//! What the programs of this package share: the AWS SDK's client, set up from the environment
//! alone, as `conformance/harness.py` sets it.

use aws_sdk_ecs::config::{Credentials, Region, retry::RetryConfig};
use aws_sdk_ecs::{Client, Config};

/// A variable that must be set.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// The session token, where the key is a temporary one.
pub fn session_token() -> Option<String> {
    std::env::var("AWS_SESSION_TOKEN").ok()
}

/// A client of the AWS SDK that speaks plain HTTP.
pub fn sdk_client(retries: RetryConfig) -> Client {
    let keys = Credentials::new(
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
        session_token(),
        None,
        "environment",
    );
    let config = Config::builder()
        .behavior_version_latest()
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(variable("AWS_ENDPOINT_URL_ECS"))
        .region(Region::new(variable("AWS_REGION")))
        .credentials_provider(keys)
        .retry_config(retries);
    Client::from_conf(config.build())
}

//! `wire sdk|longshore`: sends the RunTask input of standard input with the AWS SDK or with our
//! client. `test_wire.py` and `test_signatures.py` look at what arrives. Endpoint, region and
//! keys come from the environment; three attempts, and hardly a wait between them.

use std::io::Read as _;
use std::time::Duration;

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::operation::run_task::RunTaskInput;
use aws_smithy_json::codec::{JsonCodec, JsonCodecSettings};
use aws_smithy_schema::codec::Codec as _;
use longshore_client::{Client, Config, Credentials, Retry};
use model::operations::RunTask;
use sdk_rust::{sdk_client, session_token, variable};

const ATTEMPTS: u32 = 3;
const BACKOFF: Duration = Duration::from_millis(1);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input).unwrap();
    match std::env::args().nth(1).as_deref() {
        Some("sdk") => with_sdk(&input).await,
        Some("longshore") => with_longshore(&input).await,
        other => panic!("sdk or longshore, not {other:?}"),
    }
}

async fn with_sdk(json: &[u8]) {
    let codec = JsonCodec::new(JsonCodecSettings::builder().build());
    let input = RunTaskInput::deserialize(&mut codec.create_deserializer(json)).unwrap();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(BACKOFF);
    sdk_client(retries)
        .run_task()
        .set_capacity_provider_strategy(input.capacity_provider_strategy)
        .set_client_token(input.client_token)
        .set_cluster(input.cluster)
        .set_count(input.count)
        .set_enable_ecs_managed_tags(input.enable_ecs_managed_tags)
        .set_enable_execute_command(input.enable_execute_command)
        .set_group(input.group)
        .set_launch_type(input.launch_type)
        .set_network_configuration(input.network_configuration)
        .set_overrides(input.overrides)
        .set_placement_constraints(input.placement_constraints)
        .set_placement_strategy(input.placement_strategy)
        .set_platform_version(input.platform_version)
        .set_propagate_tags(input.propagate_tags)
        .set_reference_id(input.reference_id)
        .set_started_by(input.started_by)
        .set_tags(input.tags)
        .set_task_definition(input.task_definition)
        .set_volume_configurations(input.volume_configurations)
        .send()
        .await
        .unwrap();
}

async fn with_longshore(json: &[u8]) {
    let key = Credentials::new(
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
    );
    let key = match session_token() {
        Some(token) => key.with_session_token(token),
        None => key,
    };
    let retry = Retry {
        max_attempts: ATTEMPTS,
        initial_backoff: BACKOFF,
        ..Retry::default()
    };
    let config = Config::builder()
        .endpoint_url(variable("AWS_ENDPOINT_URL_ECS"))
        .region(variable("AWS_REGION"))
        .credentials(key)
        .retry(retry)
        // The input has all members, of which some exclude each other.
        .validate(false)
        .build()
        .unwrap();
    let input: <RunTask as model::operations::Operation>::Input =
        serde_json::from_slice(json).unwrap();
    Client::new(config).call::<RunTask>(&input).await.unwrap();
}

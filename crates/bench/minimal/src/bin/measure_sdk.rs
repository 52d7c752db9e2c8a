//! What a RunTask with aws-sdk-ecs costs.

use aws_sdk_ecs::config::{Credentials, Region};
use aws_sdk_ecs::types::{ContainerOverride, KeyValuePair, Tag, TaskOverride};
use aws_sdk_ecs::{Client, Config};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let variable = |name| std::env::var(name).unwrap();
    let (id, secret) = (
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
    );
    let config = Config::builder()
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(variable("AWS_ENDPOINT_URL_ECS"))
        .region(Region::new(variable("AWS_REGION")))
        .credentials_provider(Credentials::new(id, secret, None, None, "environment"));
    let client = Client::from_conf(config.build());
    minimal::measure::calls(async || call(&client).await).await;
}

async fn call(client: &Client) {
    let variable = KeyValuePair::builder().name("MODE").value("once").build();
    let app = ContainerOverride::builder()
        .name("app")
        .command("migrate")
        .command("--all")
        .environment(variable)
        .build();
    let tag = Tag::builder().key("team").value("shore").build();
    let request = client.run_task().cluster("jobs").count(1);
    let request = request.task_definition("demo:1").started_by("bench");
    let overrides = TaskOverride::builder().container_overrides(app).build();
    let started = request.overrides(overrides).tags(tag).send().await.unwrap();
    assert_eq!(started.tasks().len(), 1);
}

//! What a RunTask with our client costs.

use longshore_client::{Client, Config, Credentials};
use model::operations::RunTask;
use model::shapes::{ContainerOverride, KeyValuePair, Tag, TaskOverride};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let variable = |name| std::env::var(name).unwrap();
    let (id, secret) = (
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
    );
    let config = Config::builder()
        .endpoint_url(variable("AWS_ENDPOINT_URL_ECS"))
        .region(variable("AWS_REGION"))
        .credentials(Credentials::new(id, secret));
    let client = Client::new(config.build().unwrap());
    minimal::measure::calls(async || call(&client).await).await;
}

async fn call(client: &Client) {
    let variable = KeyValuePair {
        name: Some("MODE".into()),
        value: Some("once".into()),
    };
    let app = ContainerOverride {
        name: Some("app".into()),
        command: Some(vec!["migrate".into(), "--all".into()]),
        environment: Some(vec![variable]),
        ..Default::default()
    };
    let tag = Tag {
        key: Some("team".into()),
        value: Some("shore".into()),
    };
    let request = client.request::<RunTask>().cluster("jobs").count(1);
    let request = request.task_definition("demo:1").started_by("bench");
    let overrides = TaskOverride {
        container_overrides: Some(vec![app]),
        ..Default::default()
    };
    let started = request
        .overrides(overrides)
        .tags([tag])
        .send()
        .await
        .unwrap();
    assert_eq!(started.tasks.as_deref().unwrap_or_default().len(), 1);
}

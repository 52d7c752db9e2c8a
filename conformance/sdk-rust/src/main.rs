//! One way through the API with the AWS SDK for Rust; `test_rust.py` runs it.
//! Endpoint, region and keys come from the environment.

mod waits;

use std::time::Duration;

use aws_sdk_ecs::client::Waiters as _;
use aws_sdk_ecs::config::{Credentials, retry::RetryConfig};
use aws_sdk_ecs::error::ProvideErrorMetadata as _;
use aws_sdk_ecs::types::{ContainerDefinition, DesiredStatus, Tag, TaskField};
use aws_sdk_ecs::{Client, Config};
use sdk_rust::{sdk_client, variable};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client = sdk_client(RetryConfig::disabled());
    let cluster = client.create_cluster().cluster_name("rust").send().await;
    let cluster = cluster.unwrap().cluster.unwrap();
    assert_eq!(cluster.status(), Some("ACTIVE"));

    let app = ContainerDefinition::builder()
        .name("app")
        .image("example:1")
        .memory(16)
        .docker_labels("longshore.script", "run 10ms; exit 3")
        .build();
    let registering = client.register_task_definition().family("rust");
    let registered = registering.container_definitions(app).send().await.unwrap();
    assert_eq!(registered.task_definition().unwrap().revision(), 1);

    let run = |count| {
        let tag = Tag::builder().key("a").value("1").build();
        let request = client.run_task().task_definition("rust").count(count);
        request.client_token("once").tags(tag).send()
    };
    let ran = run(3).await.unwrap();
    assert_eq!((ran.tasks().len(), ran.failures().len()), (3, 0));
    assert!(ran.tasks()[0].created_at().is_some());
    let arns = ran
        .tasks()
        .iter()
        .map(|task| task.task_arn().unwrap().to_owned());
    let mut arns: Vec<String> = arns.collect();

    let waiting = client
        .wait_until_tasks_stopped()
        .set_tasks(Some(arns.clone()));
    waiting.wait(Duration::from_secs(60)).await.unwrap();
    let describing = client.describe_tasks().set_tasks(Some(arns.clone()));
    let described = describing.include(TaskField::Tags).send().await.unwrap();
    let codes = described
        .tasks()
        .iter()
        .map(|task| task.containers()[0].exit_code());
    assert_eq!(codes.collect::<Vec<_>>(), [Some(3); 3]);
    assert_eq!(described.tasks()[0].tags()[0].value(), Some("1"));

    let listing = client.list_tasks().desired_status(DesiredStatus::Stopped);
    let mut pages = listing.into_paginator().page_size(2).items().send();
    let mut listed = Vec::new();
    while let Some(arn) = pages.next().await {
        listed.push(arn.unwrap());
    }
    listed.sort();
    arns.sort();
    assert_eq!(listed, arns);

    let nowhere = client.list_tasks().cluster("nowhere").send().await;
    assert!(
        nowhere
            .unwrap_err()
            .into_service_error()
            .is_cluster_not_found_exception()
    );
    let conflict = run(1).await.unwrap_err().into_service_error();
    assert_eq!(conflict.code(), Some("ConflictException"));
    assert!(conflict.is_conflict_exception());
    waits::check(&client).await;
    a_wrong_secret_is_refused(&client).await;
}

/// Signatures are checked: everything else here was signed well.
async fn a_wrong_secret_is_refused(client: &Client) {
    let forged = Credentials::new(variable("AWS_ACCESS_KEY_ID"), "wrong", None, None, "forged");
    let forging = Config::builder().credentials_provider(forged);
    let listing = client.list_tasks().customize().config_override(forging);
    let refused = listing.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidSignatureException"));
}

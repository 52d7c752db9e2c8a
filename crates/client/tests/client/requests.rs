//! Calls put together member by member, and every operation by its name.

use model::operations::{DescribeClusters, OPERATIONS, RunTask};
use model::shapes::{LaunchType, RunTaskInput, Tag};
use serde_json::json;

use crate::server::{Reply, Server};

#[tokio::test]
async fn the_plain_and_the_fluent_form_send_the_same() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = server.client();
    let tag = Tag {
        key: Some("team".into()),
        value: None,
    };
    let input = RunTaskInput {
        cluster: Some("jobs".into()),
        task_definition: Some("migrate".into()),
        client_token: Some("t".into()),
        count: Some(2),
        launch_type: Some(LaunchType::Fargate),
        enable_ecs_managed_tags: Some(false),
        tags: Some(vec![tag.clone()]),
        ..Default::default()
    };
    let request = client
        .request::<RunTask>()
        .cluster("jobs")
        .task_definition("migrate");
    let request = request
        .client_token("t")
        .count(1)
        .count(2)
        .launch_type("FARGATE");
    let request = request.enable_ecs_managed_tags(false).tags([tag]);
    assert_eq!(*request.as_input(), input);
    request.send().await.unwrap();
    client.run_task(&input).await.unwrap();
    client.call::<RunTask>(input).await.unwrap();
    let bodies: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(bodies[0]["tags"], json!([{"key": "team"}]));
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
}

#[tokio::test]
async fn lists_are_set_whole_and_an_empty_one_is_sent() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = server.client();
    let request = client.request::<DescribeClusters>().clusters(["a", "b"]);
    request.include(["TAGS"]).send().await.unwrap();
    let none: [&str; 0] = [];
    client
        .request::<DescribeClusters>()
        .clusters(none)
        .send()
        .await
        .unwrap();
    let bodies: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(
        bodies,
        [
            json!({"clusters": ["a", "b"], "include": ["TAGS"]}),
            json!({"clusters": []}),
        ]
    );
}

#[tokio::test]
async fn a_request_shows_its_operation_and_no_secrets() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = server.client();
    let overrides = json!({"containerOverrides": [{"name": "app",
        "environment": [{"name": "PASSWORD", "value": "hunter2"}]}]});
    let request = client.request::<RunTask>();
    let request = request
        .overrides(serde_json::from_value::<model::shapes::TaskOverride>(overrides).unwrap());
    let text = format!("{request:?}");
    assert!(
        text.starts_with("RunTask(") && text.contains("\"app\""),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn every_operation_has_a_method() {
    let generated = include_str!("../../src/generated.rs");
    for facts in OPERATIONS {
        assert!(
            generated.contains(&format!(": {},\n", facts.name)),
            "{}",
            facts.name
        );
    }
}

//! What errors say.

use std::time::Duration;

use longshore_client::{
    Client, CredentialsFuture, ErrorKind, ProvideCredentials, Retry, Timeout, Timeouts,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::calls::run_task;
use crate::server::{Reply, Server, config};

async fn failure(reply: Reply) -> longshore_client::Error {
    let server = Server::start(vec![reply]).await;
    server.client().run_task(run_task()).await.unwrap_err()
}

#[tokio::test]
async fn an_error_of_the_service_is_told_whole() {
    let error = failure(Reply::error(
        400,
        "ns#ClusterNotFoundException",
        "Cluster not found.",
    ))
    .await;
    assert_eq!(error.code(), Some("ClusterNotFoundException"));
    assert_eq!(error.message(), "Cluster not found.");
    assert_eq!(error.request_id(), Some("rid-400"));
    assert!(error.token().is_some());
    assert_eq!(
        error.to_string(),
        "ECS RunTask: ClusterNotFoundException: Cluster not found. \
         (status 400, request id rid-400)"
    );
}

#[tokio::test]
async fn a_throttle_says_how_often_it_was_tried() {
    let error = failure(Reply::throttle()).await;
    assert!(error.is_throttle());
    assert!(error.to_string().contains("after 3 attempts"), "{error}");
}

#[tokio::test]
async fn refused_signatures_are_a_kind_of_their_own() {
    let error = failure(Reply::error(400, "UnrecognizedClientException", "bad key")).await;
    assert!(matches!(error.kind(), ErrorKind::Signature(_)), "{error:?}");
}

#[tokio::test]
async fn a_conflict_names_the_earlier_tasks() {
    let body = json!({"__type": "ConflictException", "message": "m", "resourceIds": ["arn:1"]});
    let error = failure(Reply::Answer(400, Vec::new(), body.to_string())).await;
    assert_eq!(error.service_error().unwrap().resource_ids, ["arn:1"]);
    assert!(error.to_string().contains("[arn:1]"), "{error}");
}

#[tokio::test]
async fn the_header_names_the_error_first() {
    let header = vec![("x-amzn-errortype", "Foo:http://internal/".to_owned())];
    let error = failure(Reply::Answer(400, header, r#"{"__type":"Bar"}"#.to_owned())).await;
    assert_eq!(error.code(), Some("Foo"));
}

/// Answers that are not the protocol: nothing but their beginning can be told.
async fn check_strange(status: u16, body: &str) {
    let error = failure(Reply::Answer(status, Vec::new(), body.to_owned())).await;
    let ErrorKind::Protocol {
        status: told,
        beginning,
        ..
    } = error.kind()
    else {
        panic!("{error:?}")
    };
    assert_eq!((*told, beginning.as_str()), (status, body));
    assert_eq!(error.code(), None);
}

#[tokio::test]
async fn foreign_answers_keep_their_beginning() {
    check_strange(403, "<html>captive portal</html>").await;
    check_strange(503, "<html>bad gateway</html>").await;
    check_strange(400, "").await;
    check_strange(200, "<html>welcome</html>").await;
    check_strange(200, r#"{"tasks": [{"taskArn"#).await;
    check_strange(302, "").await;
}

#[tokio::test]
async fn a_bad_answer_to_a_served_call_is_not_asked_for_again() {
    let server = Server::start(vec![Reply::ok("[1]")]).await;
    let error = server.client().run_task(run_task()).await.unwrap_err();
    assert_eq!(server.requests().len(), 1, "{error}");
}

#[tokio::test]
async fn a_refused_connection_is_told_from_a_broken_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(config(&url).build().unwrap());
    let error = client.run_task(run_task()).await.unwrap_err();
    let ErrorKind::Connect(problem) = error.kind() else {
        panic!("{error:?}")
    };
    assert!(problem.contains("refused"), "{problem}");

    let error = failure(Reply::Cut).await;
    assert!(matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
    let error = failure(Reply::HangUp).await;
    assert!(matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
}

async fn check_timeout(timeouts: Timeouts, expected: Timeout, requests: usize) {
    let server = Server::start(vec![Reply::Silence]).await;
    let retry = Retry {
        max_attempts: 2,
        initial_backoff: Duration::ZERO,
        ..Retry::default()
    };
    let client = Client::new(
        server
            .config()
            .timeouts(timeouts)
            .retry(retry)
            .build()
            .unwrap(),
    );
    let error = client.run_task(run_task()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Timeout(expected));
    assert_eq!(server.requests().len(), requests);
    assert!(error.is_retryable() && !error.is_stopped_by_quota());
}

#[tokio::test]
async fn limits_are_told_apart() {
    let limit = Some(Duration::from_millis(150));
    let attempt = Timeouts {
        attempt: limit,
        ..Timeouts::default()
    };
    check_timeout(attempt, Timeout::Attempt, 2).await;
    let operation = Timeouts {
        operation: limit,
        ..Timeouts::default()
    };
    check_timeout(operation, Timeout::Operation, 1).await;
}

#[derive(Debug)]
struct NoKeys;

impl ProvideCredentials for NoKeys {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(std::future::ready(Err("the vault is sealed".to_owned())))
    }
}

#[tokio::test]
async fn a_provider_without_keys_is_named() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = Client::new(
        server
            .config()
            .credentials_provider(NoKeys)
            .build()
            .unwrap(),
    );
    let error = client.run_task(run_task()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Credentials("the vault is sealed".into())
    );
    assert!(server.requests().is_empty());
    assert_eq!(error.attempts(), 0);
}

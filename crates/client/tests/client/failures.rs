//! What errors say.

use std::time::Duration;

use longshore_client::{
    Client, CredentialsFuture, ErrorKind, ProvideCredentials, Retry, Timeout, Timeouts,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::calls::run_task;
use crate::scripted::{Answer, Scripted};
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

/// A limit that runs out, and after how many requests.
async fn check_timeout(reply: Reply, timeouts: Timeouts, expected: Timeout, requests: usize) {
    let server = Server::start(vec![reply]).await;
    let retry = Retry {
        max_attempts: 2,
        initial_backoff: Duration::ZERO,
        ..Retry::default()
    };
    let config = server.config().timeouts(timeouts).retry(retry);
    let client = Client::new(config.build().unwrap());
    let error = client.run_task(run_task()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Timeout(expected));
    assert_eq!(server.requests().len(), requests, "{error}");
    assert!(error.is_retryable() && error.is_transient() && !error.is_stopped_by_quota());
}

#[tokio::test]
async fn item_10_limits_are_told_apart() {
    let none = Timeouts::default();
    let limit = Some(Duration::from_millis(150));
    let attempt = Timeouts {
        attempt: limit,
        ..none
    };
    check_timeout(Reply::Silence, attempt, Timeout::Attempt, 2).await;
    let operation = Timeouts {
        operation: limit,
        ..none
    };
    check_timeout(Reply::Silence, operation, Timeout::Operation, 1).await;
    let read = Timeouts {
        read: limit,
        ..none
    };
    check_timeout(Reply::Silence, read, Timeout::Read, 2).await;
    let stalled = Timeouts {
        stalled: limit,
        ..none
    };
    check_timeout(Reply::Stall, stalled, Timeout::Stalled, 2).await;
}

#[tokio::test]
async fn item_10_the_connect_limit_covers_the_handshake_of_tls() {
    // Nobody accepts, so the system opens the connection and no more is said.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let timeouts = Timeouts {
        connect: Some(Duration::from_millis(150)),
        ..Timeouts::default()
    };
    let config = config(&url).timeouts(timeouts).retry(Retry::never());
    let error = Client::new(config.build().unwrap())
        .run_task(run_task())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Timeout(Timeout::Connect));
}

#[tokio::test(start_paused = true)]
async fn item_10_an_answer_beyond_all_bounds_is_refused_once() {
    let endless: &'static str = "x".repeat((64 << 20) + 1).leak();
    let service = Scripted::new(vec![Answer(200, Vec::new(), endless)]);
    let client = Client::new(service.config().build().unwrap());
    let error = client.run_task(run_task()).await.unwrap_err();
    let text = "unexpected answer with status 200: the answer is longer than 64 MiB";
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!((error.attempts(), error.is_retryable()), (1, false));
}

/// Code and message of an error answer, whatever form it has.
async fn check_code(header: Option<&str>, body: &str, code: &str, message: &str) {
    let headers = header.map(|header| ("x-amzn-errortype", header.to_owned()));
    let reply = Reply::Answer(400, headers.into_iter().collect(), body.to_owned());
    let error = failure(reply).await;
    assert_eq!(error.code(), Some(code), "{body}");
    assert_eq!(error.service_error().unwrap().message, message, "{body}");
}

#[tokio::test]
async fn item_6_code_and_message_are_found_in_every_form() {
    let html = "<html>denied</html>";
    check_code(Some("Foo:http://x"), r#"{"__type":"Bar"}"#, "Foo", "").await;
    check_code(Some("Foo"), html, "Foo", html).await;
    check_code(
        None,
        r#"{"__type":"com.amazonaws.ecs#Foo","message":"m"}"#,
        "Foo",
        "m",
    )
    .await;
    check_code(None, r#"{"code":"Foo","Message":"m"}"#, "Foo", "m").await;
    let error = failure(Reply::Answer(400, Vec::new(), html.to_owned())).await;
    let ErrorKind::Protocol {
        status: 400,
        beginning,
        ..
    } = error.kind()
    else {
        panic!("{error:?}")
    };
    assert_eq!((error.code(), beginning.as_str()), (None, html));
}

#[tokio::test]
async fn every_error_that_run_task_declares_has_a_variant() {
    use model::errors::ErrorCode;
    use model::operations::{Operation, RunTask};

    let declared = RunTask::FACTS.errors;
    assert_eq!(declared.len(), 10);
    for &code in declared {
        let error = failure(Reply::error(code.status(), code.name(), "m")).await;
        assert_eq!(error.modeled(), Some(code));
        assert!(matches!(error.kind(), ErrorKind::Service(_)), "{error:?}");
    }
    let throttle = failure(Reply::throttle()).await;
    assert_eq!(throttle.modeled(), Some(ErrorCode::ThrottlingException));
    assert!(matches!(throttle.kind(), ErrorKind::Throttled(_)));
    assert!(throttle.is_throttle() && !throttle.is_transient());
    let expired = failure(Reply::error(400, "ExpiredTokenException", "m")).await;
    assert!(matches!(expired.kind(), ErrorKind::Signature(_)));
    let full = failure(Reply::error(400, "LimitExceededException", "m")).await;
    assert!(matches!(full.kind(), ErrorKind::Quota(_)), "{full:?}");
    assert_eq!(full.modeled(), Some(ErrorCode::LimitExceededException));
    let unknown = failure(Reply::error(400, "NovelException", "m")).await;
    assert!(matches!(unknown.kind(), ErrorKind::Service(_)));
    assert_eq!(
        (unknown.code(), unknown.modeled()),
        (Some("NovelException"), None)
    );
}

#[tokio::test]
async fn status_headers_and_id_come_with_results_and_errors() {
    for (status, body) in [(200, "{}"), (400, r#"{"__type":"Foo"}"#)] {
        for name in ["x-amzn-requestid", "x-amz-requestid"] {
            let headers = vec![(name, "id-1".to_owned()), ("x-more", "yes".to_owned())];
            let server = Server::start(vec![Reply::Answer(status, headers, body.to_owned())]).await;
            let metadata = match server.client().run_task(run_task()).await {
                Ok(response) => response.metadata().clone(),
                Err(error) => error.metadata().clone(),
            };
            assert_eq!(metadata.request_id(), Some("id-1"), "{status} {name}");
            assert_eq!(metadata.status(), Some(status));
            assert_eq!(metadata.header("X-More"), Some("yes"));
            assert!(metadata.headers().iter().any(|(known, _)| known == name));
        }
    }
    let error = failure(Reply::Answer(400, Vec::new(), r#"{"__type":"Foo"}"#.into())).await;
    assert_eq!(error.request_id(), None);
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_success_and_after_an_error() {
    let script = vec![
        Reply::ok("{}"),
        Reply::error(400, "ClientException", "no"),
        Reply::Answer(403, Vec::new(), "<html>".repeat(1000)),
        Reply::ok("<html>"),
        Reply::ok("{}"),
    ];
    let calls = script.len();
    let server = Server::start(script).await;
    let client = server.client();
    for _ in 0..calls {
        let _ = client.run_task(run_task()).await;
    }
    assert_eq!((server.requests().len(), server.connections()), (calls, 1));
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

//! What a call sends and what it returns.

use longshore_client::{Client, ErrorKind, TokenProvider};
use model::cloudwatch_logs::GetLogEventsInput;
use model::operations::{DescribeTasks, RunTask};
use model::shapes::{DescribeTasksInput, RunTaskInput, RunTaskOutput};
use serde_json::{Value, json};

use crate::server::{Reply, Server, config};

/// An input as a caller writes it.
pub(crate) fn run_task() -> RunTaskInput {
    let input = json!({
        "taskDefinition": "demo:1",
        "cluster": "default",
        "count": 2,
        "tags": [],
        "enableECSManagedTags": false,
        "overrides": {"containerOverrides": [
            {"name": "app", "environment": [{"name": "PASSWORD", "value": "hunter2"}]},
        ]},
    });
    serde_json::from_value(input).unwrap()
}

#[tokio::test]
async fn a_request_has_the_shape_of_the_protocol() {
    let server = Server::start(vec![Reply::ok(json!({"tasks": [], "failures": []}))]).await;
    let mut input = run_task();
    input.client_token = Some("my-token".into());
    server.client().run_task(&input).await.unwrap();

    let request = server.requests().remove(0);
    assert_eq!(request.line, "POST / HTTP/1.1");
    assert_eq!(request.header("content-type"), "application/x-amz-json-1.1");
    let target = request.header("x-amz-target");
    assert_eq!(target, "AmazonEC2ContainerServiceV20141113.RunTask");
    assert_eq!(request.body, serde_json::to_value(&input).unwrap());
    assert_eq!(request.body["enableECSManagedTags"], false);
    assert_eq!(request.body["tags"], json!([]));
    assert_eq!(request.header("amz-sdk-request"), "attempt=1; max=3");
    assert_eq!(request.header("amz-sdk-invocation-id").len(), 36);
    assert_eq!(request.header("x-amz-security-token"), "SESSIONTOKEN");
    assert!(
        request
            .header("user-agent")
            .starts_with("longshore-client/")
    );
    let day = &request.header("x-amz-date")[..8];
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{day}/us-east-1/ecs/aws4_request, \
         SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-security-token;\
         x-amz-target, Signature="
    );
    assert!(
        request.header("authorization").starts_with(&authorization),
        "{request:?}"
    );
}

#[tokio::test]
async fn the_app_id_is_named() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let config = server.config().app_id("my app/1").build().unwrap();
    Client::new(config).run_task(run_task()).await.unwrap();
    let agent = server.requests()[0].header("user-agent").to_owned();
    assert!(agent.ends_with(" app/my-app-1 m/E"), "{agent}");
}

#[tokio::test]
async fn a_path_of_the_endpoint_is_kept() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let config = config(&format!("{}/base/", server.url())).build().unwrap();
    Client::new(config).run_task(run_task()).await.unwrap();
    assert_eq!(server.requests()[0].line, "POST /base/ HTTP/1.1");
}

#[tokio::test]
async fn an_extension_is_posted_to_its_path_and_signed() {
    let server = Server::start(vec![Reply::ok(json!({"seed": 7}))]).await;
    let path = "/_longshore/v1/explain";
    let client = server.client();
    let answer = client.call_extension::<Value>(path, &json!({"count": 2}));
    assert_eq!(answer.await.unwrap().into_output(), json!({"seed": 7}));
    let request = server.requests().remove(0);
    assert_eq!(request.line, format!("POST {path} HTTP/1.1"));
    assert_eq!(request.header("content-type"), "application/json");
    assert!(!request.headers.contains_key("x-amz-target"));
    assert!(
        request
            .header("authorization")
            .contains("/us-east-1/ecs/aws4_request")
    );
    assert_eq!(request.body, json!({"count": 2}));
}

#[tokio::test]
async fn logs_go_the_same_way_under_their_own_name() {
    let events = json!({"events": [{"timestamp": 5, "message": "hi"}], "nextForwardToken": "f/1"});
    let server = Server::start(vec![Reply::ok(events)]).await;
    let client = server.client();
    let input = GetLogEventsInput {
        log_group_name: Some("g".into()),
        ..Default::default()
    };
    let output = client.logs().get_log_events(&input).await.unwrap();
    assert_eq!(output.events[0].message.as_deref(), Some("hi"));
    let request = server.requests().remove(0);
    assert_eq!(request.header("x-amz-target"), "Logs_20140328.GetLogEvents");
    assert!(
        request
            .header("authorization")
            .contains("/us-east-1/logs/aws4_request")
    );
    assert_eq!(request.body, json!({"logGroupName": "g"}));
}

#[tokio::test]
async fn an_open_token_is_filled_with_a_uuid_and_told() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = server.client();
    let input = run_task();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let response = client.run_task(&input).await.unwrap();
        tokens.push(response.metadata().token().unwrap().to_owned());
    }
    assert_eq!(input, run_task(), "the caller's input is left alone");
    let sent: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.body["clientToken"].clone())
        .collect();
    assert_eq!(sent, [json!(tokens[0]), json!(tokens[1])]);
    assert_ne!(tokens[0], tokens[1]);
    let version = tokens[0].split('-').nth(2).unwrap();
    assert!(
        tokens[0].len() == 36 && version.starts_with('4'),
        "{tokens:?}"
    );
    let ids: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.header("amz-sdk-invocation-id").to_owned())
        .collect();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_given_token_is_kept_and_an_empty_one_is_given() {
    for token in ["mine", ""] {
        let server = Server::start(vec![Reply::ok("{}")]).await;
        let input = RunTaskInput {
            client_token: Some(token.into()),
            ..run_task()
        };
        let response = server.client().run_task(input).await.unwrap();
        assert_eq!(response.metadata().token(), Some(token));
        assert_eq!(server.requests()[0].body["clientToken"], token);
    }
}

#[derive(Debug)]
struct NoToken;

impl TokenProvider for NoToken {
    fn token(&self) -> Result<String, String> {
        Err("no randomness".into())
    }
}

#[tokio::test]
async fn a_failing_token_provider_stops_the_call_before_sending() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let config = server.config().token_provider(NoToken).build().unwrap();
    let client = Client::new(config);
    let error = client.run_task(run_task()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Token("no randomness".into()));
    // Operations without a token do not ask for one.
    client.call::<DescribeTasks>(describe()).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

fn describe() -> DescribeTasksInput {
    DescribeTasksInput {
        tasks: Some(vec!["t".into()]),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_missing_required_member_sends_nothing() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let error = server
        .client()
        .call::<RunTask>(RunTaskInput::default())
        .await
        .unwrap_err();
    let missing = vec!["taskDefinition".to_owned()];
    let broken = Vec::new();
    assert_eq!(error.kind(), &ErrorKind::Validation { missing, broken });
    assert_eq!(
        error.to_string(),
        "ECS RunTask: required and not given: taskDefinition"
    );
    assert_eq!(
        (error.attempts(), error.request_id(), error.is_retryable()),
        (0, None, false)
    );
    assert!(server.requests().is_empty());

    let config = server.config().validate(false).build().unwrap();
    Client::new(config)
        .run_task(RunTaskInput::default())
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn item_14_what_breaks_a_limit_opens_no_connection() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let input = RunTaskInput {
        count: Some(11),
        client_token: Some("a b".into()),
        ..RunTaskInput::default()
    };
    let client = server.client();
    let error = client.run_task(&input).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ECS RunTask: required and not given: taskDefinition; \
         count: 11 is not between 1 and 10; \
         clientToken: only the visible characters of ASCII are allowed"
    );
    assert_eq!((error.is_retryable(), server.connections()), (false, 0));

    let config = server.config().validate(false).build().unwrap();
    Client::new(config).run_task(&input).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[track_caller]
fn check_output(output: &RunTaskOutput, expected: Value) {
    assert_eq!(serde_json::to_value(output).unwrap(), expected);
}

#[tokio::test]
async fn failures_in_an_answer_are_no_error() {
    let failures = json!({"failures": [{"arn": "a", "reason": "RESOURCE:MEMORY"}], "tasks": []});
    let server = Server::start(vec![Reply::ok(&failures)]).await;
    let response = server.client().run_task(run_task()).await.unwrap();
    check_output(&response, failures);
    let metadata = response.metadata();
    assert_eq!(metadata.request_id(), Some("rid-ok"));
    assert_eq!((metadata.status(), metadata.attempts()), (Some(200), 1));
    assert_eq!(metadata.header("X-Amzn-RequestId"), Some("rid-ok"));
}

#[tokio::test]
async fn item_15_answers_are_read_generously() {
    let odd = r#"{"tasks": [{"lastStatus": "DREAMING", "cpu": null}], "novel": 1}"#;
    for (body, expected) in [
        ("", json!({})),
        ("{}", json!({})),
        (odd, json!({"tasks": [{"lastStatus": "DREAMING"}]})),
    ] {
        let server = Server::start(vec![Reply::ok(body)]).await;
        let response = server.client().run_task(run_task()).await.unwrap();
        check_output(&response, expected);
    }
}

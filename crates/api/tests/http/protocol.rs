//! awsJson 1.1, the other paths, and who is turned away before any of it.

use http::HeaderValue;
use uuid::Uuid;

use crate::client::{Answer, Call, send};
use crate::server::{KEY_ID, Server};

async fn call(call: Call) -> Answer {
    send(Server::start().await.address, call.sign()).await
}

#[tokio::test]
async fn a_signed_call_reaches_the_gateway_whole() {
    let answer = call(Call::ecs("RunTask", r#"{"taskDefinition":"größe"}"#)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.1");
    let id = answer.headers["x-amzn-requestid"].to_str().unwrap();
    assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 4);
    let expected = serde_json::json!({
        "operation": "RunTask",
        "principal": "arn:aws:iam::111122223333:root",
        "account": "111122223333",
        "key": KEY_ID,
        "region": "eu-west-1",
        "requestId": id,
        "body": {"taskDefinition": "größe"},
    });
    assert_eq!(answer.json, expected);
}

#[tokio::test]
async fn a_gateways_error_goes_to_the_caller_without_its_detail() {
    let answer = call(Call::ecs("Conflict", "{}")).await;
    assert_eq!(answer.status, 400);
    let expected = r#"{"__type":"ConflictException","message":"Taken.","resourceIds":["arn:aws:ecs:::task/1"]}"#;
    assert_eq!(answer.text, expected);
}

#[tokio::test]
async fn a_panic_is_a_server_exception_and_the_server_goes_on() {
    let server = Server::start().await;
    let answer = send(server.address, Call::ecs("Panic", "{}").sign()).await;
    assert_eq!(
        (answer.status, answer.json["__type"].as_str()),
        (500, Some("ServerException"))
    );
    assert!(!answer.text.contains("boom"));
    assert_eq!(
        send(server.address, Call::ecs("RunTask", "{}").sign())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn content_types() {
    let server = Server::start().await;
    let check = async |name, value, status| {
        let mut request = Call::ecs("RunTask", "{}").unsigned();
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
        assert_eq!(
            send(server.address, request).await.status,
            status,
            "{name}: {value}"
        );
    };
    // 400: got as far as the missing signature.
    check("content-type", "application/json", 400).await;
    check(
        "content-type",
        "application/x-amz-json-1.1; charset=utf-8",
        400,
    )
    .await;
    check("content-type", "text/plain", 415).await;
    check("content-encoding", "gzip", 415).await;
}

#[tokio::test]
async fn web_pages_are_turned_away() {
    let server = Server::start().await;
    let check = async |name, value| {
        let mut request = Call::ecs("RunTask", "{}").sign();
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
        let answer = send(server.address, request).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
        assert_eq!(answer.json["__type"], "AccessDeniedException");
        assert!(
            !answer
                .headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control"))
        );
    };
    check("host", "evil.example:8327").await;
    check("host", "192.0.2.1:8327").await;
    check("origin", "http://127.0.0.1:8327").await;
    check("origin", "null").await;
}

#[tokio::test]
async fn extra_hosts_are_answered() {
    let server =
        Server::start_with(|config| config.allowed_hosts = vec!["ecs.example".into()]).await;
    let mut request = Call::ecs("RunTask", "{}").unsigned();
    request
        .headers_mut()
        .insert("host", HeaderValue::from_static("ECS.example:80"));
    assert_eq!(send(server.address, request).await.status, 400);
}

#[tokio::test]
async fn other_paths_and_methods() {
    let server = Server::start().await;
    let check = async |method, path, status, text: &str| {
        let call = Call {
            method,
            path,
            ..Call::ecs("RunTask", "")
        };
        let answer = send(server.address, call.unsigned()).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.text.contains(text), "{}", answer.text);
        assert_eq!(answer.headers["x-amzn-requestid"].len(), 36);
    };
    check("GET", "/", 200, "Longshore").await;
    check("PUT", "/", 405, "Only POST").await;
    check("OPTIONS", "/", 405, "Only POST").await;
    check("GET", "/favicon.ico", 404, "Nothing is served").await;
    check("POST", "/v1/RunTask", 404, "Nothing is served").await;
}

#[tokio::test]
async fn extensions_are_signed_like_everything_else() {
    let server = Server::start().await;
    let get = |path| Call {
        method: "GET",
        path,
        ..Call::ecs("", "")
    };
    let answer = send(
        server.address,
        get("/_longshore/v1/why/a%20b?x=1&a=%2F").sign(),
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.json["path"], "/_longshore/v1/why/a%20b");
    assert_eq!(answer.json["query"], "x=1&a=%2F");
    assert_eq!(answer.json["key"], KEY_ID);

    let answer = send(server.address, get("/_longshore/v1/why/1").unsigned()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json["__type"], "MissingAuthenticationTokenException");
    let answer = send(server.address, get("/_longshore/v1/nothing").sign()).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn metrics_are_signed_unless_opened() {
    let metrics = Call {
        method: "GET",
        path: "/metrics",
        ..Call::ecs("", "")
    };
    let server = Server::start().await;
    assert_eq!(send(server.address, metrics.unsigned()).await.status, 400);
    assert_eq!(
        send(server.address, metrics.sign()).await.json["key"],
        KEY_ID
    );
    let server = Server::start_with(|config| config.open_metrics = true).await;
    let answer = send(server.address, metrics.unsigned()).await;
    assert_eq!((answer.status, answer.json["key"].is_null()), (200, true));
    let other = Call {
        path: "/_longshore/v1/why/1",
        ..metrics
    };
    assert_eq!(send(server.address, other.unsigned()).await.status, 400);
}

//! The table of checks over the wire: order, types, texts, status 400. The details of each check
//! are tested where it is made.

use api::{Auth, Caller};
use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;

use crate::client::{Call, send};
use crate::server::{KEY_ID, Server};

/// Sends a changed RunTask; expects `Type: message`, the message up to its given length.
async fn check(change: impl FnOnce(&mut Request<Full<Bytes>>), expected: &str) {
    let server = Server::start().await;
    let mut request = Call::ecs("RunTask", "{}").sign();
    change(&mut request);
    check_request(&server, request, expected).await;
}

async fn check_request(server: &Server, request: Request<Full<Bytes>>, expected: &str) {
    let answer = send(server.address, request).await;
    let member = |name| answer.json[name].as_str().unwrap_or_default();
    let text = format!("{}: {}", member("__type"), member("message"));
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(answer.status, 400, "{text}");
    assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(answer.headers["x-amzn-requestid"].len(), 36);
}

fn set(request: &mut Request<Full<Bytes>>, name: &'static str, value: &str) {
    request
        .headers_mut()
        .insert(name, HeaderValue::from_str(value).unwrap());
}

/// Replaces a part of the `Authorization` header.
fn edit(from: &'static str, to: &'static str) -> impl FnOnce(&mut Request<Full<Bytes>>) {
    move |request| {
        let header = request.headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(header.contains(from), "{header}");
        set(request, "authorization", &header.replace(from, to));
    }
}

#[tokio::test]
async fn rows_1_and_2_body_and_target_come_before_authentication() {
    let server = Server::start().await;
    for body in ["", "[]", "{", "{\"a\":}"] {
        let mut call = Call::ecs("RunTask", body);
        call.target = "Nonsense".into();
        let answer = send(server.address, call.unsigned()).await;
        assert_eq!(
            (answer.status, &*answer.text),
            (400, r#"{"__type":"SerializationException"}"#)
        );
    }
    for target in [
        "Nonsense",
        "AmazonEC2ContainerServiceV20141113.Fly",
        "Logs_20140328.RunTask",
    ] {
        let mut call = Call::ecs("RunTask", "{}");
        call.target = target.into();
        let answer = send(server.address, call.unsigned()).await;
        let expected = r#"{"__type":"UnknownOperationException"}"#;
        assert_eq!((answer.status, &*answer.text), (400, expected));
    }
}

#[tokio::test]
async fn rows_3_and_4_where_the_signature_is() {
    check(
        |request| *request.uri_mut() = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256".parse().unwrap(),
        "InvalidSignatureException: Found both 'X-Amz-Algorithm' as a query-string param and \
         'Authorization' as HTTP header.",
    )
    .await;
    let missing = "MissingAuthenticationTokenException: Request is missing Authentication Token";
    check(
        |request| drop(request.headers_mut().remove("authorization")),
        missing,
    )
    .await;
    check(edit("AWS4-HMAC-SHA256", "Bearer"), missing).await;
}

#[tokio::test]
async fn rows_5_to_7_the_headers_parts() {
    check(
        edit("Signature=", "Signature:"),
        "IncompleteSignatureException: 'Signature:",
    )
    .await;
    check(
        edit("Signature=", "Signatur="),
        "IncompleteSignatureException: Authorization header requires 'Signature' parameter. \
         Authorization=AWS4-HMAC-SHA256 Credential=",
    )
    .await;
    check(
        |request| set(request, "x-amz-date", "now"),
        "IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got 'now'.",
    )
    .await;
}

#[tokio::test]
async fn row_8_a_clock_off_by_an_hour() {
    let server = Server::start().await;
    let mut call = Call::ecs("RunTask", "{}");
    call.ahead_seconds = -3600;
    let late = "InvalidSignatureException: Signature expired: 20260105T091500Z is now earlier than \
                20260105T101000Z (20260105T101500Z - 5 min.)";
    check_request(&server, call.sign(), late).await;
    call.ahead_seconds = 3600;
    let early = "InvalidSignatureException: Signature not yet current: 20260105T111500Z is still \
                 later than 20260105T102000Z (20260105T101500Z + 5 min.)";
    check_request(&server, call.sign(), early).await;
    // SDKs correct their clock by this header, then try again.
    let answer = send(server.address, call.sign()).await;
    assert_eq!(answer.headers["date"], "Mon, 05 Jan 2026 10:15:00 GMT");
}

#[tokio::test]
async fn rows_9_to_12_scope_and_algorithm() {
    check(
        edit(";host;", ";"),
        "InvalidSignatureException: 'Host' must be a 'SignedHeader' in the AWS Authorization.",
    )
    .await;
    check(
        edit("AWS4-HMAC-SHA256", "AWS4-ECDSA"),
        "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-ECDSA'",
    )
    .await;
    check(
        edit("/aws4_request", ""),
        "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements",
    )
    .await;
    check(
        edit("/ecs/", "/s3/"),
        "InvalidSignatureException: Credential should be scoped to correct service: 'ecs'. ",
    )
    .await;
}

#[tokio::test]
async fn rows_13_to_15_key_signature_token() {
    check(
        edit(KEY_ID, "AKIDNOBODY"),
        "UnrecognizedClientException: The security token included in the request is invalid.",
    )
    .await;
    let server = Server::start().await;
    let wrong_secret = Call {
        secret: "wrong",
        ..Call::ecs("RunTask", "{}")
    };
    check_request(
        &server,
        wrong_secret.sign(),
        "InvalidSignatureException: The request signature we calculated does not match the \
         signature you provided.",
    )
    .await;
    check(
        |request| set(request, "x-amz-security-token", "stray"),
        "UnrecognizedClientException: The security token included in the request is invalid",
    )
    .await;
}

#[tokio::test]
async fn a_signature_is_bound_to_its_service() {
    let server = Server::start().await;
    let mut call = Call::ecs("GetLogEvents", "{}");
    call.target = "Logs_20140328.GetLogEvents".into();
    let expected =
        "InvalidSignatureException: Credential should be scoped to correct service: 'logs'. ";
    check_request(&server, call.sign(), expected).await;
    call.service = "logs";
    let answer = send(server.address, call.sign()).await;
    assert_eq!(
        (answer.status, answer.json["operation"].as_str()),
        (200, Some("GetLogEvents"))
    );
}

#[tokio::test]
async fn without_authentication_anything_goes() {
    let server = Server::start_with(|config| {
        config.auth = Auth::None(Caller {
            principal_arn: "arn:aws:iam::000000000000:root".into(),
            account: "000000000000".into(),
            access_key_id: "anonymous".into(),
            region: "us-east-1".into(),
        });
    })
    .await;
    let unsigned = send(server.address, Call::ecs("RunTask", "{}").unsigned()).await;
    assert_eq!(
        (unsigned.status, unsigned.json["key"].as_str()),
        (200, Some("anonymous"))
    );
    let call = Call {
        secret: "wrong",
        ..Call::ecs("RunTask", "{}")
    };
    let signed = send(server.address, call.sign()).await;
    assert_eq!(signed.json["key"], KEY_ID);
    assert_eq!(signed.json["region"], "eu-west-1");
}

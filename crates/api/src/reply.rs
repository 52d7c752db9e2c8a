//! Answers: the only place where an error gets its status and its `__type`.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, DATE};
use http::{HeaderName, HeaderValue, StatusCode};
use model::Timestamp;
use serde::Serialize;

use crate::fault::Body;
use crate::gateway::{ApiError, ExtensionReply};

pub(crate) type Response = http::Response<Body>;

const AWS_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What `GET /` answers.
const INDEX: &str = "Longshore speaks the Amazon ECS API: POST / with X-Amz-Target, signed.\n";

/// 253402300799 is the last second of the year 9999, the end of HTTP dates.
const HTTP_DATE_SECONDS_MAX: i64 = 253_402_300_799;

pub(crate) fn json(body: Bytes) -> Response {
    response(StatusCode::OK, AWS_JSON, body)
}

pub(crate) fn index() -> Response {
    response(StatusCode::OK, TEXT, Bytes::from_static(INDEX.as_bytes()))
}

pub(crate) fn extension(reply: ExtensionReply) -> Response {
    response(
        StatusCode::OK,
        HeaderValue::from_static(reply.content_type),
        reply.body,
    )
}

/// What a proxy says that cannot reach the service, or will not let anybody.
pub(crate) fn page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let body = format!("<html><body><h1>{status}</h1></body></html>\n");
    response(status, HTML, body.into())
}

/// 405 for `/`.
pub(crate) fn wrong_method() -> Response {
    let message = "Only POST (the API) and GET (a word about it) are answered here.";
    let mut response = error(&ApiError::named("MethodNotAllowedException", 405, message));
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, POST"));
    response
}

pub(crate) fn error(error: &ApiError) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(rename = "__type")]
        code: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        message: &'a str,
        #[serde(rename = "resourceIds", skip_serializing_if = "Option::is_none")]
        resource_ids: Option<&'a [String]>,
    }
    let body = Body {
        code: &error.code,
        message: &error.message,
        resource_ids: error.resource_ids.as_deref(),
    };
    let body = serde_json::to_vec(&body).expect("strings always serialize");
    response(status(error), AWS_JSON, body.into())
}

/// A status that is no error would turn a failure into a success.
pub(crate) fn status(error: &ApiError) -> StatusCode {
    StatusCode::from_u16(error.status)
        .ok()
        .filter(|status| status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What every answer carries. The date is that of our clock, since SDKs correct theirs by it.
pub(crate) fn stamp(response: &mut Response, request_id: &str, now: Timestamp) {
    let request_id = HeaderValue::from_str(request_id).expect("a UUID is ASCII");
    let seconds = now
        .millis()
        .div_euclid(1000)
        .clamp(0, HTTP_DATE_SECONDS_MAX)
        .unsigned_abs();
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    let date = HeaderValue::try_from(date).expect("an HTTP date is ASCII");
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, request_id);
    headers.insert(DATE, date);
}

fn response(status: StatusCode, kind: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(Body::whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use model::errors::ErrorCode;

    use super::*;

    #[track_caller]
    fn check(error_value: &ApiError, status: u16, body: &str) {
        let (head, sent) = error(error_value).into_parts();
        let sent = futures_util::FutureExt::now_or_never(sent.collect())
            .unwrap()
            .unwrap();
        assert_eq!(head.status, status);
        assert_eq!(str::from_utf8(&sent.to_bytes()).unwrap(), body);
    }

    #[test]
    fn errors_have_type_message_and_status() {
        check(
            &ApiError::new(ErrorCode::ClusterNotFoundException, "Cluster not found."),
            400,
            r#"{"__type":"ClusterNotFoundException","message":"Cluster not found."}"#,
        );
        check(
            &ApiError::new(ErrorCode::SerializationException, ""),
            400,
            r#"{"__type":"SerializationException"}"#,
        );
        let mut conflict = ApiError::new(ErrorCode::ConflictException, "Taken.");
        conflict.resource_ids = Some(vec!["arn:a".into()]);
        check(
            &conflict,
            400,
            r#"{"__type":"ConflictException","message":"Taken.","resourceIds":["arn:a"]}"#,
        );
    }

    #[test]
    fn the_operators_detail_stays_here_and_no_error_is_a_success() {
        let body =
            r#"{"__type":"ServerException","message":"An internal error occurred. Try again."}"#;
        check(&ApiError::internal("disk full at 3"), 500, body);
        check(
            &ApiError {
                status: 200,
                ..ApiError::internal("")
            },
            500,
            body,
        );
    }

    #[test]
    fn any_clock_makes_a_date() {
        for millis in [i64::MIN, -1, 0, 1_440_938_160_000, i64::MAX] {
            let mut response = index();
            stamp(&mut response, "id", Timestamp::from_millis(millis));
            assert!(response.headers().contains_key(DATE));
        }
    }
}

//! Request bodies: what kind is taken, how much of it, and whether it is a JSON object at all.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use serde::de::IgnoredAny;

use crate::gateway::ApiError;

/// How much of a body that is too large is still taken in and thrown away: a client reads the
/// answer only after it could send all. One that sends even more sees the connection close.
const DISCARDED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// awsJson 1.1 is asked for; plain JSON is tolerated, and so is silence. What a page can send
/// without asking first (`text/plain`, forms) is not taken.
pub(crate) fn check_kind(headers: &HeaderMap) -> Result<(), ApiError> {
    let refuse = |message| {
        Err(ApiError::named(
            "UnsupportedMediaTypeException",
            415,
            message,
        ))
    };
    if headers.contains_key(CONTENT_ENCODING) {
        return refuse("Compressed request bodies (Content-Encoding) are not supported.");
    }
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let kind = kind
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let known = ["application/x-amz-json-1.1", "application/json"];
    if known.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return Ok(());
    }
    refuse("The Content-Type must be application/x-amz-json-1.1.")
}

/// The whole body within a size and a time.
pub(crate) async fn read(
    body: Incoming,
    bytes_max: usize,
    time: Duration,
) -> Result<Bytes, ApiError> {
    tokio::time::timeout(time, collect(body, bytes_max))
        .await
        .unwrap_or_else(|_| {
            Err(ApiError::named(
                "RequestTimeoutException",
                408,
                "The request body came too slowly.",
            ))
        })
}

async fn collect(mut body: Incoming, bytes_max: usize) -> Result<Bytes, ApiError> {
    let sent_max = bytes_max + DISCARDED_BYTES_MAX;
    if body.size_hint().lower() > sent_max as u64 {
        return Err(too_large(bytes_max));
    }
    // Nearly every body comes as one frame, which is handed on without a copy.
    let (mut first, mut whole) = (Bytes::new(), BytesMut::new());
    let mut sent = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| ApiError::named("IncompleteBody", 400, "The request body ended early."))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        sent += data.len();
        if sent > sent_max {
            break;
        }
        if sent > bytes_max {
            continue;
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    match sent {
        sent if sent > bytes_max => Err(too_large(bytes_max)),
        _ if whole.is_empty() => Ok(first),
        _ => Ok(whole.freeze()),
    }
}

fn too_large(bytes_max: usize) -> ApiError {
    let message = format!("The request body is larger than {bytes_max} bytes.");
    ApiError::named("RequestEntityTooLargeException", 413, message)
}

/// Without building anything; what the members mean is the gateway's business.
pub(crate) fn is_json_object(body: &[u8]) -> bool {
    str::from_utf8(body).is_ok_and(|text| {
        text.trim_ascii_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check_json(body: &[u8], expected: bool) {
        assert_eq!(
            is_json_object(body),
            expected,
            "{}",
            String::from_utf8_lossy(body)
        );
    }

    #[test]
    fn only_json_objects_are_bodies() {
        check_json(b"{}", true);
        check_json(b" {\"a\":[1,null,{\"b\":\"\\u00e9\"}]}\n", true);
        for body in [
            "",
            "null",
            "[]",
            "\"{}\"",
            "{",
            "{}}",
            "{a:1}",
            "{\"a\":NaN}",
            "\u{feff}{}",
        ] {
            check_json(body.as_bytes(), false);
        }
        check_json(b"{\"a\":\"\xff\"}", false);
        check_json("{\"a\":".repeat(100_000).as_bytes(), false);
    }

    #[track_caller]
    fn check(name: &'static str, value: &'static str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        assert_eq!(check_kind(&headers).is_ok(), expected, "{name}: {value}");
    }

    #[test]
    fn kinds() {
        assert!(check_kind(&HeaderMap::new()).is_ok());
        check("content-type", "application/x-amz-json-1.1", true);
        check(
            "content-type",
            "application/x-amz-json-1.1; charset=utf-8",
            true,
        );
        check("content-type", "Application/JSON", true);
        check("content-type", "text/plain", false);
        check("content-type", "application/x-www-form-urlencoded", false);
        check("content-encoding", "gzip", false);
    }
}

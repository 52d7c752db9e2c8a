//! Published vectors, requests signed by the `aws-sigv4` crate, and each check of the table.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::{HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use super::*;
use crate::sigv4::Session;

const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30T12:36:00Z, the moment of the published vectors.
const NOW: Timestamp = Timestamp::from_millis(1_440_938_160_000);

/// `KEY_ID` is a long-term key, `ASIA…` are temporary: one valid, one expired.
struct TestKeys;

impl Keys for TestKeys {
    fn find(&self, access_key_id: &str) -> Option<Key> {
        let session = |millis| {
            let expires = NOW.plus_millis(millis);
            Some(Arc::new(Session {
                token: "token".into(),
                expires,
            }))
        };
        let session = match access_key_id {
            KEY_ID => None,
            "ASIAVALID" => session(1),
            "ASIAEXPIRED" => session(0),
            _ => return None,
        };
        Some(Key {
            secret: SECRET.into(),
            principal_arn: "arn:aws:iam::000000000000:root".into(),
            account: "000000000000".into(),
            session,
        })
    }
}

#[derive(Clone, Debug)]
struct Request {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    fn signed(&self) -> SignedRequest<'_> {
        SignedRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        }
    }

    fn verify(&self, service: &str) -> Result<(), Refusal> {
        let verifier = Verifier::new(Arc::new(TestKeys));
        let first = verifier.verify(&self.signed(), service, NOW).map(|_| ());
        // The second time the signing key is a kept one.
        assert_eq!(
            verifier.verify(&self.signed(), service, NOW).map(|_| ()),
            first
        );
        first
    }

    fn set(&mut self, name: &str, value: &str) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers
            .insert(name, HeaderValue::from_str(value).unwrap());
    }
}

/// One block of `vectors.txt`: name, hash of the canonical request, the signed request.
fn parse_vector(block: &str) -> (&str, &str, Request) {
    let (name, rest) = block.split_once('\n').unwrap();
    let (hash, rest) = rest.split_once('\n').unwrap();
    let (head, body) = rest.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
    let target = rest.strip_suffix(" HTTP/1.1").unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        let value = HeaderValue::from_str(value.trim()).unwrap();
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    let request = Request {
        method: method.parse().unwrap(),
        path: path.into(),
        query: query.into(),
        headers,
        body: body.trim_end().into(),
    };
    (name, hash, request)
}

#[test]
fn published_vectors_verify() {
    let blocks: Vec<_> = include_str!("../vectors.txt").split("# ").skip(1).collect();
    assert_eq!(blocks.len(), 30);
    for (name, hash, request) in blocks.into_iter().map(parse_vector) {
        let header = request.headers[AUTHORIZATION].to_str().unwrap();
        let signed_headers = Authorization::parse(header)
            .unwrap()
            .signed_headers
            .unwrap();
        let payload_hash = sha256_hex(&request.body);
        let canonical = request
            .signed()
            .canonical(signed_headers, payload_hash.as_str());
        assert_eq!(sha256_hex(&canonical).as_str(), hash, "{name}");
        // The suite signs with the same long-term key where it adds a session token.
        let expected = match request.headers.contains_key("x-amz-security-token") {
            true => Err(Refusal::Token),
            false => Ok(()),
        };
        assert_eq!(request.verify("service"), expected, "{name}");
    }
}

/// A RunTask as an SDK sends it, signed by the `aws-sigv4` crate.
fn run_task(key_id: &str, token: Option<&str>, at: SystemTime, body: &str) -> Request {
    let mut request = Request {
        method: Method::POST,
        path: "/".into(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: body.into(),
    };
    request.set("host", "127.0.0.1:8327");
    request.set("content-type", "application/x-amz-json-1.1");
    request.set("x-amz-target", "AmazonEC2ContainerServiceV20141113.RunTask");
    sign_with_crate(&mut request, key_id, token, at);
    request
}

fn sign_with_crate(request: &mut Request, key_id: &str, token: Option<&str>, at: SystemTime) {
    let credentials = Credentials::new(key_id, SECRET, token.map(String::from), None, "test");
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("ecs")
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let uri = format!("http://127.0.0.1:8327{}?{}", request.path, request.query);
    let uri = uri.trim_end_matches('?');
    let body = SignableBody::Bytes(&request.body);
    let signable =
        SignableRequest::new(request.method.as_str(), uri, headers.into_iter(), body).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let added: Vec<_> = instructions
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for (name, value) in added {
        request.set(&name, &value);
    }
}

fn vector_time() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(NOW.millis() as u64)
}

/// Changes a right request, then tells the code and text of the refusal.
#[track_caller]
fn check(change: impl FnOnce(&mut Request), expected: &str) {
    let mut request = run_task(KEY_ID, None, vector_time(), "{}");
    assert_eq!(request.verify("ecs"), Ok(()));
    change(&mut request);
    let text = match request.verify("ecs") {
        Ok(()) => "ok".into(),
        Err(refusal) => format!("{}: {refusal}", refusal.code().name()),
    };
    assert_eq!(text, expected);
}

/// Replaces a part of the `Authorization` header.
fn edit(from: &'static str, to: &'static str) -> impl FnOnce(&mut Request) {
    move |request| {
        let header = request.headers[AUTHORIZATION].to_str().unwrap();
        assert!(header.contains(from), "{header}");
        let header = header.replace(from, to);
        request.set("authorization", &header);
    }
}

#[test]
fn two_signatures_or_none() {
    check(
        |request| request.query = "a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256".into(),
        "InvalidSignatureException: Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
    let missing = "MissingAuthenticationTokenException: Request is missing Authentication Token";
    let unsigned = |request: &mut Request| drop(request.headers.remove("authorization"));
    check(unsigned, missing);
    check(edit("AWS4-HMAC-SHA256", "Basic"), missing);
}

#[test]
fn incomplete_headers() {
    check(
        |request| request.set("authorization", "AWS4-HMAC-SHA256 Credential"),
        "IncompleteSignatureException: 'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 Credential'.",
    );
    check(
        |request| {
            request.set("authorization", "AWS4-HMAC-SHA256");
            request.headers.remove("x-amz-date");
        },
        "IncompleteSignatureException: Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256",
    );
}

#[test]
fn dates() {
    check(
        |request| request.set("x-amz-date", "2015-08-30"),
        "IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got '2015-08-30'. See http://en.wikipedia.org/wiki/ISO_8601",
    );
    check(
        |request| request.set("x-amz-date", "20150830T123059Z"),
        "InvalidSignatureException: Signature expired: 20150830T123059Z is now earlier than 20150830T123100Z (20150830T123600Z - 5 min.)",
    );
    check(
        |request| request.set("x-amz-date", "20150830T124101Z"),
        "InvalidSignatureException: Signature not yet current: 20150830T124101Z is still later than 20150830T124100Z (20150830T123600Z + 5 min.)",
    );
}

#[test]
fn five_minutes_either_way_are_taken() {
    for at in [
        vector_time() - Duration::from_secs(300),
        vector_time() + Duration::from_secs(300),
    ] {
        assert_eq!(run_task(KEY_ID, None, at, "{}").verify("ecs"), Ok(()));
    }
}

#[test]
fn scopes() {
    check(
        edit(
            "SignedHeaders=content-type;host;",
            "SignedHeaders=content-type;",
        ),
        "InvalidSignatureException: 'Host' must be a 'SignedHeader' in the AWS Authorization.",
    );
    check(
        edit("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
        "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512' (only AWS4-HMAC-SHA256 for now). ",
    );
    check(
        edit("/ecs/", "/"),
        "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE/20150830/eu-west-1/aws4_request'",
    );
    check(
        edit("/ecs/", "/logs/"),
        "InvalidSignatureException: Credential should be scoped to correct service: 'ecs'. ",
    );
}

#[test]
fn keys_and_signatures() {
    check(
        edit(KEY_ID, "AKIDNOBODY"),
        "UnrecognizedClientException: The security token included in the request is invalid.",
    );
    let mismatch = "InvalidSignatureException: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
    check(edit("eu-west-1", "eu-west-2"), mismatch);
    check(
        edit("content-type;host", "content-type;content-type;host"),
        mismatch,
    );
    check(
        |request| request.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        mismatch,
    );
    // What is not signed may change on the way.
    check(|request| request.set("user-agent", "proxy"), "ok");
}

#[test]
fn session_tokens() {
    let verify = |key_id, token| run_task(key_id, token, vector_time(), "{}").verify("ecs");
    assert_eq!(verify("ASIAVALID", Some("token")), Ok(()));
    assert_eq!(verify("ASIAVALID", Some("other")), Err(Refusal::Token));
    assert_eq!(verify("ASIAVALID", None), Err(Refusal::Token));
    assert_eq!(verify(KEY_ID, Some("token")), Err(Refusal::Token));
    assert_eq!(
        verify("ASIAEXPIRED", Some("token")),
        Err(Refusal::TokenExpired)
    );
    assert_eq!(verify("ASIAEXPIRED", Some("other")), Err(Refusal::Token));
}

/// A letter or digit other than `byte`.
fn other(byte: u8) -> u8 {
    if byte == b'x' { b'y' } else { b'x' }
}

/// Changes the byte at `at` (modulo the length) of a header's value.
fn flip(request: &mut Request, name: &str, at: usize) {
    let mut value = request.headers[name].as_bytes().to_vec();
    let at = at % value.len();
    value[at] = other(value[at]);
    *request.headers.get_mut(name).unwrap() = HeaderValue::from_bytes(&value).unwrap();
}

proptest! {
    #[test]
    fn what_the_crate_signs_verifies_and_no_changed_byte_does(
        body in "\\{\"[a-z]{1,20}\":\"\\PC{0,40}\"\\}",
        at in 0..1000_usize,
        header in prop::sample::select(vec!["host", "content-type", "x-amz-target", "x-amz-date"]),
    ) {
        let request = run_task(KEY_ID, None, vector_time(), &body);
        prop_assert_eq!(request.verify("ecs"), Ok(()));

        let mut changed = request.clone();
        let place = at % changed.body.len();
        changed.body[place] ^= 1;
        prop_assert_eq!(changed.verify("ecs"), Err(Refusal::Signature));

        let mut changed = request.clone();
        flip(&mut changed, header, at);
        prop_assert!(changed.verify("ecs").is_err());

        let mut changed = request.clone();
        let header = changed.headers[AUTHORIZATION].as_bytes().len();
        flip(&mut changed, "authorization", header - 64 + at % 64);
        prop_assert_eq!(changed.verify("ecs"), Err(Refusal::Signature));
    }

    #[test]
    fn paths_and_queries_verify_too(
        path in "(/[a-zA-Z0-9_.~-]{1,8}|/%[0-9A-F]{2}|/:){0,4}/?",
        query in "([a-z~]{1,4}=[a-zA-Z0-9%2F]{0,6}&){0,3}[a-z]{1,3}=",
    ) {
        let query = query.replace('%', "%25");
        let mut request = run_task(KEY_ID, None, vector_time(), "");
        for name in ["authorization", "x-amz-date"] {
            request.headers.remove(name);
        }
        request.path = if path.is_empty() { "/".into() } else { path };
        request.query = query;
        sign_with_crate(&mut request, KEY_ID, None, vector_time());
        prop_assert_eq!(request.verify("ecs"), Ok(()));
    }
}

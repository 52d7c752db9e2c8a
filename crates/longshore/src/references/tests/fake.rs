//! Systems Manager, Secrets Manager, S3 and ECR on one loopback port, as much as a fetch needs.
//! Operations are answered only if they are signed with `AKID` and `SECRET`.

use std::sync::{Arc, Mutex};

use api::sigv4::{SignedRequest, Verifier};
use api::{Key, Keys};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::clock::SystemClock;

pub(super) struct Fake {
    pub(super) url: String,
    calls: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen)));
            }
        });
        Self {
            url,
            calls,
            accepting,
        }
    }

    /// `REGION SERVICE WHAT BODY` of each call, region and service as they were signed for.
    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

struct Call {
    first: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// `None` if the connection ends before.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Call> {
    let (mut first, mut headers) = (String::new(), HeaderMap::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        let line = line.trim_end();
        match line.split_once(": ") {
            Some((name, value)) => {
                let name: HeaderName = name.parse().unwrap();
                headers.append(name, HeaderValue::from_str(value).unwrap());
            }
            None if line.is_empty() => break,
            None => first = line.trim_end_matches("HTTP/1.1").trim().to_owned(),
        }
    }
    let length = headers.get("content-length");
    let length = length.map_or(0, |length| length.to_str().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    Some(Call {
        first,
        headers,
        body,
    })
}

async fn serve(stream: TcpStream, calls: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let Some(call) = read(&mut stream).await else {
        return;
    };
    let header = |name: &str| call.headers.get(name).map(|value| value.to_str().unwrap());
    let scope: Vec<&str> = header("authorization").unwrap().split('/').collect();
    let (region, service) = (scope[2], scope[3]);
    let target = header("x-amz-target");
    let what = target.unwrap_or(&call.first);
    let body = std::str::from_utf8(&call.body).unwrap();
    let number = {
        let mut calls = calls.lock().unwrap();
        calls.push(format!("{region} {service} {what} {body}"));
        calls.len()
    };
    let (status, answer) = match target.is_none() || is_signed(&call, service) {
        true => answer(what, body, number),
        false => (403, r#"{"__type":"InvalidSignatureException"}"#.to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status} Answer\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    let written = stream.write_all(format!("{head}{answer}").as_bytes()).await;
    drop(written);
}

struct OneKey;

impl Keys for OneKey {
    fn find(&self, access_key_id: &str) -> Option<Key> {
        (access_key_id == "AKID").then(|| Key {
            secret: "SECRET".into(),
            principal_arn: "arn:aws:iam::123456789012:root".into(),
            account: "123456789012".into(),
            session: None,
        })
    }
}

fn is_signed(call: &Call, service: &str) -> bool {
    let request = SignedRequest {
        method: &Method::POST,
        path: "/",
        query: "",
        headers: &call.headers,
        body: &call.body,
    };
    let verified = Verifier::new(Arc::new(OneKey)).verify(&request, service, SystemClock.now());
    verified.is_ok()
}

/// `number` counts the calls: the second of two tokens is another one.
fn answer(what: &str, body: &str, number: usize) -> (u16, String) {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let secret = r#"{\"username\":\"me\",\"password\":\"pw\"}"#;
    match what {
        "AmazonSSM.GetParameters" => {
            let names = body["Names"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|name| name.as_str());
            let known = names.filter(|name| *name != "absent");
            let each = known.map(|name| format!(r#"{{"Name":"{name}","Value":"of {name}"}}"#));
            let each: Vec<String> = each.collect();
            let bad = each.iter().any(|one| one.contains("broken"));
            match bad {
                // A success that nobody can read, with a value in it.
                true => (200, "planted".to_owned()),
                false => (200, format!(r#"{{"Parameters":[{}]}}"#, each.join(","))),
            }
        }
        "secretsmanager.GetSecretValue" if body["SecretId"].to_string().contains("absent") => {
            let text = r#"{"__type":"ResourceNotFoundException","Message":"no such secret"}"#;
            (400, text.to_owned())
        }
        "secretsmanager.GetSecretValue" => (200, format!(r#"{{"SecretString":"{secret}"}}"#)),
        "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken" => {
            let token = match number {
                1 => "QVdTOm9uZQ==",
                _ => "QVdTOmFub3RoZXI=",
            };
            let data = format!(r#"{{"authorizationToken":"{token}","expiresAt":1000000.5}}"#);
            (200, format!(r#"{{"authorizationData":[{data}]}}"#))
        }
        _ if what.contains("absent") => {
            let text = "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>";
            (404, text.to_owned())
        }
        _ => (200, "FROM=s3\n".to_owned()),
    }
}

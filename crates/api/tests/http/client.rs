//! Requests as an SDK makes them: signed by the `aws-sigv4` crate, sent by hyper.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::server::{KEY_ID, NOW, SECRET};

pub(crate) const ECS: &str = "AmazonEC2ContainerServiceV20141113.";

/// A request before it is signed.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) target: String,
    pub(crate) body: Bytes,
    pub(crate) secret: &'static str,
    pub(crate) service: &'static str,
    /// How far the client's clock is ahead, in seconds.
    pub(crate) ahead_seconds: i64,
}

impl Call {
    /// An operation of ECS.
    pub(crate) fn ecs(operation: &str, body: impl Into<Bytes>) -> Self {
        Self {
            method: "POST",
            path: "/",
            target: format!("{ECS}{operation}"),
            body: body.into(),
            secret: SECRET,
            service: "ecs",
            ahead_seconds: 0,
        }
    }

    pub(crate) fn unsigned(&self) -> Request<Full<Bytes>> {
        Request::builder()
            .method(self.method)
            .uri(self.path)
            .header("host", "127.0.0.1:8327")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", &self.target)
            .body(Full::new(self.body.clone()))
            .unwrap()
    }

    pub(crate) fn sign(&self) -> Request<Full<Bytes>> {
        let mut request = self.unsigned();
        for (name, value) in self.signature(&request) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(&value).unwrap());
        }
        request
    }

    fn signature(&self, request: &Request<Full<Bytes>>) -> Vec<(String, String)> {
        let identity = Credentials::new(KEY_ID, self.secret, None, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name(self.service)
            .time(self.time())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let uri = format!("http://127.0.0.1:8327{}", self.path);
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let body = SignableBody::Bytes(&self.body);
        let signable = SignableRequest::new(self.method, uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        instructions
            .headers()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn time(&self) -> SystemTime {
        let seconds = NOW.millis() / 1000 + self.ahead_seconds;
        UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs())
    }
}

/// One kept-alive connection.
pub(crate) struct Client(SendRequest<Full<Bytes>>);

/// What came back, body parsed where it is JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        self.0.ready().await.unwrap();
        let (head, body) = self.0.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            json,
            text,
        }
    }
}

/// One request on a connection of its own.
pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    Client::connect(address).await.send(request).await
}

//! Raw calls of the ECS API, signed by AWS's own signer with any key and any date.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;

/// Sends the call; the whole answer as text.
pub(crate) fn call(
    url: &str,
    key: &Credentials,
    operation: &str,
    body: &str,
    at: SystemTime,
) -> String {
    let host = url.strip_prefix("http://").unwrap();
    let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
    let headers = [
        ("host", host),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", target.as_str()),
    ];
    let identity = key.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("ecs")
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let content = SignableBody::Bytes(body.as_bytes());
    let request =
        SignableRequest::new("POST", format!("{url}/"), headers.into_iter(), content).unwrap();
    let (instructions, _) = sign(request, &parameters).unwrap().into_parts();
    let mut text = "POST / HTTP/1.1\r\n".to_owned();
    for (name, value) in headers.into_iter().chain(instructions.headers()) {
        text.extend([name, ": ", value, "\r\n"]);
    }
    let length = body.len();
    text.push_str(&format!(
        "content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ));
    let mut connection = TcpStream::connect(host).unwrap();
    connection.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

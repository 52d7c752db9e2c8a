//! What is too large, too slow or too much.

use std::time::Duration;

use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Call, Client, send};
use crate::server::Server;

/// Longer than any answer takes, however busy the machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// Everything the server says to `text` until it hangs up.
async fn talk(server: &Server, text: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(DEADLINE, read).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_body_of_a_mebibyte_is_taken_and_one_byte_more_is_not() {
    let server = Server::start().await;
    let body = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    let mib = 1024 * 1024;
    assert_eq!(
        send(server.address, Call::ecs("RunTask", body(mib)).sign())
            .await
            .status,
        200
    );
    for bytes in [mib + 1, 5 * mib] {
        let answer = send(server.address, Call::ecs("RunTask", body(bytes)).sign()).await;
        assert_eq!(answer.status, 413);
        assert_eq!(answer.json["__type"], "RequestEntityTooLargeException");
    }
}

#[tokio::test]
async fn an_absurd_body_is_refused_before_it_is_sent() {
    let server = Server::start().await;
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\n";
    let answer = talk(&server, head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let server = Server::start().await;
    let pieces = "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                  x-amz-target: AmazonEC2ContainerServiceV20141113.RunTask\r\n\
                  transfer-encoding: chunked\r\n\r\n1\r\n{\r\n3\r\n\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n";
    let answer = talk(&server, pieces).await;
    assert!(
        answer.contains("MissingAuthenticationTokenException"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let server =
        Server::start_with(|config| config.limits.body_read = Duration::from_millis(50)).await;
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{";
    let answer = talk(&server, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn slow_headers_end_the_connection() {
    let server =
        Server::start_with(|config| config.limits.header_read = Duration::from_millis(50)).await;
    let answer = talk(&server, "POST / HTTP/1.1\r\nhost: loc").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
        "{answer}"
    );
}

#[tokio::test]
async fn large_headers_are_refused() {
    let server = Server::start().await;
    let mut request = Call::ecs("RunTask", "{}").sign();
    let value = HeaderValue::from_str(&"x".repeat(20_000)).unwrap();
    request.headers_mut().insert("x-large", value);
    assert_eq!(send(server.address, request).await.status, 431);
}

#[tokio::test]
async fn a_connection_beyond_the_bound_waits_for_its_turn() {
    let server = Server::start_with(|config| config.limits.connections_max = 1).await;
    let mut first = Client::connect(server.address).await;
    assert_eq!(
        first.send(Call::ecs("RunTask", "{}").sign()).await.status,
        200
    );
    let mut second = Client::connect(server.address).await;
    let mut waiting = Box::pin(second.send(Call::ecs("RunTask", "{}").sign()));
    assert!(
        tokio::time::timeout(Duration::from_millis(50), &mut waiting)
            .await
            .is_err()
    );
    drop(first);
    let answer = tokio::time::timeout(DEADLINE, waiting).await.unwrap();
    assert_eq!(answer.status, 200);
}

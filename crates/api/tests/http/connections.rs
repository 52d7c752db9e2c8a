//! Connections: many at once, pipelined, and the end of the server.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{Call, Client, send};
use crate::server::Server;

/// Longer than any answer takes, however busy the machine.
const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_connections_at_once() {
    const REQUESTS: usize = 20;
    let server = Server::start().await;
    let mut clients = JoinSet::new();
    for number in 0..64 {
        let address = server.address;
        clients.spawn(async move {
            let mut client = Client::connect(address).await;
            for round in 0..REQUESTS {
                let body = format!("{{\"number\":{number},\"round\":{round}}}");
                let answer = client.send(Call::ecs("RunTask", body.clone()).sign()).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                assert_eq!(
                    answer.json["body"],
                    serde_json::from_str::<serde_json::Value>(&body).unwrap()
                );
            }
            REQUESTS
        });
    }
    assert_eq!(
        clients.join_all().await.into_iter().sum::<usize>(),
        64 * REQUESTS
    );
}

/// A request as bytes, to be written by hand.
fn wire(call: &Call, request: &Request<Full<bytes::Bytes>>) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text += &format!("content-length: {}\r\n\r\n", call.body.len());
    [text.as_bytes(), &call.body].concat()
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start().await;
    let mut sent = Vec::new();
    for number in 0..3 {
        let call = Call::ecs("RunTask", format!("{{\"number\":{number}}}"));
        let mut request = call.sign();
        if number == 2 {
            request
                .headers_mut()
                .insert("connection", "close".parse().unwrap());
        }
        sent.extend(wire(&call, &request));
    }
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&sent).await.unwrap();
    let mut answers = String::new();
    let read = stream.read_to_string(&mut answers);
    tokio::time::timeout(DEADLINE, read).await.unwrap().unwrap();
    let order: Vec<_> = answers
        .match_indices("\"number\":")
        .map(|(at, m)| &answers[at + m.len()..][..1])
        .collect();
    assert_eq!(order, ["0", "1", "2"]);
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3);
}

#[tokio::test]
async fn a_stop_lets_requests_finish_and_takes_no_new_ones() {
    let server = Server::start().await;
    let (address, gateway) = (server.address, server.gateway.clone());
    let idle = Client::connect(address).await;
    let waiting = tokio::spawn(send(address, Call::ecs("Wait", "{}").sign()));
    gateway.entered.notified().await;
    let stopped = server.stop();
    // The listener closes at once; until then a connection may still be queued.
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(DEADLINE, refused).await.unwrap();
    assert!(!stopped.is_finished());
    gateway.release.notify_one();
    assert_eq!(waiting.await.unwrap().status, 200);
    tokio::time::timeout(DEADLINE, stopped)
        .await
        .unwrap()
        .unwrap();
    drop(idle);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let server = Server::start_with(|config| config.limits.stop = Duration::from_millis(50)).await;
    let gateway = server.gateway.clone();
    let waiting = tokio::spawn(send(server.address, Call::ecs("Wait", "{}").sign()));
    gateway.entered.notified().await;
    tokio::time::timeout(DEADLINE, server.stop())
        .await
        .unwrap()
        .unwrap();
    assert!(waiting.await.is_err(), "the connection was cut");
}

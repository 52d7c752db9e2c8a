//! Calls that are to go wrong: what the caller sees, and whether the call had its effect.

use std::sync::atomic::Ordering;
use std::time::Duration;

use api::{ApiError, End, Fault};
use http_body_util::BodyExt;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::client::Call;
use crate::server::Server;

/// What a caller sees of an answer: status, content type and date, then as much of the body as
/// came and whether that was all.
#[derive(Debug, PartialEq)]
enum Seen {
    NoAnswer,
    Answer {
        status: u16,
        kind: String,
        date: String,
        promised: usize,
        came: usize,
        is_whole: bool,
    },
}

async fn look(server: &Server) -> Seen {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let Ok(response) = sender.send_request(Call::ecs("RunTask", "{}").sign()).await else {
        return Seen::NoAnswer;
    };
    let (head, mut body) = response.into_parts();
    let (mut came, mut is_whole) = (0, true);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => came += frame.into_data().unwrap().len(),
            Err(_) => is_whole = false,
        }
    }
    let text = |name: &str| head.headers[name].to_str().unwrap().to_owned();
    Seen::Answer {
        status: head.status.as_u16(),
        kind: text("content-type"),
        date: text("date"),
        promised: text("content-length").parse().unwrap(),
        came,
        is_whole,
    }
}

const JSON: &str = "application/x-amz-json-1.1";
const HTML: &str = "text/html; charset=utf-8";

/// Status and content type of a whole answer; `calls` had their effect.
#[track_caller]
fn check(seen: &Seen, server: &Server, status: u16, kind: &str, calls: usize) {
    let Seen::Answer {
        status: found,
        kind: of,
        promised,
        came,
        is_whole,
        ..
    } = seen
    else {
        panic!("no answer");
    };
    assert_eq!((*found, of.as_str()), (status, kind));
    assert!(*is_whole && promised == came, "{seen:?}");
    assert_eq!(server.gateway.calls.load(Ordering::Relaxed), calls);
}

async fn mistreated(fault: Fault) -> (Seen, Server) {
    let server = Server::start().await;
    *server.gateway.fault.lock().unwrap() = Some(fault);
    let seen = look(&server).await;
    (seen, server)
}

fn throttled() -> Option<End> {
    let error = ApiError::named("ThrottlingException", 400, "Rate exceeded");
    Some(End::Error(error))
}

#[tokio::test]
async fn an_end_before_the_effect_leaves_no_effect_and_one_after_it_does() {
    for (end, status, kind) in [(throttled(), 400, JSON), (Some(End::Page(502)), 502, HTML)] {
        for after_effect in [false, true] {
            let end = end.clone();
            let fault = Fault {
                end,
                after_effect,
                ..Fault::default()
            };
            let (seen, server) = mistreated(fault).await;
            check(&seen, &server, status, kind, usize::from(after_effect));
            // The next one is well again.
            let calls = 1 + usize::from(after_effect);
            check(&look(&server).await, &server, 200, JSON, calls);
        }
    }
}

#[tokio::test]
async fn a_cut_leaves_the_caller_without_an_answer() {
    for after_effect in [false, true] {
        let end = Some(End::Cut);
        let fault = Fault {
            end,
            after_effect,
            ..Fault::default()
        };
        let (seen, server) = mistreated(fault).await;
        assert_eq!(seen, Seen::NoAnswer);
        let calls = server.gateway.calls.load(Ordering::Relaxed);
        assert_eq!(calls, usize::from(after_effect));
    }
}

#[tokio::test]
async fn a_cut_in_the_body_sends_its_first_half() {
    let end = Some(End::CutBody);
    let fault = Fault {
        end,
        after_effect: true,
        ..Fault::default()
    };
    let (seen, _server) = mistreated(fault).await;
    let Seen::Answer {
        status: 200,
        promised,
        came,
        is_whole: false,
        ..
    } = seen
    else {
        panic!("{seen:?}");
    };
    assert!(promised > 1 && came == promised / 2, "{came} of {promised}");
}

#[tokio::test]
async fn a_date_is_ahead_or_behind_on_answers_of_every_kind() {
    for (end, date_ahead_seconds, expected) in [
        (None, 3600, "Mon, 05 Jan 2026 11:15:00 GMT"),
        (None, -60, "Mon, 05 Jan 2026 10:14:00 GMT"),
        (throttled(), 1, "Mon, 05 Jan 2026 10:15:01 GMT"),
    ] {
        let fault = Fault {
            end,
            date_ahead_seconds,
            ..Fault::default()
        };
        let (seen, _server) = mistreated(fault).await;
        let Seen::Answer { date, .. } = seen else {
            panic!("no answer");
        };
        assert_eq!(date, expected);
    }
}

#[tokio::test]
async fn latency_stands_before_the_effect_or_after_it() {
    let pause = Duration::from_millis(30);
    for (latency_before, latency_after) in [(pause, Duration::ZERO), (Duration::ZERO, pause)] {
        let fault = Fault {
            latency_before,
            latency_after,
            ..Fault::default()
        };
        let before = tokio::time::Instant::now();
        let (seen, server) = mistreated(fault).await;
        assert!(before.elapsed() >= pause);
        check(&seen, &server, 200, JSON, 1);
    }
}

//! Which attempts are repeated, and what stays the same in each.

use std::time::Duration;

use longshore_client::{Client, Retry};

use crate::calls::run_task;
use crate::server::{Reply, Server, seconds};

#[tokio::test]
async fn item_2_all_attempts_carry_the_same_token_and_invocation_id() {
    let server = Server::start(vec![Reply::throttle(), Reply::throttle(), Reply::ok("{}")]).await;
    let response = server.client().run_task(run_task()).await.unwrap();
    let requests = server.requests();
    let numbers: Vec<_> = requests
        .iter()
        .map(|r| r.header("amz-sdk-request"))
        .collect();
    assert_eq!(
        numbers,
        ["attempt=1; max=3", "attempt=2; max=3", "attempt=3; max=3"]
    );
    for request in &requests {
        assert_eq!(request.body, requests[0].body);
        let id = request.header("amz-sdk-invocation-id");
        assert_eq!(id, requests[0].header("amz-sdk-invocation-id"));
    }
    let attempts = response.metadata().attempt_list();
    let seen: Vec<_> = attempts
        .iter()
        .map(|a| (a.status.unwrap(), a.code.as_deref()))
        .collect();
    let throttled = (400, Some("ThrottlingException"));
    assert_eq!(seen, [throttled, throttled, (200, None)]);
}

/// One reply for ever: how many requests are made and how the error describes itself.
async fn check(reply: Reply, requests: usize, is_retryable: bool) {
    let server = Server::start(vec![reply]).await;
    let error = server.client().run_task(run_task()).await.unwrap_err();
    assert_eq!(server.requests().len(), requests, "{error}");
    assert_eq!(error.attempts() as usize, requests, "{error}");
    assert_eq!(error.is_retryable(), is_retryable, "{error}");
    assert!(!error.is_stopped_by_quota(), "{error}");
}

#[tokio::test]
async fn item_5_only_what_can_pass_is_retried() {
    check(Reply::throttle(), 3, true).await;
    check(
        Reply::error(400, "ClientException", "Rate exceeded"),
        3,
        true,
    )
    .await;
    check(Reply::error(400, "RequestTimeoutException", ""), 3, true).await;
    check(
        Reply::error(400, "InvalidParameterException", "no"),
        1,
        false,
    )
    .await;
    check(
        Reply::error(400, "ClusterNotFoundException", "no"),
        1,
        false,
    )
    .await;
    check(
        Reply::error(400, "InvalidSignatureException", "no"),
        1,
        false,
    )
    .await;
    check(Reply::error(501, "ServerException", "no"), 1, false).await;
    for status in [500, 502, 503, 504] {
        check(Reply::error(status, "ServerException", "oops"), 3, true).await;
        check(Reply::Answer(status, Vec::new(), String::new()), 3, true).await;
    }
    check(Reply::Cut, 3, true).await;
    check(Reply::HangUp, 3, true).await;
}

#[tokio::test]
async fn one_attempt_is_one_attempt() {
    let server = Server::start(vec![Reply::throttle()]).await;
    let config = server.config().retry(Retry::never()).build().unwrap();
    Client::new(config).run_task(run_task()).await.unwrap_err();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_cut_answer_is_followed_by_a_whole_one() {
    let server = Server::start(vec![Reply::Cut, Reply::HangUp, Reply::ok("{}")]).await;
    let response = server.client().run_task(run_task()).await.unwrap();
    assert_eq!(response.metadata().attempts(), 3);
}

#[tokio::test]
async fn item_7_a_clock_one_hour_off_is_repaired() {
    for offset in [3600, -3600] {
        let script = vec![
            Reply::WrongClock {
                offset,
                code: "InvalidSignatureException",
            },
            Reply::ok("{}"),
        ];
        let server = Server::start(script).await;
        let client = server.client();
        client.run_task(run_task()).await.unwrap();
        client.run_task(run_task()).await.unwrap();
        let times: Vec<_> = server
            .requests()
            .iter()
            .map(|r| seconds(r.header("x-amz-date")))
            .collect();
        assert_eq!(times.len(), 3, "the next call needs no second attempt");
        for time in &times[1..] {
            let drift = time - times[0] - offset;
            assert!(drift.abs() <= 5, "{times:?}");
        }
    }
}

#[tokio::test]
async fn a_wrong_signature_with_a_right_clock_is_final() {
    let reply = Reply::WrongClock {
        offset: 120,
        code: "InvalidSignatureException",
    };
    let server = Server::start(vec![reply]).await;
    server.client().run_task(run_task()).await.unwrap_err();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_retry_quota_ends_and_says_so() {
    let server = Server::start(vec![Reply::throttle()]).await;
    let retry = Retry {
        max_attempts: 2,
        initial_backoff: Duration::from_micros(1),
        ..Retry::default()
    };
    let client = Client::new(server.config().retry(retry).build().unwrap());
    // 500 units, 5 per throttled retry.
    for number in 0..100 {
        let error = client.run_task(run_task()).await.unwrap_err();
        assert_eq!(
            (error.attempts(), error.is_stopped_by_quota()),
            (2, false),
            "call {number}"
        );
    }
    let error = client.run_task(run_task()).await.unwrap_err();
    assert_eq!((error.attempts(), error.is_stopped_by_quota()), (1, true));
    assert!(error.to_string().contains("retry quota used up"), "{error}");

    let other = Client::new(server.config().retry(retry).build().unwrap());
    assert_eq!(other.run_task(run_task()).await.unwrap_err().attempts(), 2);
}

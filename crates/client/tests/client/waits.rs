//! Waiting for tasks.

use std::time::Duration;

use longshore_client::{Backoff, Client, Jitter, Retry, WaitError, WaitPolicy};
use serde_json::{Value, json};

use crate::server::{Reply, Server};

const FAST: WaitPolicy = WaitPolicy {
    backoff: Backoff {
        first: Duration::from_millis(1),
        max: Duration::from_millis(2),
        jitter: Jitter::None,
    },
    missing_grace: Duration::from_secs(60),
    max_wait: Some(Duration::from_secs(30)),
};

fn arn(id: &str) -> String {
    format!("arn:aws:ecs:us-east-1:000000000000:task/default/{id}")
}

fn tasks(states: &[(&str, &str)]) -> Reply {
    let tasks: Vec<Value> = states
        .iter()
        .map(|(id, status)| json!({"taskArn": arn(id), "lastStatus": status}))
        .collect();
    Reply::ok(json!({"tasks": tasks, "failures": []}))
}

fn missing() -> Reply {
    Reply::ok(json!({"tasks": [], "failures": [{"arn": arn("a"), "reason": "MISSING"}]}))
}

#[tokio::test]
async fn every_poll_is_seen_and_missing_is_tolerated_at_first() {
    let script = vec![
        missing(),
        tasks(&[("a", "PENDING"), ("b", "RUNNING")]),
        tasks(&[("a", "RUNNING"), ("b", "RUNNING")]),
    ];
    let server = Server::start(script).await;
    let client = server.client();
    let mut polls = Vec::new();
    let running = client
        .wait_for(None, [arn("a"), "b".to_owned()])
        .policy(FAST)
        .watch(|poll| polls.push((poll.number, poll.tasks.len(), poll.missing.len())))
        .tasks_running()
        .await
        .unwrap();
    assert_eq!(running.len(), 2);
    assert_eq!(polls, [(1, 0, 2), (2, 2, 0), (3, 2, 0)]);
}

#[tokio::test]
async fn a_task_that_is_over_has_run() {
    let server = Server::start(vec![tasks(&[("a", "STOPPED")])]).await;
    let client = server.client();
    let done = client
        .wait_for(Some("c"), ["a"])
        .policy(FAST)
        .tasks_running()
        .await
        .unwrap();
    assert_eq!(done[0].last_status.as_deref(), Some("STOPPED"));
    assert_eq!(
        server.requests()[0].body,
        json!({"cluster": "c", "tasks": ["a"]})
    );
}

#[tokio::test]
async fn stopped_is_waited_for() {
    let script = vec![
        tasks(&[("a", "RUNNING")]),
        tasks(&[("a", "STOPPING")]),
        tasks(&[("a", "STOPPED")]),
    ];
    let server = Server::start(script).await;
    server
        .client()
        .wait_for(None, ["a"])
        .policy(FAST)
        .tasks_stopped()
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn more_than_a_hundred_tasks_are_asked_for_in_parts() {
    let ids: Vec<String> = (0..150).map(|n| format!("t{n}")).collect();
    let all: Vec<_> = ids.iter().map(|id| (id.as_str(), "STOPPED")).collect();
    let server = Server::start(vec![tasks(&all[..100]), tasks(&all[100..])]).await;
    let client = server.client();
    let done = client
        .wait_for(None, ids.clone())
        .policy(FAST)
        .tasks_stopped()
        .await
        .unwrap();
    assert_eq!(done.len(), 150);
    let asked: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.body["tasks"].as_array().unwrap().len())
        .collect();
    assert_eq!(asked, [100, 50]);
}

#[tokio::test]
async fn a_passing_failure_of_a_poll_does_not_end_the_wait() {
    let script = vec![
        Reply::error(500, "ServerException", "oops"),
        tasks(&[("a", "STOPPED")]),
    ];
    let server = Server::start(script).await;
    let client = Client::new(server.config().retry(Retry::never()).build().unwrap());
    let mut errors = 0;
    let wait = client.wait_for(None, ["a"]).policy(FAST);
    wait.watch(|poll| errors += usize::from(poll.error.is_some()))
        .tasks_stopped()
        .await
        .unwrap();
    assert_eq!(errors, 1);

    let refusal = Reply::error(400, "ClusterNotFoundException", "Cluster not found.");
    let server = Server::start(vec![refusal]).await;
    let client = server.client();
    let error = client
        .wait_for(None, ["a"])
        .policy(FAST)
        .tasks_stopped()
        .await
        .unwrap_err();
    assert!(matches!(error, WaitError::Call { .. }), "{error}");
}

#[tokio::test]
async fn a_task_that_stays_missing_or_vanishes_ends_the_wait() {
    let policy = WaitPolicy {
        missing_grace: Duration::from_millis(5),
        ..FAST
    };
    for script in [vec![missing()], vec![tasks(&[("a", "RUNNING")]), missing()]] {
        let server = Server::start(script).await;
        let client = server.client();
        let error = client
            .wait_for(None, ["a"])
            .policy(policy)
            .tasks_stopped()
            .await
            .unwrap_err();
        assert!(matches!(error, WaitError::Missing { .. }), "{error}");
        assert_eq!(error.last().missing, ["a"]);
    }
}

#[tokio::test]
async fn the_limit_ends_the_wait_with_the_last_state() {
    let server = Server::start(vec![tasks(&[("a", "PENDING")])]).await;
    let policy = FAST.with_max_wait(Duration::from_millis(300));
    let client = server.client();
    let error = client
        .wait_for(None, ["a"])
        .policy(policy)
        .tasks_running()
        .await
        .unwrap_err();
    let last = error.last();
    assert_eq!(last.tasks[0].last_status.as_deref(), Some("PENDING"));
    assert!(last.number > 1, "{last:?}");
    assert_eq!(error.to_string(), "not there after 0.3 s");
}

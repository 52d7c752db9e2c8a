//! Whether tasks were placed: outcomes, counts above ten, repetition until there is room.

use std::time::Duration;

use longshore_client::{
    Backoff, CallOptions, Client, Jitter, PlacementPolicy, Retry, RunTaskOutcome,
};
use model::shapes::RunTaskInput;
use serde_json::{Value, json};

use crate::server::{Reply, Server};

const FAST: PlacementPolicy = PlacementPolicy {
    backoff: Backoff {
        first: Duration::from_millis(1),
        max: Duration::from_millis(2),
        jitter: Jitter::None,
    },
    max_wait: Some(Duration::from_millis(3)),
};

fn input(count: i32, token: Option<&str>) -> RunTaskInput {
    RunTaskInput {
        task_definition: Some("demo".into()),
        count: Some(count),
        client_token: token.map(str::to_owned),
        ..Default::default()
    }
}

fn placed(tasks: usize, reasons: &[&str]) -> Reply {
    let tasks: Vec<Value> = (0..tasks)
        .map(|n| json!({"taskArn": n.to_string()}))
        .collect();
    let failures: Vec<Value> = reasons
        .iter()
        .map(|reason| json!({"reason": reason}))
        .collect();
    Reply::ok(json!({"tasks": tasks, "failures": failures}))
}

/// What the requests asked for, as `count token`.
fn asked(server: &Server) -> Vec<String> {
    let requests = server.requests();
    let words = requests.iter().map(|request| {
        let token = request.body["clientToken"].as_str().unwrap();
        format!("{} {token}", request.body["count"])
    });
    words.collect()
}

#[tokio::test]
async fn a_count_above_ten_becomes_calls_of_ten_with_derived_tokens() {
    let server = Server::start(vec![placed(10, &[]), placed(10, &[]), placed(5, &[])]).await;
    let outcome = server
        .client()
        .start_tasks(&input(25, Some("nightly")), &CallOptions::new())
        .await
        .unwrap();
    assert_eq!(
        asked(&server),
        ["10 nightly", "10 nightly-2", "5 nightly-3"]
    );
    let RunTaskOutcome::AllStarted { tasks } = outcome else {
        panic!("{outcome}")
    };
    assert_eq!(tasks.len(), 25);
}

#[tokio::test]
async fn calls_of_a_split_count_end_with_the_first_that_finds_no_room() {
    let server = Server::start(vec![placed(10, &[]), placed(3, &["RESOURCE:CPU"])]).await;
    let outcome = server
        .client()
        .start_tasks(&input(40, None), &CallOptions::new())
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 2);
    assert_eq!((outcome.tasks().len(), outcome.missing()), (13, 27));
    let error = outcome.into_result().unwrap_err();
    assert_eq!(error.to_string(), "27 of 40 not placed: 1× RESOURCE:CPU");
    assert_eq!(error.tasks.len(), 13);
}

#[tokio::test]
async fn a_failing_call_tells_of_the_tasks_before_it() {
    let refusal = Reply::error(400, "ClusterNotFoundException", "Cluster not found.");
    let server = Server::start(vec![placed(10, &[]), refusal]).await;
    let error = server
        .client()
        .start_tasks(&input(20, Some("t")), &CallOptions::new())
        .await
        .unwrap_err();
    assert_eq!(error.tasks.len(), 10);
    assert_eq!(error.error.token(), Some("t-2"));
    let text = error.to_string();
    assert!(
        text.ends_with("; 10 tasks were started before and run"),
        "{text}"
    );
}

#[tokio::test]
async fn without_a_token_of_the_caller_all_calls_share_a_fresh_base() {
    let server = Server::start(vec![placed(10, &[]), placed(1, &[])]).await;
    let client = server.client();
    let _ = client
        .start_tasks(&input(11, None), &CallOptions::new())
        .await
        .unwrap();
    let asked = asked(&server);
    let base = asked[0].strip_prefix("10 ").unwrap();
    assert_eq!(
        (base.len(), asked[1].as_str()),
        (36, &*format!("1 {base}-2"))
    );
}

#[tokio::test]
async fn missing_tasks_are_asked_for_again_with_new_tokens() {
    let script = vec![
        placed(2, &["RESOURCE:MEMORY", "ATTRIBUTE"]),
        placed(0, &["AGENT"]),
        placed(3, &[]),
    ];
    let server = Server::start(script).await;
    let client = server.client();
    let outcome = client
        .run_task_until_placed(&input(5, Some("t")), FAST, &CallOptions::new())
        .await
        .unwrap();
    assert_eq!(asked(&server), ["5 t", "3 t-r2", "3 t-r3"]);
    assert_eq!(outcome.into_result().unwrap().len(), 5);
}

#[tokio::test]
async fn what_cannot_pass_is_not_asked_for_again() {
    for (reason, requests) in [("ATTRIBUTE", 1), ("LOCATION", 1), ("MOON", 1), ("AGENT", 3)] {
        let server = Server::start(vec![placed(0, &[reason])]).await;
        let client = server.client();
        let outcome = client
            .run_task_until_placed(&input(1, None), FAST, &CallOptions::new())
            .await
            .unwrap();
        assert_eq!(server.requests().len(), requests, "{reason}");
        let text = outcome.into_result().unwrap_err().to_string();
        assert_eq!(text, format!("1 of 1 not placed: 1× {reason}"));
    }
}

#[tokio::test]
async fn a_round_that_fails_keeps_the_tasks_of_those_before() {
    let script = vec![
        placed(1, &["AGENT"]),
        Reply::error(500, "ServerException", "oops"),
    ];
    let server = Server::start(script).await;
    let client = Client::new(server.config().retry(Retry::never()).build().unwrap());
    let error = client
        .run_task_until_placed(&input(2, Some("t")), FAST, &CallOptions::new())
        .await
        .unwrap_err();
    assert_eq!((error.tasks.len(), error.error.token()), (1, Some("t-r2")));
}

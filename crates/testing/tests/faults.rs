//! Each fault as our client meets it, and the clock as tasks meet it.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::time::Duration;

use client::{Client, Retry};
use longshore_testing::TestServer;
use model::operations::{DescribeTasks, ListClusters, RunTask};
use model::shapes::{
    DescribeTasksInput, ListClustersInput, ListTasksInput, PutClusterCapacityProvidersInput,
    RegisterTaskDefinitionInput, RunTaskInput, Task,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Real time after which a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

fn shape<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A server that knows definition `job`, whose container follows the script.
async fn server(script: &str) -> TestServer {
    let server = TestServer::start().await.unwrap();
    let labels = json!({"longshore.script": script});
    let app = json!({"name": "app", "image": "example:1", "memory": 16, "dockerLabels": labels});
    let job: RegisterTaskDefinitionInput =
        shape(json!({"family": "job", "containerDefinitions": [app]}));
    server
        .client()
        .register_task_definition(&job)
        .await
        .unwrap();
    server
}

fn job(count: i32) -> RunTaskInput {
    shape(json!({"taskDefinition": "job", "count": count}))
}

async fn start(server: &TestServer) -> String {
    let answer = server.client().run_task(job(1)).await.unwrap();
    arns(answer.tasks.as_deref()).remove(0)
}

fn arns(tasks: Option<&[Task]>) -> Vec<String> {
    let arn = |task: &Task| task.task_arn.clone().unwrap();
    tasks.unwrap_or_default().iter().map(arn).collect()
}

async fn started(server: &TestServer) -> usize {
    let all = server.client().list_tasks(ListTasksInput::default());
    all.await.unwrap().task_arns.as_ref().unwrap().len()
}

/// One attempt, so that a fault is seen.
fn impatient(server: &TestServer) -> Client {
    let config = server.client_builder().retry(Retry::never()).build();
    Client::new(config.unwrap())
}

async fn described(server: &TestServer, arn: &str) -> Task {
    let input: DescribeTasksInput = shape(json!({"tasks": [arn]}));
    let answer = server.client().describe_tasks(&input).await.unwrap();
    answer.into_output().tasks.unwrap().remove(0)
}

/// Looks until the task has this status.
async fn until(server: &TestServer, arn: &str, status: &str) -> Task {
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let reached = async {
        loop {
            looks.tick().await;
            let task = described(server, arn).await;
            if task.last_status.as_deref() == Some(status) {
                return task;
            }
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.unwrap_or_else(|_| panic!("{arn} is never {status}"))
}

fn exit_code(task: &Task) -> Option<i32> {
    task.containers.as_ref().unwrap()[0].exit_code
}

#[tokio::test]
async fn throttles_errors_cuts_and_pages_are_retried_to_one_task() {
    let server = server("run 1h").await;
    let client = server.client();
    for (number, at_least) in [(1, 3), (2, 2), (3, 2), (4, 2), (5, 2), (6, 2)] {
        let added = match number {
            1 => server.throttle::<RunTask>(2).await,
            2 => server.fail::<RunTask>(1).await,
            3 => server.cut::<RunTask>(1).await,
            4 => server.cut_after_effect::<RunTask>(1).await,
            5 => server.cut_body::<RunTask>(1).await,
            _ => server.html_page::<RunTask>(503, 1).await,
        };
        let rule = added.unwrap().rule;
        let answer = client.run_task(job(1)).await.unwrap();
        assert_eq!(answer.metadata().attempts(), at_least, "{rule:?}");
        assert_eq!(started(&server).await, number, "{rule:?}");
        let counted = server.faults().await.unwrap().pop().unwrap();
        assert_eq!(Some(counted.hits), rule.times.map(u64::from), "{rule:?}");
    }
}

#[tokio::test]
async fn a_fault_is_seen_as_what_it_is() {
    let server = server("run 1h").await;
    let client = impatient(&server);
    server.throttle::<RunTask>(1).await.unwrap();
    let error = client.run_task(job(1)).await.unwrap_err();
    assert!(error.is_throttle(), "{error}");
    server.fail::<RunTask>(1).await.unwrap();
    let error = client.run_task(job(1)).await.unwrap_err();
    assert_eq!(error.code(), Some("ServerException"));
    for cut in [
        server.cut::<RunTask>(1).await,
        server.cut_body::<ListClusters>(1).await,
    ] {
        let rule = cut.unwrap().rule;
        let error = match rule.operation.as_deref() {
            Some("RunTask") => client.run_task(job(1)).await.map(drop),
            _ => client
                .list_clusters(ListClustersInput::default())
                .await
                .map(drop),
        };
        let error = error.unwrap_err();
        assert_eq!(
            (error.code(), error.is_transient()),
            (None, true),
            "{error}"
        );
    }
    server.html_page::<RunTask>(502, 1).await.unwrap();
    let error = client.run_task(job(1)).await.unwrap_err();
    assert!(
        error.to_string().contains("<h1>502 Bad Gateway</h1>"),
        "{error}"
    );
    assert_eq!(started(&server).await, 0);
}

#[tokio::test]
async fn a_wrong_date_leads_the_client_astray_and_back() {
    let server = server("run 1h").await;
    let client = server.client();
    server.wrong_date::<RunTask>(-3600, 1).await.unwrap();
    let answer = client.run_task(job(1)).await.unwrap();
    let skew = answer.metadata().clock_skew_millis();
    assert!((-3_700_000..-3_500_000).contains(&skew), "{skew}");
    // It signs by that date now, is refused, and learns better.
    let error = client.run_task(job(1)).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidSignatureException"));
    let answer = client.run_task(job(1)).await.unwrap();
    assert!(answer.metadata().clock_skew_millis().abs() < 100_000);
}

#[tokio::test]
async fn an_answer_is_late() {
    let server = server("run 1h").await;
    let by = Duration::from_millis(50);
    server.delay::<ListClusters>(by, 1).await.unwrap();
    let before = tokio::time::Instant::now();
    let input = ListClustersInput::default();
    server.client().list_clusters(&input).await.unwrap();
    assert!(before.elapsed() >= by);
}

#[tokio::test]
async fn the_first_polls_miss_the_task() {
    let server = server("run 1h").await;
    let arn = start(&server).await;
    server.missing(2).await.unwrap();
    let input: DescribeTasksInput = shape(json!({"tasks": [arn]}));
    for expected in [1, 1, 0] {
        let answer = server.client().call::<DescribeTasks>(&input).await.unwrap();
        assert_eq!(answer.failures.as_ref().unwrap().len(), expected);
        assert_eq!(answer.tasks.as_ref().unwrap().len(), 1 - expected);
    }
}

#[tokio::test]
async fn tasks_are_not_placed() {
    let server = server("run 1h").await;
    server.not_placed("RESOURCE:CPU", Some(1), 1).await.unwrap();
    let answer = server.client().run_task(job(3)).await.unwrap();
    assert_eq!(answer.tasks.as_ref().unwrap().len(), 2);
    let failure = &answer.failures.as_ref().unwrap()[0];
    assert_eq!(failure.reason.as_deref(), Some("RESOURCE:CPU"));
}

#[tokio::test]
async fn the_script_follows_the_clock_that_the_test_moves() {
    let server = server("run 1h; exit 7").await;
    let arn = start(&server).await;
    let running = until(&server, &arn, "RUNNING").await;
    assert_eq!(running.started_at, Some(server.clock().now()));
    server.clock().advance(Duration::from_secs(3600));
    let stopped = until(&server, &arn, "STOPPED").await;
    assert_eq!(exit_code(&stopped), Some(7));
}

#[tokio::test]
async fn retention_and_client_tokens_follow_the_clock() {
    let server = server("exit 0").await;
    let input: RunTaskInput = shape(json!({"taskDefinition": "job", "clientToken": "t"}));
    let answer = server.client().run_task(&input).await.unwrap();
    let first = arns(answer.tasks.as_deref());
    until(&server, &first[0], "STOPPED").await;
    let again = server.client().run_task(&input).await.unwrap();
    assert_eq!(arns(again.tasks.as_deref()), first);
    // A stopped task is shown for an hour, a token counts for 24.
    server.clock().advance(Duration::from_secs(25 * 3600));
    let described: DescribeTasksInput = shape(json!({"tasks": first}));
    let gone = async {
        loop {
            let answer = server.client().describe_tasks(&described).await.unwrap();
            if answer.failures.as_ref().is_some_and(|all| !all.is_empty()) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    let later = server.client().run_task(&input).await.unwrap();
    assert_ne!(arns(later.tasks.as_deref()), first);
}

#[tokio::test]
async fn tasks_are_slow_and_end_with_a_code() {
    let server = server("run 1s; exit 0").await;
    let step = Duration::from_secs(60);
    server.slow_down(step, 1).await.unwrap();
    server.exit_code(9, 1).await.unwrap();
    let arn = start(&server).await;
    // Network, pull, start; the program itself; the end.
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let mut steps = 0;
    let ended = async {
        loop {
            looks.tick().await;
            let task = described(&server, &arn).await;
            if task.last_status.as_deref() == Some("STOPPED") {
                return task;
            }
            server.clock().advance(step);
            steps += 1;
        }
    };
    let task = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    assert_eq!(exit_code(&task), Some(9));
    assert!(steps >= 5, "{steps}");
    let took = task
        .stopped_at
        .unwrap()
        .millis_since(task.created_at.unwrap());
    assert!(took >= 4 * 60_000, "{took}");
}

#[tokio::test]
async fn spot_is_taken_back_when_its_time_has_come() {
    let server = server("run 1h").await;
    let providers: PutClusterCapacityProvidersInput = shape(json!({
        "cluster": "default",
        "capacityProviders": ["FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    }));
    let client = server.client();
    client
        .put_cluster_capacity_providers(&providers)
        .await
        .unwrap();
    let web: RegisterTaskDefinitionInput = shape(json!({
        "family": "web", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "app", "image": "example:1"}],
    }));
    client.register_task_definition(&web).await.unwrap();
    let after = Duration::from_secs(600);
    server.interrupt_spot(after, 1).await.unwrap();
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
    let input: RunTaskInput =
        shape(json!({"taskDefinition": "web", "networkConfiguration": network}));
    let answer = client.run_task(&input).await.unwrap();
    let arn = arns(answer.tasks.as_deref()).remove(0);
    until(&server, &arn, "RUNNING").await;
    server.clock().advance(after);
    let task = until(&server, &arn, "STOPPED").await;
    assert_eq!(task.stop_code.unwrap().as_str(), "SpotInterruption");
}

#[tokio::test]
async fn a_host_is_lost() {
    let server = server("run 1h").await;
    server.lose_host(Duration::ZERO, 1).await.unwrap();
    let arn = start(&server).await;
    let task = until(&server, &arn, "STOPPED").await;
    assert_eq!(
        task.stop_code.as_ref().unwrap().as_str(),
        "TerminationNotice"
    );
    assert_eq!(exit_code(&task), None);
}

#[tokio::test]
async fn rules_can_be_taken_away_and_a_dropped_server_leaves_nothing() {
    let server = server("run 1h").await;
    server.throttle::<RunTask>(99).await.unwrap();
    server.clear_faults().await.unwrap();
    assert!(server.faults().await.unwrap().is_empty());
    start(&server).await;
    let (folder, client) = (server.folder().to_owned(), impatient(&server));
    drop(server);
    assert!(!folder.exists());
    assert!(client.run_task(job(1)).await.is_err());
}

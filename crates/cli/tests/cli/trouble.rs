//! `run` when something is in the way.

use serde_json::{Value, json};

use crate::run::{FILE, ID, arn, no_log, task};
use crate::server::{Request, Server, count};
use crate::session::{Done, run, run_until};

/// A task that runs until it is stopped.
fn endless(requests: &[Request]) -> (u16, Value) {
    let (operation, _) = requests.last().unwrap();
    match operation.as_str() {
        "DescribeTaskDefinition" => {
            let definition: Value = serde_json::from_str(FILE).unwrap();
            (200, json!({"taskDefinition": definition}))
        }
        "RunTask" => (200, json!({"tasks": [task(ID, "PENDING", [None; 2])]})),
        "StopTask" => (200, json!({})),
        "DescribeTasks" if count(requests, "StopTask") > 0 => (
            200,
            json!({"tasks": [task(ID, "STOPPED", [Some(143), Some(143)])]}),
        ),
        "DescribeTasks" => (200, json!({"tasks": [task(ID, "RUNNING", [None; 2])]})),
        _ => no_log(),
    }
}

#[tokio::test]
async fn when_the_time_is_up_the_task_is_stopped() {
    let server = Server::start(endless).await;
    let done = run(&server, &["run", "report", "--timeout", "50ms"]).await;
    assert_eq!(done.code, 124, "{}", done.err);
    let expected = json!({"task": arn(ID), "reason": "Timed out after 0.05 s"});
    assert_eq!(server.bodies("StopTask"), [expected]);
    assert!(
        done.err.contains("job: exit code 143 (SIGTERM)"),
        "{}",
        done.err
    );
}

#[tokio::test]
async fn an_interruption_stops_the_task() {
    let server = Server::start(endless).await;
    let interrupt = server.asked("DescribeTasks", 2);
    let done = run_until(&server, &["run", "report"], "", interrupt).await;
    assert_eq!(done.code, 130, "{}", done.err);
    let expected = json!({"task": arn(ID), "reason": "Interrupted by the user"});
    assert_eq!(server.bodies("StopTask"), [expected]);
    assert!(done.err.contains("task 0c9f3a64: stopped"), "{}", done.err);
}

#[tokio::test]
async fn an_interruption_during_run_task_stops_what_it_started() {
    let server = Server::start(endless).await;
    let interrupt = server.asked("RunTask", 1);
    let done = run_until(&server, &["run", "report"], "", interrupt).await;
    assert_eq!(done.code, 130, "{}", done.err);
    assert_eq!(server.bodies("StopTask").len(), 1);
}

#[tokio::test]
async fn an_interruption_can_leave_the_task_running() {
    let server = Server::start(endless).await;
    let interrupt = server.asked("DescribeTasks", 2);
    let words = ["run", "report", "--detach-on-interrupt"];
    let done = run_until(&server, &words, "", interrupt).await;
    assert_eq!(done.code, 130, "{}", done.err);
    assert!(server.bodies("StopTask").is_empty());
    assert!(done.err.contains("task 0c9f3a64: running"), "{}", done.err);
}

/// The definition, an instance with little room, and this answer of RunTask.
async fn refused(answer: (u16, Value)) -> Done {
    let server = Server::start(move |requests| {
        match requests.last().unwrap().0.as_str() {
            "RunTask" => answer.clone(),
            "ListContainerInstances" => (200, json!({"containerInstanceArns": ["i"]})),
            "DescribeContainerInstances" => {
                let resources = json!([{"name": "CPU", "integerValue": 128},
                    {"name": "MEMORY", "integerValue": 100}]);
                (200, json!({"containerInstances": [{
                    "containerInstanceArn": "arn:aws:ecs:r:0:container-instance/default/abcdef012345",
                    "registeredResources": resources, "remainingResources": resources}]}))
            }
            _ => endless(requests),
        }
    })
    .await;
    run(&server, &["run", "report"]).await
}

#[track_caller]
fn check(done: &Done, said: &[&str]) {
    assert_eq!((done.code, done.out.as_str()), (125, ""), "{}", done.err);
    for text in said {
        assert!(done.err.contains(text), "{text} in {}", done.err);
    }
}

#[tokio::test]
async fn what_does_not_fit_is_told_with_asked_and_free_amounts() {
    let arn = "arn:aws:ecs:r:0:container-instance/default/abcdef012345";
    let failure = json!({"arn": arn, "reason": "RESOURCE:MEMORY"});
    let done = refused((200, json!({"tasks": [], "failures": [failure]}))).await;
    check(
        &done,
        &[
            "error: the task was not placed\n",
            "instance abcdef01: not enough memory: 512 MiB asked, 100 free of 100",
            "hint: ask for less",
        ],
    );
    let reason = "Capacity is unavailable at this time. Please try again later or in a different \
                  availability zone";
    let done = refused((200, json!({"tasks": [], "failures": [{"reason": reason}]}))).await;
    check(
        &done,
        &[
            "zone (256 CPU units and 512 MiB asked)",
            "instance abcdef01: 128 of 128 CPU units and 100 of 100 MiB free",
        ],
    );
    let done = refused((200, json!({}))).await;
    check(&done, &["neither tasks nor failures"]);
}

#[tokio::test]
async fn an_error_of_the_api_is_one_sentence() {
    let text = "No Container Instances were found in your cluster.";
    let error = json!({"__type": "InvalidParameterException", "message": text});
    let done = refused((400, error)).await;
    check(
        &done,
        &[&format!(
            "error: ECS RunTask: InvalidParameterException: {text}"
        )],
    );
}

#[tokio::test]
async fn advice_follows_what_can_be_mended() {
    let error = |code: &str| (400, json!({"__type": code, "message": "no"}));
    check(
        &refused(error("ClusterNotFoundException")).await,
        &["no (status 400); check --cluster; `aws ecs list-clusters`"],
    );
    check(
        &refused(error("UnrecognizedClientException")).await,
        &["; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"],
    );
    let mut server = Server::start(endless).await;
    server.stop().await;
    check(
        &run(&server, &["run", "report"]).await,
        &["; check --endpoint-url and AWS_ENDPOINT_URL_ECS, and that the server runs"],
    );
}

#[tokio::test]
async fn a_task_that_does_not_start_was_not_run() {
    let server = Server::start(|requests| match requests.last().unwrap().0.as_str() {
        "DescribeTasks" => {
            let mut task = task(ID, "STOPPED", [None; 2]);
            task["stopCode"] = json!("TaskFailedToStart");
            task["stoppedReason"] = json!("CannotPullContainerError: no such image");
            (200, json!({"tasks": [task]}))
        }
        _ => endless(requests),
    })
    .await;
    check(
        &run(&server, &["run", "report"]).await,
        &["TaskFailedToStart: CannotPullContainerError: no such image"],
    );
}

#[tokio::test]
async fn bad_files_and_names_are_named() {
    let server = Server::start(|_| {
        let text = "Unable to describe task definition.";
        (400, json!({"__type": "ClientException", "message": text}))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.json");
    std::fs::write(&path, "{\n  \"family\": 7\n}").unwrap();
    let path = path.to_str().unwrap();
    let done = run(&server, &["run", path]).await;
    let problem = format!("error: {path}, line 2, column 13: `family`: invalid type");
    check(&done, &[&problem]);
    check(
        &run(&server, &["run", "./none.json"]).await,
        &["./none.json cannot be read"],
    );
    check(
        &run(&server, &["run", "none"]).await,
        &["no task definition `none`"],
    );
    let done = run(&server, &["run", "none", "--overrides", "{"]).await;
    check(&done, &["error: --overrides: EOF"]);
}

#[tokio::test]
async fn a_task_that_vanishes_is_an_error() {
    let server = Server::start(|requests| match requests.last().unwrap().0.as_str() {
        "DescribeTasks" if count(requests, "DescribeTasks") > 1 => (200, json!({"tasks": []})),
        _ => endless(requests),
    })
    .await;
    check(
        &run(&server, &["run", "report"]).await,
        &["cannot be followed any more"],
    );
}

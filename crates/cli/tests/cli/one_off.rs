//! `run --override-…`: a revision for one call, and what is left of it.

use serde_json::{Value, json};

use crate::run::{ID, task};
use crate::server::{Request, Server};
use crate::session::{Done, run, run_until};

const REVISION: &str = "arn:aws:ecs:us-east-1:000000000000:task-definition/report-one-off:1";

fn definition() -> Value {
    json!({
        "family": "report", "revision": 3, "status": "ACTIVE", "compatibilities": ["EC2"],
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/report:3",
        "containerDefinitions": [{"name": "job", "image": "old:1", "memory": 64},
            {"name": "db", "image": "db:1", "memory": 64}]
    })
}

/// A one-off revision whose task ends well.
fn script(requests: &[Request]) -> (u16, Value) {
    let (operation, body) = requests.last().unwrap();
    match operation.as_str() {
        "DescribeTaskDefinition" => {
            let tags = json!([{"key": "team", "value": "data"}]);
            (200, json!({"taskDefinition": definition(), "tags": tags}))
        }
        "RegisterTaskDefinition" => {
            let mut registered = body.clone();
            registered["taskDefinitionArn"] = json!(REVISION);
            (200, json!({"taskDefinition": registered}))
        }
        "RunTask" => (200, json!({"tasks": [task(ID, "PENDING", [None; 2])]})),
        "DescribeTasks" => {
            let task = task(ID, "STOPPED", [Some(0), Some(0)]);
            (200, json!({"tasks": [task]}))
        }
        "GetLogEvents" => crate::run::no_log(),
        "DeregisterTaskDefinition" => (200, json!({"taskDefinition": definition()})),
        "DeleteTaskDefinitions" => (200, json!({"taskDefinitions": [], "failures": []})),
        other => panic!("{other}"),
    }
}

const WORDS: [&str; 4] = ["run", "report", "--override-image", "job=new:2"];

fn operations(server: &Server) -> Vec<String> {
    let all = server.operations();
    let watching = ["DescribeTasks", "GetLogEvents"];
    all.into_iter()
        .filter(|name| !watching.contains(&name.as_str()))
        .collect()
}

#[track_caller]
fn check_cleaned_up(server: &Server) {
    let name = json!({"taskDefinition": REVISION});
    assert_eq!(server.bodies("DeregisterTaskDefinition"), [name]);
    let names = json!({"taskDefinitions": [REVISION]});
    assert_eq!(server.bodies("DeleteTaskDefinitions"), [names]);
}

#[tokio::test]
async fn a_revision_is_registered_for_the_call_and_deleted_after_it() {
    let server = Server::start(script).await;
    let done = run(&server, &WORDS).await;
    assert_eq!(done.code, 0, "{}", done.err);
    let expected = json!({
        "family": "report-one-off", "tags": [{"key": "team", "value": "data"}],
        "containerDefinitions": [{"name": "job", "image": "new:2", "memory": 64},
            {"name": "db", "image": "db:1", "memory": 64}]
    });
    assert_eq!(server.bodies("RegisterTaskDefinition"), [expected]);
    let run_task = &server.bodies("RunTask")[0];
    assert_eq!(run_task["taskDefinition"], REVISION);
    assert_eq!(run_task["group"], "family:report");
    check_cleaned_up(&server);
    let expected = [
        "DescribeTaskDefinition",
        "RegisterTaskDefinition",
        "RunTask",
        "DeregisterTaskDefinition",
        "DeleteTaskDefinitions",
    ];
    assert_eq!(operations(&server), expected);
}

#[tokio::test]
async fn a_file_is_derived_from_too_and_a_given_group_is_kept() {
    let server = Server::start(script).await;
    let words = [&WORDS[..1], &["-"], &WORDS[2..], &["--group", "g"]].concat();
    let done = run_until(
        &server,
        &words,
        &definition().to_string(),
        std::future::pending(),
    )
    .await;
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(server.bodies("RunTask")[0]["group"], "g");
    check_cleaned_up(&server);
    assert!(server.bodies("DescribeTaskDefinition").is_empty());
}

#[tokio::test]
async fn it_is_deleted_when_run_task_is_refused() {
    let server = Server::start(|requests| match requests.last().unwrap().0.as_str() {
        "RunTask" => {
            let text = "No Container Instances were found in your cluster.";
            (
                400,
                json!({"__type": "InvalidParameterException", "message": text}),
            )
        }
        _ => script(requests),
    })
    .await;
    let done = run(&server, &WORDS).await;
    assert_eq!(done.code, 125, "{}", done.err);
    check_cleaned_up(&server);
}

#[tokio::test]
async fn an_interruption_while_it_is_registered_deletes_it() {
    let server = Server::start(script).await;
    let interrupt = server.asked("RegisterTaskDefinition", 1);
    let done = run_until(&server, &WORDS, "", interrupt).await;
    // The answer may be there first; then the task is stopped instead.
    assert_eq!(done.code, 130, "{}", done.err);
    check_cleaned_up(&server);
}

#[tokio::test]
async fn what_is_left_behind_is_said_with_what_removes_it() {
    let left = async |operation: &'static str, answer: (u16, Value)| -> Done {
        let server = Server::start(move |requests| {
            let asked = &requests.last().unwrap().0;
            if asked == operation {
                answer.clone()
            } else {
                script(requests)
            }
        })
        .await;
        run(&server, &WORDS).await
    };
    let denied = json!({"__type": "AccessDeniedException", "message": "not allowed"});
    let failed = json!({"failures": [{"arn": REVISION, "reason": "TASK_DEFINITION_IN_USE"}]});
    for (operation, answer, problem) in [
        ("DeregisterTaskDefinition", (400, denied), "not allowed"),
        (
            "DeleteTaskDefinitions",
            (200, failed),
            "TASK_DEFINITION_IN_USE",
        ),
    ] {
        let done = left(operation, answer).await;
        assert_eq!(done.code, 0, "{}", done.err);
        let told = "warning: task definition report-one-off:1 is left behind: ";
        assert!(done.err.contains(told), "{}", done.err);
        assert!(done.err.contains(problem), "{}", done.err);
        assert!(
            done.err
                .contains("delete-task-definitions --task-definitions report-one-off:1"),
            "{}",
            done.err
        );
    }
}

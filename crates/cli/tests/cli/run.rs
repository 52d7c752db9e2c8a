//! `run` when all goes well.

use serde_json::{Value, json};

use crate::server::{Request, Server, count};
use crate::session::{run, run_until};

pub(crate) const ID: &str = "0c9f3a64b1c84b0f8d1f0b7c6f0a5e21";

pub(crate) fn arn(id: &str) -> String {
    format!("arn:aws:ecs:us-east-1:000000000000:task/default/{id}")
}

/// A definition with a database and a job, both essential.
pub(crate) const FILE: &str = r#"{
    "family": "report",
    "taskRoleArn": "reader",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256", "memory": "512",
    "containerDefinitions": [
        {"name": "db", "image": "busybox", "imagee": "x"},
        {"name": "job", "image": "busybox", "logConfiguration": {"logDriver": "awslogs",
            "options": {"awslogs-group": "jobs", "awslogs-stream-prefix": "nightly"}}}
    ]
}"#;

fn registered() -> Value {
    let mut definition: Value = serde_json::from_str(FILE).unwrap();
    definition["revision"] = json!(3);
    definition["taskDefinitionArn"] =
        json!("arn:aws:ecs:us-east-1:000000000000:task-definition/report:3");
    definition
}

pub(crate) fn task(id: &str, status: &str, codes: [Option<i32>; 2]) -> Value {
    let container = |name: &str, code: Option<i32>| {
        let status = if code.is_some() { "STOPPED" } else { "RUNNING" };
        json!({"name": name, "exitCode": code, "lastStatus": status})
    };
    json!({
        "taskArn": arn(id), "lastStatus": status, "createdAt": 10, "startedAt": 11,
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/report:3",
        "stoppedAt": (status == "STOPPED").then_some(13.5),
        "stopCode": (status == "STOPPED").then_some("EssentialContainerExited"),
        "containers": [container("db", codes[0]), container("job", codes[1])]
    })
}

pub(crate) fn no_log() -> (u16, Value) {
    let text = "The specified log stream does not exist.";
    (
        400,
        json!({"__type": "ResourceNotFoundException", "message": text}),
    )
}

/// What a stream holds, page by page, as the log store pages it.
fn log(body: &Value, lines: &[(&str, i64)]) -> (u16, Value) {
    let at = match body["nextToken"].as_str() {
        Some(token) => token[2..].parse().unwrap(),
        None => 0,
    };
    let next = lines.iter().skip(at).take(1);
    let events: Vec<_> = next
        .map(|(text, time)| json!({"message": text, "timestamp": time}))
        .collect();
    let token = format!("f/{}", at + events.len());
    (200, json!({"events": events, "nextForwardToken": token}))
}

/// A run of [`FILE`]: RUNNING, then the job has ended, then STOPPED.
fn script(requests: &[Request]) -> (u16, Value) {
    let (operation, body) = requests.last().unwrap();
    match operation.as_str() {
        "DescribeTaskDefinition" => {
            let text = "Unable to describe task definition.";
            (400, json!({"__type": "ClientException", "message": text}))
        }
        "RegisterTaskDefinition" => (200, json!({"taskDefinition": registered()})),
        "RunTask" => (200, json!({"tasks": [task(ID, "PROVISIONING", [None; 2])]})),
        "DescribeTasks" => {
            let task = match count(requests, "DescribeTasks") {
                1 => {
                    return (
                        200,
                        json!({"tasks": [], "failures": [{"reason": "MISSING"}]}),
                    );
                }
                2 => task(ID, "RUNNING", [None; 2]),
                3 => task(ID, "RUNNING", [None, Some(3)]),
                _ => task(ID, "STOPPED", [Some(1), Some(3)]),
            };
            (200, json!({"tasks": [task]}))
        }
        "GetLogEvents" if body["logGroupName"] == "jobs" => {
            assert_eq!(body["logStreamName"], format!("nightly/job/{ID}"));
            log(body, &[("working", 2), ("failed\n", 4)])
        }
        "GetLogEvents" => {
            assert_eq!(body["logGroupName"], "/ecs/report");
            assert_eq!(body["logStreamName"], format!("ecs/db/{ID}"));
            // The last words come with the end.
            match count(requests, "DescribeTasks") {
                ..=2 => no_log(),
                3 => log(body, &[("up", 1)]),
                _ => log(body, &[("up", 1), ("down", 5)]),
            }
        }
        other => panic!("{other}"),
    }
}

/// The lines of one container, in their order.
pub(crate) fn of_container(out: &str, name: &str) -> Vec<String> {
    let prefix = format!("{name} | ");
    let lines = out.lines().filter_map(|line| line.strip_prefix(&prefix));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_file_is_registered_run_and_followed_to_its_exit_code() {
    let server = Server::start(script).await;
    let words = ["run", "-", "--started-by", "me", "--env", "job.MODE=fast"];
    let done = run_until(&server, &words, FILE, std::future::pending()).await;
    assert_eq!(done.code, 3, "{}", done.err);
    assert_eq!(of_container(&done.out, "db"), ["up", "down"]);
    assert_eq!(of_container(&done.out, "job"), ["working", "failed"]);
    assert_eq!(done.out.lines().count(), 4);

    let mut sent = server.bodies("RunTask").remove(0);
    assert!(sent["clientToken"].take().is_string());
    let expected = json!({
        "clientToken": null, "startedBy": "me", "launchType": "FARGATE",
        "taskDefinition": "arn:aws:ecs:us-east-1:000000000000:task-definition/report:3",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-local"]}},
        "overrides": {"containerOverrides":
            [{"name": "job", "environment": [{"name": "MODE", "value": "fast"}]}]}
    });
    assert_eq!(sent, expected);

    let expected = "\
warning: stdin: not a member of a task definition: containerDefinitions[0].imagee
task definition report:3, registered now
launch type FARGATE, from requiresCompatibilities
subnet subnet-local, because the network mode is awsvpc
note: without effect here: taskRoleArn
task 0c9f3a64: provisioning
task 0c9f3a64: running
task 0c9f3a64: stopped after running 2.5 s: EssentialContainerExited
  db: exit code 1
  job: exit code 3
";
    assert_eq!(done.err, expected);
}

#[tokio::test]
async fn a_revision_that_is_the_same_is_not_registered_again() {
    let server = Server::start(|requests| match requests.last().unwrap().0.as_str() {
        "DescribeTaskDefinition" => (200, json!({"taskDefinition": registered()})),
        _ => script(requests),
    })
    .await;
    let words = ["run", "-", "--no-wait"];
    let done = run_until(&server, &words, FILE, std::future::pending()).await;
    assert_eq!((done.code, done.out), (0, format!("{}\n", arn(ID))));
    assert!(
        done.err.contains("report:3, registered before"),
        "{}",
        done.err
    );
    assert!(server.bodies("RegisterTaskDefinition").is_empty());
}

/// Two tasks of a definition with one container; the second fails.
fn twins(requests: &[Request]) -> (u16, Value) {
    let task = |id: &str, status: &str, code: Option<i32>| {
        let mut task = task(id, status, [code, None]);
        task["containers"].as_array_mut().unwrap().pop();
        task
    };
    let both = |status: &str, codes: [Option<i32>; 2]| json!({"tasks": [task("aaaaaaaa1", status, codes[0]), task("bbbbbbbb1", status, codes[1])]});
    let (operation, body) = requests.last().unwrap();
    match operation.as_str() {
        "DescribeTaskDefinition" => {
            let containers = json!([{"name": "db", "image": "busybox"}]);
            (
                200,
                json!({"taskDefinition": {"family": "one", "containerDefinitions": containers}}),
            )
        }
        "RunTask" => (200, both("PENDING", [None; 2])),
        "DescribeTasks" => (200, both("STOPPED", [Some(0), Some(7)])),
        _ => log(body, &[("hello", 1)]),
    }
}

#[tokio::test]
async fn several_tasks_are_told_apart_and_the_first_failure_counts() {
    let server = Server::start(twins).await;
    let done = run(&server, &["run", "one", "--count", "2", "--cluster", "c"]).await;
    assert_eq!(done.code, 7);
    assert_eq!(of_container(&done.out, "aaaaaaaa"), ["hello"]);
    assert_eq!(of_container(&done.out, "bbbbbbbb"), ["hello"]);
    assert_eq!(server.bodies("DescribeTasks")[0]["cluster"], "c");
}

#[tokio::test]
async fn json_tells_each_event_in_a_line() {
    let server = Server::start(script).await;
    let done = run_until(
        &server,
        &["run", "-", "--json"],
        FILE,
        std::future::pending(),
    )
    .await;
    assert_eq!(done.code, 3, "{}", done.err);
    let lines = done
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let of = |event: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["event"] == event).collect()
    };
    assert_eq!(lines[0], json!({"event": "started", "taskArns": [arn(ID)]}));
    let log = of("log")
        .into_iter()
        .find(|log| log["container"] == "job")
        .unwrap();
    assert_eq!(
        (&log["message"], &log["timestamp"]),
        (&json!("working"), &json!(2))
    );
    assert_eq!(log["taskArn"], arn(ID));
    let codes = of("container");
    let code = codes.iter().find(|one| one["exitCode"] == 3).unwrap();
    assert_eq!(code["container"], "job");
    assert!(
        of("task")
            .iter()
            .any(|one| one["task"]["lastStatus"] == "RUNNING")
    );
    let ended = lines.last().unwrap();
    assert_eq!(
        (&ended["event"], &ended["exitCode"]),
        (&json!("ended"), &json!(3))
    );
    assert_eq!(ended["failures"], json!([]));
    assert_eq!(ended["tasks"][0]["containers"][1]["exitCode"], 3);
}

#[tokio::test]
async fn json_without_logs_and_without_waiting() {
    let server = Server::start(twins).await;
    let words = ["run", "one", "--count", "2", "--json", "--no-logs"];
    let done = run(&server, &words).await;
    assert_eq!(done.code, 7);
    assert!(server.bodies("GetLogEvents").is_empty());
    let done = run(
        &server,
        &["run", "one", "--count", "2", "--json", "--no-wait"],
    )
    .await;
    let answer: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&answer["exitCode"], done.code), (&json!(0), 0));
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 2);
}

/// As many tasks as each call asks for; the one with the last name fails.
fn many(requests: &[Request]) -> (u16, Value) {
    let (operation, body) = requests.last().unwrap();
    let call = count(requests, "RunTask");
    let tasks: Vec<Value> = match operation.as_str() {
        "RunTask" => {
            let ids = (0..body["count"].as_u64().unwrap()).map(|n| format!("{call}-{n}"));
            ids.map(|id| task(&id, "PENDING", [None; 2])).collect()
        }
        "DescribeTasks" => {
            let asked = body["tasks"].as_array().unwrap().iter();
            let ids = asked.map(|arn| arn.as_str().unwrap().rsplit('/').next().unwrap());
            let codes = |id| {
                if id == "3-4" {
                    [Some(9); 2]
                } else {
                    [Some(0); 2]
                }
            };
            ids.map(|id| task(id, "STOPPED", codes(id))).collect()
        }
        _ => return twins(requests),
    };
    (200, json!({"tasks": tasks}))
}

#[tokio::test]
async fn a_count_above_ten_is_started_in_calls_of_ten() {
    let server = Server::start(many).await;
    let words = [
        "run",
        "one",
        "--count",
        "25",
        "--client-token",
        "t",
        "--no-logs",
    ];
    let done = run(&server, &words).await;
    assert_eq!(done.code, 9, "{}", done.err);
    let calls = server.bodies("RunTask").into_iter();
    let calls: Vec<_> = calls
        .map(|body| (body["count"].clone(), body["clientToken"].clone()))
        .collect();
    let expected = [(10, "t"), (10, "t-2"), (5, "t-3")];
    assert_eq!(
        calls,
        expected.map(|(count, token)| (json!(count), json!(token)))
    );
    assert_eq!(
        server.bodies("DescribeTasks")[0]["tasks"]
            .as_array()
            .unwrap()
            .len(),
        25
    );
}

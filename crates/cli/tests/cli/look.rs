//! The commands that look and act.

use serde_json::{Value, json};

use crate::run::{FILE, ID, arn, no_log, of_container, task};
use crate::server::{Request, Server, count};
use crate::session::{run, run_until};

const OTHER: &str = "0c9fffffb1c84b0f8d1f0b7c6f0a5e21";

fn shown() -> Value {
    let mut task = task(ID, "RUNNING", [None, Some(0)]);
    task["taskDefinitionArn"] = json!("arn:aws:ecs:r:0:task-definition/report:3");
    task["startedAt"] = json!(875);
    task["desiredStatus"] = json!("RUNNING");
    task["healthStatus"] = json!("HEALTHY");
    task["startedBy"] = json!("me");
    task["containers"][0]["networkBindings"] =
        json!([{"hostPort": 32768, "containerPort": 80, "protocol": "tcp"}]);
    task
}

fn script(requests: &[Request]) -> (u16, Value) {
    let (operation, body) = requests.last().unwrap();
    match operation.as_str() {
        "ListTasks" if body["desiredStatus"] == "STOPPED" => {
            (200, json!({"taskArns": [arn(OTHER)]}))
        }
        "ListTasks" => (200, json!({"taskArns": [arn(ID)]})),
        "DescribeTasks" => (200, json!({"tasks": [shown()]})),
        "StopTask" => (200, json!({})),
        "DescribeTaskDefinition" => {
            let definition: Value = serde_json::from_str(FILE).unwrap();
            (200, json!({"taskDefinition": definition}))
        }
        "ListContainerInstances" => (200, json!({"containerInstanceArns": ["i"]})),
        "DescribeContainerInstances" => {
            let resources = |cpu: i32, memory: i32, ports: &[&str]| {
                json!([{"name": "CPU", "integerValue": cpu},
                    {"name": "MEMORY", "integerValue": memory},
                    {"name": "PORTS", "stringSetValue": ports}])
            };
            let arn = |id: &str| format!("arn:aws:ecs:r:0:container-instance/default/{id}");
            let tags = |name: &str| json!([{"key": "longshore:name", "value": name}]);
            let zone = json!([{"name": "ecs.availability-zone", "value": "us-east-1b"}]);
            let large = json!({
                "containerInstanceArn": arn("abcdef012345"),
                "status": "ACTIVE", "agentConnected": true, "runningTasksCount": 2,
                "attributes": zone, "tags": tags("node-10"), "capacityProviderName": "asg",
                "registeredResources": resources(2048, 4000, &["22"]),
                "remainingResources": resources(1024, 500, &["22", "8080"])});
            let small = json!({
                "containerInstanceArn": arn("0123456789ab"),
                "status": "DRAINING", "agentConnected": false, "pendingTasksCount": 1,
                "tags": tags("node-2"),
                "registeredResources": resources(1024, 500, &[]),
                "remainingResources": resources(0, 0, &[])});
            (200, json!({"containerInstances": [large, small]}))
        }
        "ListTaskDefinitions" => {
            let arns = ["arn:aws:ecs:r:0:task-definition/report:3"];
            (200, json!({"taskDefinitionArns": arns}))
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn ps_lists_tasks() {
    let server = Server::start(script).await;
    let done = run(&server, &["ps"]).await;
    let expected = "\
TASK      DEFINITION  STATUS   DESIRED  HEALTH   CONTAINERS   PORTS          AGE    STARTED BY
0c9f3a64  report:3    RUNNING  RUNNING  HEALTHY  db, job (0)  32768->80/tcp  2m 5s  me
";
    assert_eq!((done.code, done.out.as_str()), (0, expected));
    assert_eq!(server.bodies("ListTasks").len(), 1);

    let done = run(&server, &["ps", "--all", "--json"]).await;
    let answer: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(answer["tasks"][0]["taskArn"], arn(ID));
    let asked = server.bodies("DescribeTasks").pop().unwrap();
    assert_eq!(asked["tasks"], json!([arn(ID), arn(OTHER)]));
}

#[tokio::test]
async fn instances_and_definitions_are_listed() {
    let server = Server::start(script).await;
    let done = run(&server, &["instances"]).await;
    let expected = "\
INSTANCE  NAME     ZONE        PROVIDER  STATUS    AGENT          RUNNING  PENDING  CPU FREE      MEMORY FREE      PORTS TAKEN
01234567  node-2   -           -         DRAINING  not connected  0        1        0 of 1024     0 of 500 MiB     -
abcdef01  node-10  us-east-1b  asg       ACTIVE    connected      2        0        1024 of 2048  500 of 4000 MiB  8080/tcp
";
    assert_eq!((done.code, done.out.as_str()), (0, expected));
    let done = run(&server, &["task-definitions", "report"]).await;
    assert_eq!(done.out, "DEFINITION  STATUS\nreport:3    ACTIVE\n");
    let asked = json!({"familyPrefix": "report", "status": "ACTIVE", "sort": "DESC"});
    assert_eq!(server.bodies("ListTaskDefinitions"), [asked]);
}

#[tokio::test]
async fn a_task_is_named_by_the_beginning_of_its_id() {
    let server = Server::start(script).await;
    let done = run(&server, &["stop", "0c9f3", "--reason", "enough"]).await;
    assert_eq!((done.code, done.out), (0, format!("{}\n", arn(ID))));
    let expected = json!({"task": arn(ID), "reason": "enough"});
    assert_eq!(server.bodies("StopTask"), [expected]);

    for (name, problem) in [("0c9f", "several tasks"), ("77", "no task `77`")] {
        let done = run(&server, &["stop", name]).await;
        assert_eq!(done.code, 1);
        assert!(done.err.contains(problem), "{}", done.err);
    }
    // An ARN needs no list, and tells the cluster.
    let listed = server.bodies("ListTasks").len();
    run(&server, &["stop", &arn(ID)]).await;
    assert_eq!(server.bodies("ListTasks").len(), listed);
    assert_eq!(server.bodies("StopTask")[1]["cluster"], "default");
}

/// Two lines, the second after a look at the task; STOPPED from the third look on.
fn writing(requests: &[Request]) -> (u16, Value) {
    let (operation, body) = requests.last().unwrap();
    let looks = count(requests, "DescribeTasks");
    match operation.as_str() {
        "DescribeTasks" => {
            let status = if looks < 3 { "RUNNING" } else { "STOPPED" };
            (200, json!({"tasks": [task(ID, status, [None; 2])]}))
        }
        "GetLogEvents" if body["logGroupName"] == "jobs" => {
            let token = body["nextToken"].as_str().unwrap_or("0");
            let event = |text: &str| json!([{"message": text, "timestamp": 1}]);
            let (events, next) = match token {
                "0" => (event("first"), "1"),
                "1" if looks > 2 => (event("last"), "2"),
                token => (json!([]), token),
            };
            (200, json!({"events": events, "nextForwardToken": next}))
        }
        "GetLogEvents" => no_log(),
        _ => script(requests),
    }
}

#[tokio::test]
async fn logs_shows_what_is_there_and_follows_on_request() {
    let server = Server::start(writing).await;
    let done = run(
        &server,
        &["logs", ID, "--container", "job", "--since", "100s"],
    )
    .await;
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "first\n"),
        "{}",
        done.err
    );
    assert_eq!(server.bodies("GetLogEvents")[0]["startTime"], 900_000);

    let server = Server::start(writing).await;
    let done = run(&server, &["logs", "-f", ID]).await;
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(of_container(&done.out, "job"), ["first", "last"]);

    let done = run(&server, &["logs", ID, "--container", "web"]).await;
    assert_eq!(
        done.err,
        "error: no container `web` in the task, only db, job\n"
    );
}

#[tokio::test]
async fn following_logs_can_be_interrupted() {
    let server = Server::start(|requests| match requests.last().unwrap().0.as_str() {
        "GetLogEvents" => no_log(),
        _ => script(requests),
    })
    .await;
    let interrupt = server.asked("GetLogEvents", 5);
    let done = run_until(&server, &["logs", "-f", ID], "", interrupt).await;
    assert_eq!(done.code, 130);
}

//! `why` and `run --dry-run`.

use serde_json::{Value, json};

use crate::run::{FILE, ID, arn, task};
use crate::server::{Request, Server};
use crate::session::{run, run_until};

const EXPLAIN: &str = "/_longshore/v1/explain";
const WHY: &str = "/_longshore/v1/why";

fn host(name: &str, ranking: [u64; 2]) -> Value {
    let arn = format!("arn:aws:ecs:r:0:container-instance/default/{name}");
    json!({"containerInstanceArn": arn, "name": name, "ranking": ranking})
}

fn verdict(host: Value, zone: &str, reason: Option<(&str, &str)>) -> Value {
    let mut verdict = host;
    verdict["zone"] = json!(zone);
    if let Some((reason, detail)) = reason {
        verdict["reason"] = json!(reason);
        verdict["detail"] = json!(detail);
        verdict["ranking"] = json!([]);
    }
    verdict
}

/// Two of five hosts take it; of the refusals one is listed.
fn decision(chosen: Option<Value>) -> Value {
    let small = ("RESOURCE:MEMORY", "asked 512 MiB, free 100 MiB");
    json!({
        "pool": "EC2", "seed": 7, "examined": 5,
        "chosen": chosen, "runnerUp": chosen.as_ref().map(|_| host("b1", [1, 900])),
        "refused": [{"reason": "AGENT", "hosts": 2}, {"reason": "RESOURCE:MEMORY", "hosts": 1}],
        "hosts": [
            verdict(host("c1", [0, 0]), "c", Some(small)),
            verdict(host("b1", [1, 900]), "b", None),
            verdict(host("a1", [0, 700]), "a", None),
        ]
    })
}

fn explanation(tasks: &[Value]) -> Value {
    json!({
        "asked": {"cpu": 256, "memory": 512, "ports": ["80/tcp"]},
        "constraints": ["memberOf attribute:x exists"],
        "strategies": ["spread zone", "binpack memory"],
        "tasks": tasks
    })
}

fn script(requests: &[Request]) -> (u16, Value) {
    let (operation, _) = requests.last().unwrap();
    match operation.as_str() {
        "DescribeTasks" => (
            200,
            json!({"tasks": [task(ID, "STOPPED", [None, Some(3)])]}),
        ),
        WHY => {
            let placement = explanation(&[decision(Some(host("a1", [0, 700])))]);
            (200, json!({"taskArn": arn(ID), "placement": placement}))
        }
        EXPLAIN => {
            let placed = decision(Some(host("a1", [0, 700])));
            (200, explanation(&[placed, decision(None)]))
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn why_tells_the_place_and_the_end() {
    let server = Server::start(script).await;
    let done = run(&server, &["why", ID]).await;
    let expected = "\
asked: 256 CPU units, 512 MiB, host ports 80/tcp
constraints: memberOf attribute:x exists
strategies: spread zone, binpack memory
on a1: 2 of 5 hosts of EC2 take it (seed 7)
HOST  ZONE  VERDICT          SPREAD ZONE  BINPACK MEMORY  WHY
a1    a     chosen           0            700
b1    b     runner-up        1            900
c1    c     RESOURCE:MEMORY  -            -               asked 512 MiB, free 100 MiB
2 more: AGENT
task 0c9f3a64: stopped after running 2.5 s: EssentialContainerExited
  db: running
  job: exit code 3
";
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, expected),
        "{}",
        done.err
    );
    assert_eq!(server.bodies(WHY), [json!({"task": arn(ID)})]);
    let done = run(&server, &["why", ID, "--json"]).await;
    let answer: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(answer["placement"]["tasks"][0]["examined"], 5);
}

#[tokio::test]
async fn why_names_the_remedy() {
    let waiting = |requests: &[Request]| {
        let (operation, _) = requests.last().unwrap();
        if operation == WHY {
            let placement = explanation(&[decision(None)]);
            return (200, json!({"taskArn": arn(ID), "placement": placement}));
        }
        let mut task = task(ID, "STOPPED", [None, None]);
        task["stoppedReason"] = json!("Task stopped by user");
        task["containers"][1]["reason"] = json!("CannotPullContainerError: no such image");
        (200, json!({"tasks": [task]}))
    };
    let server = Server::start(waiting).await;
    let done = run(&server, &["why", ID]).await;
    let hints: Vec<_> = done
        .out
        .lines()
        .filter(|line| line.starts_with("hint: "))
        .collect();
    let expected = [
        "hint: check the image's name, tag and credentials; `longshore image load` takes an \
         archive where there is no registry",
        "hint: wait until the instance's agent is connected (`longshore instances`)",
        "hint: ask for less memory in the definition or with --overrides, or stop other tasks \
         (`longshore ps` lists them)",
    ];
    assert_eq!(hints, expected, "{}", done.err);
}

#[tokio::test]
async fn a_dry_run_sends_the_file_and_starts_nothing() {
    let server = Server::start(script).await;
    let words = ["run", "-", "--dry-run", "--count", "2"];
    let done = run_until(&server, &words, FILE, std::future::pending()).await;
    assert_eq!(done.code, 125, "one task has no place");
    let headings = "task 2 of 2: nowhere: 0 of 5 hosts of EC2 take it";
    assert!(done.out.contains(headings), "{}", done.out);
    let asked = server.bodies(EXPLAIN).remove(0);
    assert_eq!(asked["count"], 2);
    assert_eq!(
        asked["launchType"], "FARGATE",
        "filled in as for a real run"
    );
    assert_eq!(asked["taskDefinition"], "report");
    assert_eq!(asked["definition"]["containerDefinitions"][0]["name"], "db");
}

#[tokio::test]
async fn on_amazon_ecs_why_tells_the_end_and_a_dry_run_is_refused() {
    let server = Server::start(|requests| {
        let (operation, _) = requests.last().unwrap();
        assert!(!operation.starts_with('/'), "{operation} is ours alone");
        script(requests)
    })
    .await;
    let done = run(&server, &["why", ID, "--aws"]).await;
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(
        done.out.starts_with("task 0c9f3a64: stopped after"),
        "{}",
        done.out
    );
    let placement = "Amazon ECS does not tell why a task was placed where it is";
    assert!(done.err.contains(placement), "{}", done.err);
    let words = ["run", "-", "--dry-run", "--aws"];
    let done = run_until(&server, &words, FILE, std::future::pending()).await;
    assert_eq!(done.code, 125);
    assert!(
        done.err.contains("error: Amazon ECS cannot do this: "),
        "{}",
        done.err
    );
}

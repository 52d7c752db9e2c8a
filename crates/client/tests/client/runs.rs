//! Runs: from the request to the exit code, with events and logs. The clock is paused.

use std::time::Duration;

use longshore_client::{
    Backoff, Ending, ExitPolicy, Jitter, Run, RunError, RunEvent, RunOptions, WaitPolicy,
};
use model::shapes::RunTaskInput;
use serde_json::{Value, json};

use crate::acted::{Acted, Call, arn, described, error};

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const EACH_SECOND: WaitPolicy = WaitPolicy {
    backoff: Backoff {
        first: seconds(1),
        max: seconds(1),
        jitter: Jitter::None,
    },
    ..WaitPolicy::run_to_completion()
};

pub(crate) fn input(count: i32) -> RunTaskInput {
    RunTaskInput {
        task_definition: Some("report".into()),
        count: Some(count),
        ..Default::default()
    }
}

/// The task of the tests at a moment: it runs from 5 s on and ends at `end` with 3.
pub(crate) fn task(at: u64, end: u64) -> Value {
    let (status, container) = match at {
        _ if at >= end => (
            "STOPPED",
            json!({"name": "app", "lastStatus": "STOPPED", "exitCode": 3}),
        ),
        5.. => ("RUNNING", json!({"name": "app", "lastStatus": "RUNNING"})),
        _ => ("PENDING", json!({"name": "app", "lastStatus": "PENDING"})),
    };
    let mut task = json!({"taskArn": arn("t"), "taskDefinitionArn": "report:1",
        "lastStatus": status, "containers": [container]});
    if at >= end {
        task["stopCode"] = "EssentialContainerExited".into();
        task["stoppedReason"] = "Essential container in task exited".into();
        task["startedAt"] = 5.into();
        task["executionStoppedAt"] = end.into();
    }
    task
}

fn definition(region: &str) -> Value {
    json!({"taskDefinition": {"family": "report", "containerDefinitions": [
        {"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": {
            "awslogs-group": "jobs", "awslogs-region": region, "awslogs-stream-prefix": "run"}}}]}})
}

/// Lines of the only stream from an index on, as far as they have arrived: the stream
/// exists from 6 s on, the last line arrives 2 s after the end.
fn log_page(call: &Call, end: u64) -> (u16, Value) {
    let at = call.at.as_secs();
    if at < 6 {
        return error("ResourceNotFoundException");
    }
    let arrived = if at >= end + 2 { 3 } else { 2 };
    let from = call.body["nextToken"]
        .as_str()
        .map_or(0, |token| token.parse().unwrap());
    let lines = (from..arrived).map(|n| json!({"timestamp": n, "message": format!("line {n}")}));
    let events: Vec<Value> = lines.collect();
    (
        200,
        json!({"events": events, "nextForwardToken": arrived.to_string()}),
    )
}

/// A service on which the task ends at a moment, or 2 s after it is stopped.
pub(crate) fn world(end: u64) -> Acted {
    Acted::new(move |call, before| {
        let stopped = before.iter().find(|call| call.operation == "StopTask");
        let end = stopped.map_or(end, |stop| end.min(stop.at.as_secs() + 2));
        match call.operation.as_str() {
            "RunTask" => (200, json!({"tasks": [task(0, end)], "failures": []})),
            "DescribeTasks" => (200, json!({"tasks": [task(call.at.as_secs(), end)]})),
            "DescribeTaskDefinition" => (200, definition("us-east-1")),
            "GetLogEvents" => log_page(call, end),
            "StopTask" => (200, json!({})),
            other => panic!("{other}"),
        }
    })
}

/// An event in a word or two.
pub(crate) fn word(event: RunEvent) -> String {
    match event {
        RunEvent::Started { tasks } => format!("started {}", tasks.len()),
        RunEvent::NotPlaced { missing, failures } => format!("missing {missing}: {}", failures[0]),
        RunEvent::Task { index, task } => format!("task {index} {}", task.last_status.unwrap()),
        RunEvent::Container {
            name,
            status,
            exit_code,
            ..
        } => format!("{name} {status} {exit_code:?}"),
        RunEvent::AttachmentFailed { attachment, .. } => {
            format!("attachment {}", attachment.r#type.unwrap())
        }
        RunEvent::StopReason { reason, .. } => format!("because {reason}"),
        RunEvent::Lines { lines } => {
            let messages: Vec<_> = lines.into_iter().map(|line| line.message).collect();
            messages.join(", ")
        }
        RunEvent::PollFailed { .. } => "poll failed".to_owned(),
        RunEvent::Problem { text } => format!("problem {text}"),
        RunEvent::Stopping { reason } => format!("stopping: {reason}"),
        other => format!("{other:?}"),
    }
}

pub(crate) async fn words(run: &mut Run) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(event) = run.next().await {
        words.push(word(event));
    }
    words
}

#[tokio::test(start_paused = true)]
async fn a_run_tells_states_output_and_the_exit_code() {
    let world = world(60);
    let client = world.client();
    let mut run =
        client.run_to_completion(input(1), RunOptions::new().logs(true).polls(EACH_SECOND));
    let expected = [
        "started 1",
        "task 0 RUNNING",
        "app RUNNING None",
        "line 0, line 1",
        "task 0 STOPPED",
        "app STOPPED Some(3)",
        "because Essential container in task exited",
        "line 2",
    ];
    assert_eq!(words(&mut run).await, expected);
    let completion = run.completion().await.unwrap();
    assert_eq!(
        (&completion.ending, completion.exit_code()),
        (&Ending::Finished, 3)
    );
    let task = &completion.tasks[0];
    assert_eq!(task.duration(), Some(seconds(55)));
    assert_eq!(task.containers[0].exit_code, Some(3));
    assert_eq!(
        world.bodies("GetLogEvents")[0],
        json!({"logGroupName": "jobs",
        "logStreamName": "run/app/t", "startFromHead": true})
    );
    let last = *world.times("GetLogEvents").last().unwrap();
    let seen = *world.times("DescribeTasks").last().unwrap();
    assert!(last >= 62.0 && last <= seen + 30.0, "{last} {seen}");
    assert!(world.bodies("StopTask").is_empty());
}

#[tokio::test(start_paused = true)]
async fn logs_that_never_end_are_read_for_half_a_minute_at_most() {
    // One line a second.
    let world = Acted::new(|call, _| match call.operation.as_str() {
        "DescribeTasks" => described(call, |_| Some("STOPPED")),
        "DescribeTaskDefinition" => (200, definition("us-east-1")),
        _ => {
            let now = call.at.as_secs().to_string();
            let is_read = call.body["nextToken"] == *now;
            let events = if is_read {
                json!([])
            } else {
                json!([{"message": "x"}])
            };
            (200, json!({"events": events, "nextForwardToken": now}))
        }
    });
    let client = world.client();
    let tasks = vec![serde_json::from_value(task(0, 9)).unwrap()];
    let run = client.follow(None, tasks, 0, RunOptions::new().logs(true));
    let _ = run.completion().await.unwrap();
    let last = *world.times("GetLogEvents").last().unwrap();
    assert!((20.0..=30.0).contains(&last), "{last}");
}

#[tokio::test(start_paused = true)]
async fn logs_are_read_in_the_region_where_they_are() {
    let world = Acted::new(|call, _| match call.operation.as_str() {
        "DescribeTasks" => described(call, |_| Some("STOPPED")),
        "DescribeTaskDefinition" => (200, definition("eu-west-1")),
        _ => (200, json!({"events": [], "nextForwardToken": "0"})),
    });
    let client = world.client();
    let tasks = vec![serde_json::from_value(task(0, 9)).unwrap()];
    let run = client.follow(None, tasks, 0, RunOptions::new().logs(true));
    let _ = run.completion().await.unwrap();
    let calls = world.calls();
    let reading = calls
        .iter()
        .find(|call| call.operation == "GetLogEvents")
        .unwrap();
    assert!(
        reading.host.starts_with("logs.eu-west-1.amazonaws.com"),
        "{reading:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_partly_placed_run_goes_on_and_does_not_succeed() {
    let world = Acted::new(|call, _| match call.operation.as_str() {
        "RunTask" => (
            200,
            json!({"tasks": [{"taskArn": arn("t")}],
            "failures": [{"reason": "RESOURCE:CPU"}]}),
        ),
        _ => (
            200,
            json!({"tasks": [{"taskArn": arn("t"), "lastStatus": "STOPPED",
            "containers": [{"name": "app", "exitCode": 0}]}]}),
        ),
    });
    let client = world.client();
    let mut run = client.run_to_completion(input(2), RunOptions::new());
    let words = words(&mut run).await;
    assert_eq!(words[..2], ["missing 1: RESOURCE:CPU", "started 1"]);
    let completion = run.completion().await.unwrap();
    assert_eq!((completion.missing, completion.exit_code()), (1, 125));
    assert_eq!(completion.tasks[0].exit_code, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_which_nothing_was_placed_or_called_is_an_error() {
    let none = Acted::new(|_, _| (200, json!({"tasks": [], "failures": [{"reason": "AGENT"}]})));
    let run = none.client().run_to_completion(input(1), RunOptions::new());
    let error = run.completion().await.unwrap_err();
    assert!(matches!(error, RunError::NotPlaced(_)));
    assert_eq!(error.to_string(), "1 of 1 not placed: 1× AGENT");
    let refused = Acted::new(|_, _| crate::acted::error("ClusterNotFoundException"));
    let run = refused
        .client()
        .run_to_completion(input(1), RunOptions::new());
    let error = run.completion().await.unwrap_err();
    assert!(
        error.to_string().contains("ClusterNotFoundException"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn missing_tasks_and_failed_polls_do_not_end_a_run_but_a_lost_task_does() {
    let world = Acted::new(
        |call, _| match (call.operation.as_str(), call.at.as_secs()) {
            ("DescribeTasks", 0..20) => described(call, |_| None),
            ("DescribeTasks", 20..60) => (500, json!({"__type": "ServerException"})),
            ("DescribeTasks", at) => described(call, |_| (at < 90).then_some("RUNNING")),
            _ => error("AccessDeniedException"),
        },
    );
    let client = world.client();
    let tasks = vec![serde_json::from_value(task(0, 9)).unwrap()];
    let mut run = client.follow(None, tasks, 0, RunOptions::new());
    let words = words(&mut run).await;
    assert!(
        words[0].starts_with("problem ECS DescribeTaskDefinition"),
        "{words:?}"
    );
    assert!(words.contains(&"poll failed".to_owned()), "{words:?}");
    let completion = run.completion().await.unwrap();
    let lost = format!(
        "tasks cannot be followed any more: not known to the service: {}",
        arn("t")
    );
    assert_eq!(
        (completion.problem(), completion.exit_code()),
        (Some(&*lost), 125)
    );
}

#[tokio::test(start_paused = true)]
async fn all_tasks_of_a_large_run_are_followed() {
    let world = Acted::new(|call, _| match call.at.as_secs() {
        0 => described(call, |_| Some("PENDING")),
        _ => described(call, |_| Some("STOPPED")),
    });
    let tasks = (0..150).map(|n| json!({"taskArn": arn(&n.to_string())}));
    let tasks = tasks
        .map(|task| serde_json::from_value(task).unwrap())
        .collect();
    let completion = world
        .client()
        .follow(None, tasks, 0, RunOptions::new())
        .completion()
        .await;
    assert_eq!(completion.unwrap().tasks.len(), 150);
    let asked = world.bodies("DescribeTasks").into_iter();
    let asked: Vec<_> = asked
        .map(|body| body["tasks"].as_array().unwrap().len())
        .collect();
    assert_eq!(asked, [100, 50, 100, 50]);
}

#[tokio::test(start_paused = true)]
async fn attachments_that_failed_are_told_and_the_policy_chooses_the_container() {
    let stopped = json!({"taskArn": arn("t"), "lastStatus": "STOPPED",
        "attachments": [{"type": "ElasticNetworkInterface", "status": "FAILED"}],
        "containers": [{"name": "app", "exitCode": 3}, {"name": "side", "exitCode": 7}]});
    let world = Acted::new(move |_, _| (200, json!({"tasks": [stopped]})));
    for (policy, code) in [
        (ExitPolicy::Container("app".to_owned()), 3),
        (ExitPolicy::WorstEssential, 7),
    ] {
        let tasks = vec![serde_json::from_value(json!({"taskArn": arn("t")})).unwrap()];
        let options = RunOptions::new()
            .exit_policy(policy)
            .polls(WaitPolicy::local());
        let mut run = world.client().follow(None, tasks, 0, options);
        let words = words(&mut run).await;
        assert!(
            words.contains(&"attachment ElasticNetworkInterface".to_owned()),
            "{words:?}"
        );
        assert_eq!(run.completion().await.unwrap().exit_code(), code);
    }
}

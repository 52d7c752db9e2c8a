//! Runs that are cut short: by the time limit, by their caller, by dropping them. The
//! clock is paused.

use longshore_client::{CancelToken, Ending, RunOptions};
use serde_json::json;

use crate::acted::{Acted, arn, error};
use crate::runs::{input, seconds, task, word, words, world};

#[tokio::test(start_paused = true)]
async fn the_time_limit_stops_the_tasks() {
    let world = world(1_000);
    let client = world.client();
    let options = RunOptions::new().timeout(seconds(90));
    let mut run = client.run_to_completion(input(1), options);
    let words = words(&mut run).await;
    assert!(
        words.contains(&"stopping: Timed out after 90 s".to_owned()),
        "{words:?}"
    );
    let completion = run.completion().await.unwrap();
    assert_eq!(completion.ending, Ending::TimedOut { problem: None });
    assert_eq!(
        (completion.exit_code(), completion.tasks[0].exit_code),
        (124, 3)
    );
    let expected = json!({"task": arn("t"), "reason": "Timed out after 90 s"});
    assert_eq!(world.bodies("StopTask"), [expected]);
}

/// Cancels a run as soon as its container runs; gives what was told after that.
async fn canceled(world: &Acted, options: RunOptions) -> (Vec<String>, Ending) {
    let cancel = CancelToken::new();
    let client = world.client();
    let mut run = client.run_to_completion(input(1), options.cancel(cancel.clone()));
    while let Some(event) = run.next().await {
        if word(event) == "app RUNNING None" {
            cancel.cancel();
            break;
        }
    }
    let told = words(&mut run).await;
    let completion = run.completion().await.unwrap();
    assert_eq!(completion.exit_code(), 130);
    (told, completion.ending)
}

#[tokio::test(start_paused = true)]
async fn a_canceled_run_stops_its_tasks_and_follows_them_to_the_end() {
    let world = world(1_000);
    let (told, ending) = canceled(&world, RunOptions::new().stop_reason("Ctrl-C")).await;
    assert_eq!(told[..2], ["stopping: Ctrl-C", "task 0 STOPPED"]);
    assert_eq!(ending, Ending::Canceled { problem: None });
    let expected = json!({"task": arn("t"), "reason": "Ctrl-C"});
    assert_eq!(world.bodies("StopTask"), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_canceled_run_leaves_its_tasks_on_request() {
    let world = world(1_000);
    let (told, ending) = canceled(&world, RunOptions::new().stop_on_cancel(false)).await;
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(ending, Ending::Canceled { problem: None });
    assert!(world.bodies("StopTask").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_canceled_run_says_that_a_task_could_not_be_stopped() {
    let refusing = Acted::new(|call, _| match call.operation.as_str() {
        "StopTask" => error("AccessDeniedException"),
        "RunTask" => (200, json!({"tasks": [task(0, 1_000)]})),
        _ => (200, json!({"tasks": [task(call.at.as_secs(), 1_000)]})),
    });
    let (told, ending) = canceled(&refusing, RunOptions::new()).await;
    assert_eq!(told, ["stopping: Canceled by the caller"]);
    let Ending::Canceled {
        problem: Some(problem),
    } = ending
    else {
        panic!("{ending:?}")
    };
    assert_eq!(problem, "tasks had not stopped after 60 s");
}

/// Drops a run after its first event, and lets the runtime do what that leaves.
async fn dropped(world: &Acted, options: RunOptions) -> usize {
    let client = world.client();
    let mut run = client.run_to_completion(input(1), options);
    assert_eq!(word(run.next().await.unwrap()), "started 1");
    drop(run);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    world.bodies("StopTask").len()
}

#[tokio::test(start_paused = true)]
async fn a_dropped_run_stops_its_tasks() {
    assert_eq!(dropped(&world(1_000), RunOptions::new()).await, 1);
    let leaving = RunOptions::new().stop_on_cancel(false);
    assert_eq!(dropped(&world(1_000), leaving).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_stops_nothing_when_dropped() {
    let world = world(9);
    let client = world.client();
    let mut run = client.run_to_completion(input(1), RunOptions::new());
    words(&mut run).await;
    drop(run);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(world.bodies("StopTask").is_empty());
}

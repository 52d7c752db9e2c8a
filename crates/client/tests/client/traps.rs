//! Item 12 of the test list: the six traps of the waiters, and their schedules. The clock
//! is paused.

use std::time::Duration;

use longshore_client::{Backoff, Jitter, Verdict, WaitError, WaitFailed, WaitPolicy, judges};
use model::operations::DescribeServices;
use model::shapes::DescribeServicesInput;
use serde_json::json;

use crate::acted::{Acted, arn, described, error};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// One task whose status depends on the seconds since the start.
fn world(status: impl Fn(u64) -> Option<&'static str> + Send + Sync + 'static) -> Acted {
    Acted::new(move |call, _| described(call, |_| status(call.at.as_secs())))
}

#[tokio::test(start_paused = true)]
async fn trap_1_a_task_is_missing_right_after_run_task() {
    let world = world(|at| (at >= 30).then_some("RUNNING"));
    let running = world.client().wait_for(None, ["a"]).tasks_running().await;
    assert_eq!(running.unwrap().len(), 1);
    let never = self::world(|_| None);
    let error = never.client().wait_for(None, ["a"]).tasks_running().await;
    let error = error.unwrap_err();
    assert!(matches!(error, WaitError::Missing { .. }), "{error}");
    assert_eq!(error.last().missing, ["a"]);
    let gave_up = *never.times("DescribeTasks").last().unwrap();
    assert!((60.0..76.0).contains(&gave_up), "{gave_up}");
}

#[tokio::test(start_paused = true)]
async fn trap_2_a_short_job_stops_before_the_first_poll() {
    let world = world(|_| Some("STOPPED"));
    let client = world.client();
    let tasks = client.wait_for(None, ["a"]).tasks_running().await.unwrap();
    assert_eq!(tasks[0].last_status.as_deref(), Some("STOPPED"));
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn trap_3_the_end_of_a_long_job_is_noticed_soon() {
    for end in [900, 2_000, 7_200] {
        let world = world(move |at| Some(if at < end { "RUNNING" } else { "STOPPED" }));
        let client = world.client();
        client.wait_for(None, ["a"]).tasks_stopped().await.unwrap();
        let noticed = *world.times("DescribeTasks").last().unwrap();
        assert!(
            (end as f64..end as f64 + 15.1).contains(&noticed),
            "{noticed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn trap_4_more_than_a_hundred_tasks_are_split_and_merged() {
    let world = world(|_| Some("STOPPED"));
    let client = world.client();
    let names = (0..250).map(|n| arn(&n.to_string()));
    let tasks = client.wait_for(None, names).tasks_stopped().await.unwrap();
    assert_eq!(tasks.len(), 250);
    let asked: Vec<_> = world
        .bodies("DescribeTasks")
        .iter()
        .map(|body| body["tasks"].as_array().unwrap().len())
        .collect();
    assert_eq!(asked, [100, 100, 50]);
}

#[tokio::test(start_paused = true)]
async fn trap_5_found_and_missing_tasks_come_in_one_answer() {
    let world = Acted::new(|call, _| {
        let late = call.at.as_secs() >= 10;
        described(call, |id| (id == "a" || late).then_some("RUNNING"))
    });
    let client = world.client();
    let mut polls = Vec::new();
    let wait = client.wait_for(None, ["a", "b"]);
    let wait = wait.watch(|poll| polls.push((poll.tasks.len(), poll.missing.to_vec())));
    assert_eq!(wait.tasks_running().await.unwrap().len(), 2);
    assert_eq!(polls[0], (1, vec!["b".to_owned()]));
    assert_eq!(polls.last(), Some(&(2, Vec::new())));
}

#[tokio::test(start_paused = true)]
async fn trap_6_a_task_that_was_seen_and_is_missing_is_gone() {
    let world = world(|at| (at < 5).then_some("RUNNING"));
    let error = world.client().wait_for(None, ["a"]).tasks_stopped().await;
    let error = error.unwrap_err();
    assert!(matches!(error, WaitError::Missing { .. }), "{error}");
    let last = error.last();
    assert_eq!(last.tasks[0].last_status.as_deref(), Some("RUNNING"));
    let gave_up = *world.times("DescribeTasks").last().unwrap();
    assert!(gave_up < 15.0, "not only after the grace: {gave_up}");
}

#[tokio::test(start_paused = true)]
async fn the_documented_schedule_goes_from_2_seconds_to_5_minutes() {
    let world = world(|at| Some(if at < 1_200 { "RUNNING" } else { "STOPPED" }));
    let client = world.client();
    let wait = client
        .wait_for(None, ["a"])
        .policy(WaitPolicy::documented());
    wait.tasks_stopped().await.unwrap();
    let times: Vec<_> = world
        .times("DescribeTasks")
        .iter()
        .map(|at| at.round())
        .collect();
    let expected = [
        0., 2., 6., 14., 30., 62., 126., 254., 510., 810., 1110., 1410.,
    ];
    assert_eq!(times, expected);
}

#[tokio::test(start_paused = true)]
async fn the_schedule_of_the_sdks_has_jitter_and_a_shortened_last_wait() {
    let limit = seconds(300);
    let world = world(|_| Some("PENDING"));
    let client = world.client();
    let wait = client
        .wait_for(None, ["a"])
        .policy(WaitPolicy::sdk().with_max_wait(limit));
    let error = wait.tasks_running().await.unwrap_err();
    let times = world.times("DescribeTasks");
    for (n, pair) in times.windows(2).enumerate() {
        let (wait, longest) = (pair[1] - pair[0], 6.0 * f64::from(1 << n.min(7)));
        assert!(wait <= longest + 0.01, "{wait} after poll {n}");
        let is_last = n + 2 == times.len();
        assert!(wait >= 5.99 || is_last, "{wait} after poll {n}");
    }
    // The last poll fits before the limit with the shortest wait to spare.
    assert!((*times.last().unwrap() - 294.0).abs() < 0.01, "{times:?}");
    assert_eq!(error.last().number as usize, times.len());
    assert_eq!(error.to_string(), "not there after 300 s");
}

#[tokio::test(start_paused = true)]
async fn pauses_between_dependent_commands_grow_as_documented() {
    let world = world(|_| None);
    let client = world.client();
    let mut pauses = client.pauses(Backoff::documented());
    let start = tokio::time::Instant::now();
    let mut ends = Vec::new();
    for _ in 0..9 {
        pauses.pause().await;
        ends.push(start.elapsed().as_secs());
    }
    assert_eq!(ends, [2, 6, 14, 30, 62, 126, 254, 510, 810]);
    pauses.reset();
    pauses.pause().await;
    assert_eq!(start.elapsed().as_secs(), 812);
}

const QUICK: WaitPolicy = WaitPolicy {
    backoff: Backoff {
        first: seconds(1),
        max: seconds(1),
        jitter: Jitter::None,
    },
    missing_grace: seconds(60),
    max_wait: Some(seconds(10)),
};

#[tokio::test(start_paused = true)]
async fn any_answer_can_be_waited_for() {
    let service = |status: &str| {
        json!({"services": [{"serviceArn": "s", "status": status, "deployments": [{}],
            "runningCount": 1, "desiredCount": 1}]})
    };
    let world = Acted::new(move |call, _| match call.at.as_secs() {
        0 => (200, json!({"services": [{"deployments": [{}, {}]}]})),
        1 => (500, json!({"__type": "ServerException"})),
        _ => (200, service("ACTIVE")),
    });
    let input = DescribeServicesInput {
        services: Some(vec!["web".into()]),
        ..Default::default()
    };
    let client = world.client();
    let judge = judges::services_stable;
    let stable = client
        .wait_until::<DescribeServices>(&input, QUICK, judge)
        .await
        .unwrap();
    assert_eq!(stable.services.unwrap()[0].running_count, Some(1));

    let draining = Acted::new(move |_, _| (200, service("DRAINING")));
    let wait = draining.client();
    let failed = wait
        .wait_until::<DescribeServices>(&input, QUICK, judge)
        .await
        .unwrap_err();
    assert_eq!(failed.to_string(), "s is DRAINING");
    assert!(matches!(failed, WaitFailed::Verdict { .. }));

    let never = |_: &_| Verdict::GoOn;
    let failed = wait
        .wait_until::<DescribeServices>(&input, QUICK, never)
        .await
        .unwrap_err();
    assert!(
        matches!(failed, WaitFailed::TimedOut { last: Some(_), .. }),
        "{failed}"
    );
    let refused = Acted::new(|_, _| error("ClusterNotFoundException")).client();
    let failed = refused
        .wait_until::<DescribeServices>(&input, QUICK, judge)
        .await
        .unwrap_err();
    assert!(
        matches!(failed, WaitFailed::Call { last: None, .. }),
        "{failed}"
    );
}

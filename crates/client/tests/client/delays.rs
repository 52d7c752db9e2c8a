//! Items 3 and 4 of the test list: how long is waited before an attempt, and what
//! attempts cost. The clock is paused.

use std::time::Duration;

use longshore_client::{CallOptions, Client, Retry, RetryRules};
use model::operations::RunTask;

use crate::calls::run_task;
use crate::scripted::{Answer, Scripted};

/// The waits before the retries of some failing calls: `waits[n]` before retry `n + 1`.
async fn waits(calls: usize, answer: Answer, retry: Retry) -> Vec<Vec<f64>> {
    let mut waits = vec![Vec::new(); retry.max_attempts as usize - 1];
    for _ in 0..calls {
        let service = Scripted::new(vec![answer.clone()]);
        let config = service.config().retry(retry).timeouts(unlimited());
        let client = Client::new(config.build().unwrap());
        let error = client.run_task(run_task()).await.unwrap_err();
        assert_eq!(error.attempts(), retry.max_attempts, "{error}");
        let seen = service.take();
        for (number, pair) in seen.windows(2).enumerate() {
            let wait = pair[1].at.saturating_sub(pair[0].at).as_secs_f64();
            let told = error.metadata().attempt_list()[number + 1].waited;
            // The timer of a paused runtime goes in steps of a millisecond.
            assert!((wait - told.as_secs_f64()).abs() < 0.002, "{wait} {told:?}");
            waits[number].push(wait);
        }
    }
    waits
}

fn unlimited() -> longshore_client::Timeouts {
    longshore_client::Timeouts {
        operation: None,
        attempt: None,
        ..longshore_client::Timeouts::default()
    }
}

/// All waits lie between 0 and the bound, and 60 of them use most of that range: that
/// none is in the upper quarter happens once in 30 million runs.
#[track_caller]
fn check_jitter(waits: &[f64], bound: f64) {
    let longest = waits.iter().copied().fold(0.0, f64::max);
    let shortest = waits.iter().copied().fold(f64::MAX, f64::min);
    assert!(longest <= bound + 0.002, "{longest} above {bound}");
    assert!(longest > bound * 0.75, "{longest} far below {bound}");
    assert!(shortest < bound * 0.25, "{shortest}: no full jitter");
}

fn seven_attempts(rules: RetryRules) -> Retry {
    Retry {
        max_attempts: 7,
        rules,
        ..Retry::default()
    }
}

#[tokio::test(start_paused = true)]
async fn item_3_classic_waits_double_from_one_second_up_to_twenty() {
    for answer in [Answer::throttle(), Answer::failure()] {
        let waits = waits(60, answer, seven_attempts(RetryRules::Classic)).await;
        check_jitter(&waits[0], 1.0);
        check_jitter(&waits[1], 2.0);
        check_jitter(&waits[5], 20.0);
    }
}

#[tokio::test(start_paused = true)]
async fn item_3_the_rules_of_2026_wait_less_for_what_is_no_throttle() {
    let rules = seven_attempts(RetryRules::From2026);
    let throttled = waits(60, Answer::throttle(), rules).await;
    check_jitter(&throttled[0], 1.0);
    check_jitter(&throttled[1], 2.0);
    check_jitter(&throttled[5], 20.0);
    let failed = waits(60, Answer::failure(), rules).await;
    check_jitter(&failed[0], 0.05);
    check_jitter(&failed[1], 0.1);
    check_jitter(&failed[5], 1.6);
}

/// The first wait after an answer with `x-amz-retry-after` lies in a range of seconds.
async fn check_retry_after(value: &str, rules: RetryRules, least: f64, most: f64) {
    let retry = Retry {
        max_attempts: 2,
        rules,
        ..Retry::default()
    };
    for answer in [Answer::throttle(), Answer::failure()] {
        let waits = waits(10, answer.with("x-amz-retry-after", value), retry).await;
        for wait in &waits[0] {
            assert!(
                (least..=most + 0.002).contains(wait),
                "{value} {rules:?}: {wait}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn item_3_a_wait_that_the_service_asks_for_counts() {
    let classic = RetryRules::Classic;
    check_retry_after("0", classic, 0.0, 0.0).await;
    check_retry_after("300", classic, 0.3, 0.3).await;
    check_retry_after("90000", classic, 20.0, 20.0).await;
    check_retry_after("abc", classic, 0.0, 1.0).await;
    let new = RetryRules::From2026;
    check_retry_after("0", new, 0.0, 1.0).await;
    check_retry_after("300", new, 0.3, 1.0).await;
    check_retry_after("90000", new, 5.0, 6.0).await;
    check_retry_after("abc", new, 0.0, 1.0).await;
}

/// How many failing calls of two attempts a quota of 500 allows, and that the next one
/// says why it made one attempt only.
async fn check_quota(answer: Answer, rules: RetryRules, calls: usize) {
    let service = Scripted::new(vec![answer]);
    let retry = Retry {
        max_attempts: 2,
        initial_backoff: Duration::from_millis(1),
        rules,
        ..Retry::default()
    };
    let config = service.config().retry(retry);
    let client = Client::new(config.clone().build().unwrap());
    for number in 0..calls {
        let error = client.run_task(run_task()).await.unwrap_err();
        let facts = (error.attempts(), error.is_stopped_by_quota());
        assert_eq!(facts, (2, false), "call {number}");
    }
    let error = client.run_task(run_task()).await.unwrap_err();
    assert_eq!((error.attempts(), error.is_stopped_by_quota()), (1, true));
    assert!(error.to_string().contains("retry quota used up"), "{error}");

    // Another client has a quota of its own.
    let other = Client::new(config.build().unwrap());
    assert_eq!(other.run_task(run_task()).await.unwrap_err().attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn item_4_the_quota_allows_exactly_as_many_retries_as_it_pays_for() {
    check_quota(Answer::throttle(), RetryRules::Classic, 100).await;
    check_quota(Answer::failure(), RetryRules::Classic, 50).await;
    check_quota(Answer::throttle(), RetryRules::From2026, 100).await;
    check_quota(Answer::failure(), RetryRules::From2026, 35).await;
}

#[tokio::test(start_paused = true)]
async fn another_limit_of_attempts_keeps_the_quota_and_other_rules_have_their_own() {
    let service = Scripted::new(vec![Answer::throttle()]);
    let client = Client::new(service.config().retry(Retry::never()).build().unwrap());
    let twice = CallOptions::new().max_attempts(2);
    for _ in 0..100 {
        let call = client.call_with::<RunTask>(run_task(), &twice);
        assert_eq!(call.await.unwrap_err().attempts(), 2);
    }
    let call = client.call_with::<RunTask>(run_task(), &twice);
    assert!(call.await.unwrap_err().is_stopped_by_quota());
    let error = client.run_task(run_task()).await.unwrap_err();
    assert!(!error.is_stopped_by_quota(), "one attempt was all it had");
    let other = CallOptions::new().retry(seven_attempts(RetryRules::From2026));
    let call = client.call_with::<RunTask>(run_task(), &other);
    assert_eq!(call.await.unwrap_err().attempts(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_success_gives_back_what_its_last_retry_has_cost() {
    let script = [Answer::throttle(), Answer::ok()];
    let script = script.iter().cycle().take(400).cloned().collect();
    let service = Scripted::new(script);
    let client = Client::new(service.config().build().unwrap());
    for number in 0..200 {
        let response = client.run_task(run_task()).await.unwrap();
        assert_eq!(response.metadata().attempts(), 2, "call {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn adaptive_calls_slow_down_while_the_service_throttles() {
    let mut script = vec![Answer::throttle(); 3];
    script.push(Answer::ok());
    let service = Scripted::new(script);
    let retry = Retry {
        max_attempts: 4,
        adaptive: true,
        ..Retry::default()
    };
    let config = service.config().retry(retry).timeouts(unlimited());
    let client = Client::new(config.build().unwrap());
    for _ in 0..6 {
        client.run_task(run_task()).await.unwrap();
    }
    let seen = service.take();
    let last = &seen[seen.len() - 1];
    let pause = last.at.saturating_sub(seen[seen.len() - 2].at);
    assert!(
        pause > Duration::from_millis(20),
        "calls that succeed wait as well: {pause:?}"
    );
    assert!(last.header("user-agent").ends_with(" m/F"), "{last:?}");
}

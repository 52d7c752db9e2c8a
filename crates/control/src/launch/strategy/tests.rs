//! Rows and laws of the split, then strategies as callers write them.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{World, copies, ids};

fn items_of(rows: &[(u32, u32)]) -> Vec<StrategyItem> {
    let item = |(index, (base, weight)): (usize, &(u32, u32))| StrategyItem {
        provider: format!("p{index}"),
        base: *base,
        weight: *weight,
    };
    rows.iter().enumerate().map(item).collect()
}

/// (base, weight) of each item, tasks, expected shares.
#[track_caller]
fn check(rows: &[(u32, u32)], count: usize, expected: &[usize]) {
    assert_eq!(split(&items_of(rows), count), expected, "{rows:?} {count}");
}

#[test]
fn the_base_comes_first_then_the_weights() {
    check(&[(1, 1), (0, 3)], 9, &[3, 6]);
    check(&[(0, 1), (0, 4)], 5, &[1, 4]);
    check(&[(0, 1), (0, 4)], 10, &[2, 8]);
    check(&[(0, 1), (0, 1)], 1, &[1, 0]);
    check(&[(0, 1), (0, 1)], 3, &[2, 1]);
    check(&[(0, 2), (0, 1)], 3, &[2, 1]);
    check(&[(0, 1), (0, 2), (0, 3)], 6, &[1, 2, 3]);
    check(&[(0, 1), (0, 1), (0, 1)], 2, &[1, 1, 0]);
    check(&[(5, 1), (0, 1)], 3, &[3, 0]);
    check(&[(0, 1), (5, 1)], 3, &[0, 3]);
    check(&[(0, 1), (2, 1)], 4, &[1, 3]);
    check(&[(2, 0), (0, 1)], 10, &[2, 8]);
    check(&[(0, 0), (0, 1)], 10, &[0, 10]);
    check(&[(0, 1)], 10, &[10]);
    check(&[(3, 1000)], 10, &[10]);
    check(&[(100_000, 1), (0, 1)], 10, &[10, 0]);
    check(&[(0, 1000), (0, 1)], 10, &[9, 1]);
    check(&[(0, 1), (0, 1000)], 10, &[1, 9]);
    check(&[(1, 1), (0, 1)], 0, &[0, 0]);
}

fn any_items() -> impl Strategy<Value = Vec<StrategyItem>> {
    let weights = proptest::collection::vec(0u32..=1000, 1..20);
    (weights, 0usize..20, 0u32..30).prop_map(|(mut weights, first, base)| {
        let first = first % weights.len();
        if weights.iter().all(|weight| *weight == 0) {
            weights[first] = 1;
        }
        let row = |(index, weight)| (if index == first { base } else { 0 }, weight);
        items_of(&weights.into_iter().enumerate().map(row).collect::<Vec<_>>())
    })
}

proptest! {
    /// Laws: nothing is lost; the base is met first; who has no weight gets no more than the
    /// base; nobody is more than one task ahead of the proportion; one task more changes the
    /// share of one provider only.
    #[test]
    fn shares_follow_base_and_weight(items in any_items(), count in 0usize..200) {
        let shares = split(&items, count);
        prop_assert_eq!(shares.iter().sum::<usize>(), count);
        let base: usize = items.iter().map(|item| item.base as usize).sum();
        let left = count.saturating_sub(base);
        let weights: u64 = items.iter().map(|item| u64::from(item.weight)).sum();
        for (share, item) in shares.iter().zip(&items) {
            let own = count.min(item.base as usize);
            prop_assert!(*share >= own);
            let ahead = (share - own) as u64 * weights;
            prop_assert!(ahead <= left as u64 * u64::from(item.weight) + weights);
            prop_assert!(item.weight > 0 || *share == own);
        }
        let next = split(&items, count + 1);
        let grown: Vec<usize> = next.iter().zip(&shares).map(|(next, share)| next - share).collect();
        prop_assert_eq!(grown.iter().filter(|by| **by > 0).count(), 1);
    }
}

/// A world whose cluster `default` has FARGATE, FARGATE_SPOT, `fleet` and `other`; `stranger`
/// exists, too.
fn world(default: &str) -> World {
    let mut world = World::with_app();
    for name in ["fleet", "other", "stranger"] {
        world.provider(name, "");
    }
    let own = ["FARGATE", "FARGATE_SPOT", "fleet", "other"];
    world.associate("default", &own, default);
    world
}

fn body(family: &str, strategy: &str, more: &str) -> String {
    format!(
        r#"{{"taskDefinition":"{family}","capacityProviderStrategy":[{strategy}]{more},
            "networkConfiguration":{{"awsvpcConfiguration":{{"subnets":["subnet-1"]}}}}}}"#
    )
    .replace(
        r#""networkConfiguration""#,
        if family == "web" {
            r#""networkConfiguration""#
        } else {
            r#""ignored""#
        },
    )
}

fn item(provider: &str, base: i32, weight: i32) -> String {
    format!(r#"{{"capacityProvider":"{provider}","base":{base},"weight":{weight}}}"#)
}

#[track_caller]
fn refused(default: &str, family: &str, strategy: &str, more: &str, expected: &str) {
    let expected = format!("InvalidParameterException: {expected}");
    world(default).refused("RunTask", &body(family, strategy, more), &expected);
}

#[test]
fn each_task_shows_its_provider_and_the_launch_type_of_its_kind() {
    let mut world = world("");
    let strategy = [item("FARGATE", 1, 1), item("FARGATE_SPOT", 0, 3)].join(",");
    let answer = world.ok("RunTask", &body("web", &strategy, r#","count":9"#));
    let tasks = answer["tasks"].as_array().unwrap();
    let of = |name: &str| {
        let shown = tasks
            .iter()
            .filter(|task| task["capacityProviderName"] == json!(name));
        shown.count()
    };
    assert_eq!((of("FARGATE"), of("FARGATE_SPOT")), (3, 6));
    assert!(
        tasks
            .iter()
            .all(|task| task["launchType"] == json!("FARGATE"))
    );
    assert!(
        tasks
            .iter()
            .all(|task| task["platformVersion"] == json!("1.4.0"))
    );
}

#[test]
fn the_default_strategy_decides_when_the_call_says_nothing() {
    let mut world = world(&item("FARGATE_SPOT", 0, 1));
    let shown = |world: &mut World, more: &str| {
        let body = body("web", "", more);
        let task = world.ok("RunTask", &body)["tasks"][0].clone();
        (
            task["launchType"].clone(),
            task["capacityProviderName"].clone(),
        )
    };
    assert_eq!(
        shown(&mut world, ""),
        (json!("FARGATE"), json!("FARGATE_SPOT"))
    );
    let by_type = shown(&mut world, r#","launchType":"FARGATE""#);
    assert_eq!(by_type, (json!("FARGATE"), json!(null)));
}

#[test]
fn a_single_provider_takes_every_task_without_a_weight() {
    let mut world = world("");
    for strategy in [
        r#"{"capacityProvider":"FARGATE"}"#.to_owned(),
        item("FARGATE", 0, 0),
        item("FARGATE", 1, 0),
    ] {
        let answer = world.ok("RunTask", &body("web", &strategy, r#","count":2"#));
        assert_eq!(ids(&answer).len(), 2);
    }
}

#[test]
fn what_ecs_refuses_is_refused_in_its_words() {
    refused(
        "",
        "web",
        &item("FARGATE", 0, 1),
        r#","launchType":"FARGATE""#,
        "Specifying both a launch type and capacity provider strategy is not supported. Remove \
         one and try again.",
    );
    let foreign = "The specified capacity provider strategy cannot contain a capacity provider \
                   that is not associated with the cluster. Associate the capacity provider with \
                   the cluster or specify a valid capacity provider and try again.";
    refused("", "app", &item("stranger", 0, 1), "", foreign);
    refused("", "app", &item("moon", 0, 1), "", foreign);
    let two = |a: (&str, i32, i32), b: (&str, i32, i32)| {
        [item(a.0, a.1, a.2), item(b.0, b.1, b.2)].join(",")
    };
    refused(
        "",
        "web",
        &two(("FARGATE", 0, 0), ("FARGATE_SPOT", 0, 0)),
        "",
        "There are no capacity providers in the capacity provider strategy with a weight value \
         greater than zero.",
    );
    refused(
        "",
        "web",
        &two(("FARGATE", 1, 1), ("FARGATE_SPOT", 1, 1)),
        "",
        "There are multiple capacity providers in the specified capacity provider strategy with \
         a base value defined.",
    );
    refused(
        "",
        "web",
        &two(("FARGATE", 0, 1), ("fleet", 0, 1)),
        "",
        "A capacity provider strategy cannot contain a mix of capacity providers using Auto \
         Scaling groups and Fargate providers. Specify one or the other and try again.",
    );
    let default = "There are no capacity providers with a weight value greater than zero defined \
                   in the default capacity provider strategy. At least one capacity provider must \
                   have a weight value greater than zero specified. Update the cluster's default \
                   capacity provider strategy or specify a valid capacity provider strategy and \
                   try again.";
    refused(&item("FARGATE", 0, 0), "web", "", "", default);
    let both = two(("FARGATE", 0, 0), ("FARGATE_SPOT", 1, 0));
    refused(&both, "web", "", "", default);
    refused(
        "",
        "app",
        &item("FARGATE", 0, 1),
        "",
        "Task definition does not support launch_type FARGATE.",
    );
}

#[test]
fn numbers_keep_to_their_ranges() {
    let ranged = |base, weight, expected: &str| {
        refused("", "web", &item("FARGATE", base, weight), "", expected);
    };
    ranged(-1, 1, "base must be between 0 and 100000, but was -1.");
    ranged(
        100_001,
        1,
        "base must be between 0 and 100000, but was 100001.",
    );
    ranged(0, -1, "weight must be between 0 and 1000, but was -1.");
    ranged(0, 1001, "weight must be between 0 and 1000, but was 1001.");
    world("").ok("RunTask", &body("web", &item("FARGATE", 100_000, 1000), ""));
    refused(
        "",
        "web",
        &copies(&item("FARGATE", 0, 1), 21),
        "",
        "capacityProviderStrategy can have at most 20 items.",
    );
    refused(
        "",
        "web",
        &copies(&item("FARGATE", 0, 1), 2),
        "",
        "A capacity provider strategy can name a capacity provider once, but has FARGATE twice.",
    );
    refused("", "web", "{}", "", "capacityProvider can not be blank.");
}

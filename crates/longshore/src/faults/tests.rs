//! Rules as data: which are refused and with what sentence, which calls they hit.

use std::sync::Arc;

use model::shapes::{DescribeTasksOutput, Failure, Task};
use serde_json::{Value, json};

use super::*;

fn caller(key: &str, arn: &str) -> api::Caller {
    api::Caller {
        principal_arn: arn.into(),
        account: "000000000000".into(),
        access_key_id: key.into(),
        region: "us-east-1".into(),
    }
}

const ROOT: &str = "arn:aws:iam::000000000000:root";

fn root() -> api::Caller {
    caller("AKIAROOT", ROOT)
}

fn faults() -> Arc<Faults> {
    let principal_arn = ROOT.to_owned();
    Faults::new(Arc::new(Caller { principal_arn }))
}

fn ask(faults: &Faults, path: &str, body: &Value) -> Result<Value, String> {
    let answer = faults.extension(path, &root(), body.to_string().as_bytes());
    let answer = answer.expect("a path of fault rules");
    answer
        .map(|json| serde_json::from_slice(&json).unwrap())
        .map_err(|error| error.to_string())
}

fn armed(rules: &[Value]) -> Arc<Faults> {
    let faults = faults();
    for rule in rules {
        ask(&faults, FAULTS_ADD_PATH, rule).unwrap();
    }
    faults
}

/// `x` for each call of RunTask in turn that is throttled, `.` for one that is not.
fn throttled(faults: &Faults, calls: usize) -> String {
    let hit = |_| {
        faults
            .for_call(RUN_TASK, &root())
            .and_then(|fault| fault.end)
    };
    let mark = |end: Option<api::End>| if end.is_some() { 'x' } else { '.' };
    (0..calls).map(hit).map(mark).collect()
}

fn throttling(more: Value) -> Value {
    let mut rule = json!({"fault": {"type": "throttling"}});
    let members = more.as_object().unwrap().clone();
    rule.as_object_mut().unwrap().extend(members);
    rule
}

#[test]
fn a_rule_hits_whom_and_when_it_says() {
    for (more, expected) in [
        (json!({}), "xxxx"),
        (json!({"times": 2}), "xx.."),
        (json!({"skip": 1}), ".xxx"),
        (json!({"skip": 1, "times": 1}), ".x.."),
        (json!({"operation": "RunTask"}), "xxxx"),
        (json!({"operation": "StopTask"}), "...."),
        (json!({"caller": "AKIAROOT"}), "xxxx"),
        (json!({"caller": ROOT}), "xxxx"),
        (json!({"caller": "AKIAOTHER"}), "...."),
        (json!({"probability": 1.0}), "xxxx"),
    ] {
        let faults = armed(&[throttling(more.clone())]);
        assert_eq!(throttled(&faults, 4), expected, "{more}");
    }
}

#[test]
fn a_seed_draws_the_same_hits_again() {
    let drawn = |seed| {
        let rule = throttling(json!({"probability": 0.5, "seed": seed}));
        throttled(&armed(&[rule]), 400)
    };
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
    let hits = drawn(7).matches('x').count();
    assert!((160..240).contains(&hits), "{hits} of 400");
}

#[test]
fn a_seed_that_was_not_given_is_told() {
    let rule = throttling(json!({"probability": 0.5}));
    let faults = armed(&[rule]);
    let first = throttled(&faults, 64);
    let listed = ask(&faults, FAULTS_LIST_PATH, &json!({})).unwrap();
    let again = armed(&[listed["faults"][0]["rule"].clone()]);
    assert_eq!(throttled(&again, 64), first);
}

#[test]
fn every_rule_counts_what_it_has_met_and_hit() {
    let faults = armed(&[
        throttling(json!({"times": 1})),
        throttling(json!({"skip": 1})),
        json!({"fault": {"type": "latency", "millis": 1}}),
    ]);
    // Of two rules that end a call the first counts; the other does not even see it.
    assert_eq!(throttled(&faults, 4), "x.xx");
    let listed = ask(&faults, FAULTS_LIST_PATH, &json!({})).unwrap();
    let counts: Vec<_> = listed["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(counts)
        .collect();
    assert_eq!(counts, [[1, 1, 1], [2, 3, 2], [3, 4, 4]]);
}

fn counts(status: &Value) -> [u64; 3] {
    ["id", "matched", "hits"].map(|name| status[name].as_u64().unwrap())
}

#[test]
fn rules_are_removed_by_id_or_all_at_once() {
    let faults = armed(&[throttling(json!({})), throttling(json!({"skip": 9}))]);
    let unknown = ask(&faults, FAULTS_REMOVE_PATH, &json!({"ids": [2, 3]}));
    let text = "InvalidParameterException: There is no fault rule 3: list them to see their ids.";
    assert_eq!(unknown.unwrap_err(), text);
    let removed = ask(&faults, FAULTS_REMOVE_PATH, &json!({"ids": [1]})).unwrap();
    assert_eq!(removed["faults"][0]["id"], json!(1));
    assert_eq!(throttled(&faults, 1), ".");
    ask(&faults, FAULTS_REMOVE_PATH, &json!({"all": true})).unwrap();
    assert!(faults.armed().is_none());
    for both in [json!({}), json!({"all": true, "ids": [1]})] {
        let text = "InvalidParameterException: Give ids of rules, or all: true, and not both.";
        assert_eq!(ask(&faults, FAULTS_REMOVE_PATH, &both).unwrap_err(), text);
    }
    // An id is never given twice.
    let added = ask(&faults, FAULTS_ADD_PATH, &throttling(json!({}))).unwrap();
    assert_eq!(added["id"], json!(3));
}

#[test]
fn a_rule_that_cannot_be_followed_is_refused_with_what_to_change() {
    let failures = |more: &str| format!(r#"{{"type":"failures","reason":"MISSING"{more}}}"#);
    let missing = failures("");
    for (more, fault, expected) in [
        (
            r#""times":0,"#,
            r#"{"type":"cut"}"#,
            "times must be at least 1; leave it out for a rule without end.",
        ),
        (
            r#""probability":0,"#,
            r#"{"type":"cut"}"#,
            "probability must be above 0 and at most 1, but is 0.",
        ),
        (
            r#""probability":1.5,"#,
            r#"{"type":"cut"}"#,
            "probability must be above 0 and at most 1, but is 1.5.",
        ),
        (
            r#""seed":1,"#,
            r#"{"type":"cut"}"#,
            "seed needs a probability: without one there is nothing to draw.",
        ),
        (
            r#""operation":"Dance","#,
            r#"{"type":"cut"}"#,
            "There is no operation 'Dance': write it as the API does, for example RunTask, or leave it out for all.",
        ),
        (
            r#""caller":"","#,
            r#"{"type":"cut"}"#,
            "caller is empty: give an access key id or an ARN, or leave it out.",
        ),
        (
            r#""operation":"StopTask","#,
            r#"{"type":"lost-host"}"#,
            "This fault needs operation RunTask or StartTask, but the rule is for StopTask.",
        ),
        (
            r#""operation":"ListTasks","#,
            &missing,
            "This fault needs operation RunTask or DescribeTasks, but the rule is for ListTasks.",
        ),
        (
            "",
            &missing,
            "failures need an operation: RunTask or DescribeTasks.",
        ),
        (
            r#""operation":"RunTask","#,
            &failures(r#","count":0"#),
            "count must be at least 1; leave it out for all tasks of a call.",
        ),
        (
            r#""operation":"RunTask","#,
            r#"{"type":"failures","reason":""}"#,
            "reason is empty: give one as ECS has it, for example MISSING.",
        ),
        (
            r#""afterEffect":true,"#,
            r#"{"type":"cut-body"}"#,
            "This fault has no moment to choose: leave afterEffect out.",
        ),
        (
            "",
            r#"{"type":"latency","millis":0}"#,
            "millis must be at least 1.",
        ),
        (
            "",
            r#"{"type":"latency","millis":86400001}"#,
            "millis must be at most 86400000, a day, but is 86400001.",
        ),
        (
            "",
            r#"{"type":"wrong-date","seconds":0}"#,
            "seconds must not be 0: that is the right date.",
        ),
        (
            "",
            r#"{"type":"html-page","status":200}"#,
            "status must be between 400 and 599, but is 200.",
        ),
        (
            "",
            r#"{"type":"exit-code","code":256}"#,
            "code must be between 0 and 255, but is 256.",
        ),
    ] {
        let body = format!(r#"{{{more}"fault":{fault}}}"#);
        let body: Value = serde_json::from_str(&body).unwrap();
        let answer = ask(&faults(), FAULTS_ADD_PATH, &body);
        let expected = format!("InvalidParameterException: {expected}");
        assert_eq!(answer.unwrap_err(), expected, "{body}");
    }
    for (body, part) in [
        (json!({}), "missing field `fault`"),
        (
            json!({"fault": {"type": "flood"}}),
            "unknown variant `flood`",
        ),
        (
            json!({"often": 1, "fault": {"type": "cut"}}),
            "unknown field `often`",
        ),
        (
            json!({"fault": {"type": "latency"}}),
            "missing field `millis`",
        ),
        (
            json!({"fault": {"type": "cut", "deep": true}}),
            "unknown field `deep`",
        ),
    ] {
        let answer = ask(&faults(), FAULTS_ADD_PATH, &body).unwrap_err();
        assert!(answer.contains(part), "{body}: {answer}");
    }
}

#[test]
fn there_are_so_many_rules_at_most() {
    let rules = vec![throttling(json!({})); control::limits::FAULT_RULES_MAX];
    let faults = armed(&rules);
    let more = ask(&faults, FAULTS_ADD_PATH, &rules[0]).unwrap_err();
    let text = "There are 1000 fault rules, which is the most: remove some first.";
    assert!(more.ends_with(text), "{more}");
}

#[test]
fn nobody_but_the_root_changes_rules() {
    let faults = faults();
    let other = caller("AKIAOTHER", "arn:aws:iam::000000000000:user/ada");
    for path in [FAULTS_ADD_PATH, FAULTS_LIST_PATH, FAULTS_REMOVE_PATH] {
        let answer = faults.extension(path, &other, b"{}").unwrap();
        assert_eq!(answer.unwrap_err().code, "AccessDeniedException");
    }
    assert!(
        faults
            .extension("/_longshore/v1/explain", &other, b"{}")
            .is_none()
    );
}

#[test]
fn what_becomes_of_a_task_is_decided_once_for_each() {
    let faults = armed(&[
        json!({"times": 2, "fault": {"type": "exit-code", "code": 3, "container": "app"}}),
        json!({"fault": {"type": "spot-interruption"}}),
        json!({"fault": {"type": "slow-transitions", "millis": 20}}),
    ]);
    assert!(
        faults.for_call(RUN_TASK, &root()).is_none(),
        "the call itself is well"
    );
    let caller = root();
    let call = Call {
        operation: RUN_TASK,
        caller: &caller,
    };
    let mut codes = Vec::new();
    for is_spot in [false, true, true] {
        let fate = faults.plan().fate(&call, is_spot).unwrap();
        assert_eq!(fate.interrupted_after, is_spot.then_some(0));
        assert_eq!(fate.slow_millis, 20);
        assert_eq!(fate.exit_of("db"), None);
        codes.push(fate.exit_of("app").map(|exit| exit.code));
    }
    assert_eq!(codes, [Some(3), Some(3), None]);
}

#[test]
fn hidden_tasks_are_failures() {
    let task = |arn: &str| Task {
        task_arn: Some(arn.into()),
        ..Task::default()
    };
    let failure = Failure {
        reason: Some("MISSING".into()),
        ..Failure::default()
    };
    for (count, shown, told) in [
        (None, 0, &["a", "b"][..]),
        (Some(1), 1, &["b"]),
        (Some(9), 0, &["a", "b"]),
    ] {
        let output = DescribeTasksOutput {
            tasks: Some(vec![task("a"), task("b")]),
            failures: Some(Vec::new()),
        };
        let output = hide(output, &failure, count);
        assert_eq!(output.tasks.unwrap().len(), shown);
        let failures = output.failures.unwrap();
        let arns: Vec<_> = failures
            .iter()
            .map(|one| one.arn.as_deref().unwrap())
            .collect();
        assert_eq!(arns, told);
        assert!(
            failures
                .iter()
                .all(|one| one.reason.as_deref() == Some("MISSING"))
        );
    }
}

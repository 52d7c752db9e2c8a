//! RunTask and its neighbours to the letter: requests and what they are answered, as data.
//!
//! `refused/*.txt` holds requests with the exact exception, `accepted/*.txt` requests whose whole
//! answer stands in the `.json` beside it. [`case`] explains the notation, `world.txt` is where
//! every case begins. `UPDATE_EXPECT=1 cargo test -p control --test letter` writes the answers
//! anew. That botocore reads them is checked in `tests/botocore.rs`.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod case;
mod document;
mod members;
mod names;
mod stage;
mod told;

use std::collections::BTreeSet;

use case::{Case, Outcome};
use expect_test::expect_file;
use serde_json::{Map, Value, json};
use stage::Stage;

/// The least number of refused RunTask and RegisterTaskDefinition requests.
const REFUSED_MIN: usize = 150;
/// The same of accepted ones.
const ACCEPTED_MIN: usize = 60;

/// Runs a case from the beginning of the world.
#[track_caller]
fn played(case: &Case) -> Outcome {
    let mut stage = Stage::standard();
    for step in &case.given {
        if let Err(complaint) = stage.take(step) {
            panic!("{case}: given {step:?}: {complaint}");
        }
    }
    stage.call(&case.operation, &case.body)
}

fn counted<'a>(cases: impl IntoIterator<Item = &'a Case>) -> usize {
    let operations = ["RunTask", "RegisterTaskDefinition"];
    let cases = cases.into_iter();
    cases
        .filter(|case| operations.contains(&&*case.operation))
        .count()
}

#[test]
fn every_refusal_has_its_exception_and_text() {
    let cases = case::refused();
    let mut wrong = Vec::new();
    for case in &cases {
        let answer = match played(case) {
            Ok(answer) => format!("accepted: {answer}"),
            Err(refusal) => refusal,
        };
        if Some(&answer) != case.expected.as_ref() {
            wrong.push(format!("{case}\n  answers {answer:.2000}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let count = counted(&cases);
    assert!(count >= REFUSED_MIN, "only {count} refused requests");
}

#[test]
fn every_answer_is_the_one_written_down() {
    let mut all = Vec::new();
    for (file, cases) in case::accepted() {
        let mut answers = Map::new();
        for case in &cases {
            let answer = played(case).unwrap_or_else(|refusal| panic!("{case}: {refusal}"));
            let written = json!({"operation": case.operation, "answer": answer});
            answers.insert(case.title.clone(), written);
        }
        let text = serde_json::to_string_pretty(&Value::Object(answers)).unwrap();
        expect_file![file.with_extension("json")].assert_eq(&format!("{text}\n"));
        all.extend(cases);
    }
    let count = counted(&all);
    assert!(count >= ACCEPTED_MIN, "only {count} accepted requests");
}

/// The members of a RunTask request that no case exercises. A case exercises a member when its
/// outcome changes as the member is left out.
fn unexercised(cases: &[Case]) -> BTreeSet<String> {
    let mut missing = members::of("RunTask");
    let without_effect: BTreeSet<String> = members::WITHOUT_EFFECT.map(str::to_owned).into();
    for case in cases.iter().filter(|case| case.operation == "RunTask") {
        let Ok(request) = serde_json::from_str::<Value>(&case.body) else {
            continue;
        };
        let given = members::given(&request);
        let outcome = played(case);
        for path in given.intersection(&missing.clone()) {
            let body = members::without(&request, path).to_string();
            let differs = played(&Case {
                body,
                ..case.clone()
            }) != outcome;
            let ignored = without_effect.contains(path);
            assert!(!(differs && ignored), "{case}: {path} has an effect");
            if differs || (ignored && outcome.is_ok()) {
                missing.remove(path);
            }
        }
    }
    missing
}

#[test]
fn every_member_of_a_run_task_request_makes_a_difference() {
    let mut missing = unexercised(&case::all());
    missing.retain(|path| {
        let mut structures = members::OF_WHAT_IS_NOT_BUILT.iter();
        !structures.any(|structure| path.starts_with(structure))
    });
    assert!(missing.is_empty(), "no case exercises {missing:?}");
}

#[test]
fn a_member_that_no_case_exercises_is_found() {
    let mut cases = case::all();
    cases.retain(|case| case.file == "accepted/plain.txt");
    let missing = unexercised(&cases);
    for (member, is_missing) in [("count", false), ("tags.key", false), ("overrides", true)] {
        assert_eq!(missing.contains(member), is_missing, "{member}");
    }
}

/// The model says which errors an operation has; the front end has some of its own.
#[test]
fn every_exception_is_one_that_the_operation_declares() {
    const OF_THE_FRONT_END: [&str; 1] = ["SerializationException"];
    for case in case::refused() {
        let expected = case.expected.as_deref().unwrap_or_default();
        let (name, _) = expected.split_once(": ").unwrap_or_default();
        let declared = members::errors(&case.operation);
        assert!(
            OF_THE_FRONT_END.contains(&name) || declared.contains(name),
            "{case}: {name} is not among {declared:?}"
        );
    }
}

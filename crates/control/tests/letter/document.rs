//! `docs/COMPATIBILITY.md` against the cases: what it says works is answered in the words it
//! tells. That the cases it names exist is checked by `cargo xtask tidy`.

use std::collections::BTreeSet;

use regex::Regex;

use crate::case::{Case, Outcome, all};
use crate::{members, played};

const DOCUMENT: &str = include_str!("../../../../docs/COMPATIBILITY.md");

/// Row by row: the first cell without its backquotes, the state, the cases that prove it.
fn rows(section: &str) -> Vec<(String, String, Vec<String>)> {
    let heading = format!("\n### {section}\n");
    let (_, text) = DOCUMENT.split_once(&heading).unwrap();
    let text = text.split("\n#").next().unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(row).collect()
}

fn row(line: &str) -> (String, String, Vec<String>) {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [first, .., state, proof] = *cells else {
        panic!("{line} has too few cells");
    };
    let names = proof
        .split('`')
        .filter_map(|name| name.strip_prefix("letter/"));
    let first = first.trim_matches('`').to_owned();
    (first, state.to_owned(), names.map(str::to_owned).collect())
}

/// The outcomes of the cases in a row's proof.
fn outcomes(cases: &[Case], names: &[String]) -> Vec<Outcome> {
    let named = |name: &String| {
        let is_it = |case: &&Case| format!("{}::{}", case.file, case.title) == *name;
        let case = cases.iter().find(is_it);
        played(case.unwrap_or_else(|| panic!("there is no case {name}")))
    };
    names.iter().map(named).collect()
}

/// A text of the document as a pattern: `<word>` stands for anything.
fn pattern(text: &str) -> Regex {
    let words = Regex::new("<[^>]*>").unwrap();
    let pieces: Vec<String> = words.split(text).map(regex::escape).collect();
    Regex::new(&format!("^(?s:{})$", pieces.join(".*"))).unwrap()
}

#[test]
fn each_parameter_has_a_row() {
    let rows: BTreeSet<String> = rows("Parameters")
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    let missing: Vec<String> = members::of("RunTask").difference(&rows).cloned().collect();
    assert!(missing.is_empty(), "no row tells of {missing:?}");
}

#[test]
fn each_member_of_a_definition_has_a_row_and_each_row_a_member() {
    let rows = rows("Members of a task definition");
    let told: BTreeSet<String> = rows.iter().map(|(path, ..)| path.clone()).collect();
    assert_eq!(told.len(), rows.len(), "a member has two rows");
    let members = members::inside("TaskDefinition");
    let missing: Vec<_> = members.difference(&told).collect();
    assert!(missing.is_empty(), "no row tells of {missing:?}");
    let unknown: Vec<_> = told.difference(&members).collect();
    assert!(unknown.is_empty(), "the model does not have {unknown:?}");
}

#[test]
fn a_refusal_that_works_is_answered_in_these_words() {
    let cases = all();
    let rows = rows("Refusals");
    for (text, state, names) in &rows {
        if state != "works" {
            continue;
        }
        let outcomes = outcomes(&cases, names);
        assert!(!outcomes.is_empty(), "{text}: no case proves it");
        for outcome in outcomes {
            let refusal = outcome.unwrap_err();
            assert!(pattern(text).is_match(&refusal), "{text}: {refusal}");
        }
    }
    assert!(rows.len() >= 60, "only {} refusals", rows.len());
}

#[test]
fn a_reason_that_works_is_told_in_these_words() {
    let cases = all();
    for (reason, state, names) in rows("Failure reasons") {
        if state != "works" {
            continue;
        }
        let outcomes = outcomes(&cases, &names);
        assert!(!outcomes.is_empty(), "{reason}: no case proves it");
        for outcome in outcomes {
            let answer = outcome.unwrap();
            let failures = answer["failures"].as_array().unwrap().iter();
            let tasks = answer["tasks"].as_array().into_iter().flatten();
            let mut told = failures
                .map(|one| &one["reason"])
                .chain(tasks.map(|one| &one["stoppedReason"]));
            let is_told = told.any(|told| told.as_str().is_some_and(|told| told == reason));
            assert!(is_told, "{reason}: {answer}");
        }
    }
}

#[test]
fn a_word_in_brackets_stands_for_anything() {
    assert!(pattern("Invalid (<text>).").is_match("Invalid (a.b)."));
    assert!(!pattern("Invalid (<text>).").is_match("Invalid (a)"));
}

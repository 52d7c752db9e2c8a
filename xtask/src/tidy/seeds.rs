//! `docs/SEED_COVERAGE.md`: each row of the seed table (what the starting
//! document promises, ids in `docs/seed-ids.txt`) has a test that exists, or a
//! word on when or why not. The three counts at its top are true.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::proof;
use super::tree::Tree;

const IDS: &str = "docs/seed-ids.txt";
const COVERAGE: &str = "docs/SEED_COVERAGE.md";

/// The number of rows of the seed table.
const ROWS: usize = 245;

/// How many rows of each kind.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    proven: usize,
    later: usize,
    absent: usize,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            proven,
            later,
            absent,
        } = self;
        write!(
            f,
            "{proven} proven, {later} later, {absent} absent by design"
        )
    }
}

pub(super) fn complaints(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let ids = tree.text(IDS).context(IDS)?;
    let coverage = tree.text(COVERAGE).context(COVERAGE)?;
    let mut found = Vec::new();
    let mut seen: BTreeMap<&str, usize> = ids.lines().map(|id| (id, 0)).collect();
    if seen.len() != ROWS {
        found.push(format!("{IDS}: {} ids instead of {ROWS}", seen.len()));
    }
    let mut counts = Counts::default();
    for (id, proof) in rows(coverage) {
        match seen.get_mut(id) {
            Some(times) => *times += 1,
            None => found.push(format!("{COVERAGE}: {id} is no row of the seed table")),
        }
        if let Err(complaint) = count(tree, proof, &mut counts) {
            found.push(format!("{COVERAGE}: {id}: {complaint}"));
        }
    }
    let wrong = seen.iter().filter(|(_, times)| **times != 1);
    found.extend(wrong.map(|(id, times)| format!("{COVERAGE}: {id} stands there {times} times")));
    let line = format!("{ROWS} rows: {counts}.");
    if !coverage.lines().any(|one| one == line) {
        found.push(format!("{COVERAGE}: the counts must be \"{line}\""));
    }
    Ok(found)
}

/// Id and proof of each line of the table.
fn rows(coverage: &str) -> impl Iterator<Item = (&str, &str)> {
    coverage.lines().filter_map(|line| {
        let (id, proof) = line
            .strip_prefix("| ")?
            .strip_suffix(" |")?
            .split_once(" | ")?;
        let (prefix, number) = id.split_once('-')?;
        let is_id = matches!(prefix, "SV" | "IN" | "OUT" | "CL") && number.parse::<u32>().is_ok();
        is_id.then_some((id, proof.trim()))
    })
}

fn count(tree: &Tree, proof: &str, counts: &mut Counts) -> Result<(), String> {
    if let Some(capability) = proof.strip_prefix("later: ") {
        counts.later += 1;
        return said(capability).and_then(|()| check_named(tree, capability));
    }
    if let Some(reason) = proof.strip_prefix("absent by design: ") {
        counts.absent += 1;
        return said(reason);
    }
    counts.proven += 1;
    proof::check(tree, proof)
}

/// What is built of a later row is named in backquotes too.
fn check_named(tree: &Tree, text: &str) -> Result<(), String> {
    let mut named = text.split('`').skip(1).step_by(2);
    match named.find(|name| !proof::exists(tree, name)) {
        Some(name) => Err(format!("there is no test {name}")),
        None => Ok(()),
    }
}

fn said(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        Err("says nothing".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(coverage: &str, expected: &[&str]) {
        let ids: String = (1..=ROWS).map(|n| format!("SV-{n:03}\n")).collect();
        let rest: String = (3..=ROWS)
            .map(|n| format!("| SV-{n:03} | later: services |\n"))
            .collect();
        let file = "//! A.\n#[test]\nfn it_runs() {}\nfn no_test() {}\n";
        let tree = Tree::of(&[
            (IDS, &ids),
            (COVERAGE, &format!("{coverage}{rest}")),
            ("crates/a/tests/b.rs", file),
        ]);
        assert_eq!(complaints(&tree).unwrap(), expected);
    }

    #[test]
    fn a_true_table_passes() {
        check(
            "245 rows: 1 proven, 243 later, 1 absent by design.\n\
             | SV-001 | `crates/a/tests/b.rs::it_runs` |\n| SV-002 | absent by design: gone |\n",
            &[],
        );
    }

    #[test]
    fn a_later_row_names_what_there_is() {
        let with = |test: &str| {
            format!(
                "245 rows: 0 proven, 245 later, 0 absent by design.\n\
                 | SV-001 | later: the client; the server's is `crates/a/tests/b.rs::{test}` |\n\
                 | SV-002 | later: services |\n"
            )
        };
        check(&with("it_runs"), &[]);
        let text = "docs/SEED_COVERAGE.md: SV-001: there is no test crates/a/tests/b.rs::it_walks";
        check(&with("it_walks"), &[text]);
    }

    #[test]
    fn a_false_table_does_not() {
        check(
            "245 rows: 2 proven, 244 later, 0 absent by design.\n| SV-001 | `crates/a/tests/b.rs::no_test` |\n\
             | SV-001 | later: x |\n| SV-999 | maybe |\n",
            &[
                "docs/SEED_COVERAGE.md: SV-001: there is no test crates/a/tests/b.rs::no_test",
                "docs/SEED_COVERAGE.md: SV-999 is no row of the seed table",
                "docs/SEED_COVERAGE.md: SV-999: maybe is neither a test in backquotes nor a word on why there is none",
                "docs/SEED_COVERAGE.md: SV-001 stands there 2 times",
                "docs/SEED_COVERAGE.md: SV-002 stands there 0 times",
            ],
        );
        check(
            "",
            &[
                "docs/SEED_COVERAGE.md: SV-001 stands there 0 times",
                "docs/SEED_COVERAGE.md: SV-002 stands there 0 times",
                "docs/SEED_COVERAGE.md: the counts must be \"245 rows: 0 proven, 243 later, 0 absent by design.\"",
            ],
        );
    }
}

//! `docs/COMPATIBILITY.md`: a table that ends with the columns State and Proof says of each row
//! that it works or differs, and names tests that exist, or that it is missing or refused, and why.

use anyhow::Context as _;

use super::proof;
use super::tree::Tree;

const DOCUMENT: &str = "docs/COMPATIBILITY.md";
const HEAD: &str = "| State | Proof |";

pub(super) fn complaints(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let document = tree.text(DOCUMENT).context(DOCUMENT)?;
    let rows = rows(document);
    if rows.is_empty() {
        return Ok(vec![format!("{DOCUMENT}: no table ends with {HEAD}")]);
    }
    let complaint = |row: &&str| Some(format!("{DOCUMENT}: {}: {row}", problem(tree, row)?));
    Ok(rows.iter().filter_map(complaint).collect())
}

/// The rows of the tables in question.
fn rows(document: &str) -> Vec<&str> {
    let mut inside = false;
    let mut rows = Vec::new();
    for line in document.lines() {
        if line.ends_with(HEAD) {
            inside = true;
        } else if !line.starts_with('|') {
            inside = false;
        } else if inside && !line.starts_with("|---") {
            rows.push(line);
        }
    }
    rows
}

fn problem(tree: &Tree, row: &str) -> Option<String> {
    let mut cells = row.trim_end_matches(" |").rsplit(" | ");
    let (Some(proof), Some(state)) = (cells.next(), cells.next()) else {
        return Some("a row has a state and a proof".to_owned());
    };
    match state {
        "works" | "differs" => proof::check(tree, proof).err(),
        "missing" | "refused" if proof.is_empty() || proof.starts_with('`') => {
            Some(format!("say why it is {state}"))
        }
        "missing" | "refused" => None,
        other => Some(format!(
            "{other} is none of works, differs, missing, refused"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(row: &str, expected: &str) {
        let text = format!("| Text | State | Proof |\n|---|---|---|\n{row}\n\n| a | b |\n");
        let file = "//! A.\n#[test]\nfn it_runs() {}\n";
        let tree = Tree::of(&[(DOCUMENT, &text), ("crates/a/tests/b.rs", file)]);
        let found = complaints(&tree).unwrap().join("; ");
        let as_expected = if expected.is_empty() {
            found.is_empty()
        } else {
            found.contains(expected)
        };
        assert!(as_expected, "{found:?}");
    }

    #[test]
    fn a_row_is_proven_or_says_why_not() {
        check("| a | works | `crates/a/tests/b.rs::it_runs` |", "");
        check("| a | b | differs | `crates/a/tests/b.rs::it_runs` |", "");
        check("| a | missing | There is no IAM |", "");
        check("| a | refused | There is no device |", "");
        check("| a | refused | `it` |", "say why it is refused");
        check(
            "| a | works | `crates/a/tests/b.rs::it_walks` |",
            "there is no test",
        );
        check(
            "| a | works | somewhere |",
            "is neither a test in backquotes",
        );
        check(
            "| a | missing | `crates/a/tests/b.rs::it_runs` |",
            "say why",
        );
        check("| a | later | There is no IAM |", "later is none of");
        check("| a |", "a state and a proof");
    }

    #[test]
    fn a_document_without_such_a_table_is_found() {
        let tree = Tree::of(&[(DOCUMENT, "| a | b |\n")]);
        assert_eq!(complaints(&tree).unwrap().len(), 1);
    }
}

//! Pure crates do not wait, tell the time, start threads or touch the machine:
//! what they need arrives as an argument.

use super::text::without_tests;
use super::tree::Tree;

const PURE: [&str; 4] = ["model", "scheduler", "engine", "control"];

/// What gives it away, and the name of the sin.
const SIGNS: [(&str, &str); 15] = [
    ("async fn", "async"),
    ("async move", "async"),
    (".await", "async"),
    ("tokio", "async"),
    ("SystemTime", "a clock"),
    ("Instant", "a clock"),
    ("std::thread", "threads"),
    ("std::fs", "files"),
    ("std::io", "input and output"),
    ("std::net", "the network"),
    ("std::env::", "the environment"),
    ("std::process", "processes"),
    ("getrandom", "randomness"),
    ("rand::rng(", "randomness"),
    ("new_v4", "randomness"),
];

pub(super) fn complaints(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.files() {
        if !is_pure(path) {
            continue;
        }
        for (number, line) in without_tests(text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let sins = SIGNS.iter().filter(|(sign, _)| has_word(code, sign));
            found.extend(sins.map(|(_, sin)| {
                format!(
                    "{path}:{}: a pure crate uses {sin}: {}",
                    number + 1,
                    line.trim()
                )
            }));
        }
    }
    found
}

fn is_pure(path: &str) -> bool {
    PURE.iter().any(|name| {
        let rest = path
            .strip_prefix("crates/")
            .and_then(|path| path.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with("/src/"))
    }) && !path.ends_with("/tests.rs")
}

/// Whether `sign` stands in `code`, and not as part of a longer name.
fn has_word(code: &str, sign: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    let starts_with_name = sign.starts_with(part_of_a_name);
    let ends_with_name = sign.ends_with(part_of_a_name);
    code.match_indices(sign).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(part_of_a_name);
        let after = code[at + sign.len()..]
            .chars()
            .next()
            .is_some_and(part_of_a_name);
        !(starts_with_name && before || ends_with_name && after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, finds: usize) {
        let found = complaints(&Tree::of(&[(path, text)]));
        assert_eq!(found.len(), finds, "{found:?}");
    }

    #[test]
    fn sins_are_found_in_the_code_of_pure_crates_only() {
        check(
            "crates/engine/src/a.rs",
            "use std::time::Instant;\nasync fn a() {}\n",
            2,
        );
        check("crates/runtime/src/a.rs", "use std::time::Instant;\n", 0);
        check("crates/engine/tests/a.rs", "use std::fs;\n", 0);
        check(
            "crates/engine/src/a.rs",
            "// like std::fs\nstruct ContainerInstance;\nInstanceId\n",
            0,
        );
        check(
            "crates/engine/src/a.rs",
            "#[cfg(test)]\nmod tests {\n use std::fs;\n}\n",
            0,
        );
    }
}

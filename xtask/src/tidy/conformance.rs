//! Each class of the black-box tests in Python is run by a Rust test, so that
//! cargo counts it.

use super::tree::Tree;

const RUNNER: &str = "crates/longshore/tests/conformance.rs";

pub(super) fn complaints(tree: &Tree) -> Vec<String> {
    let runner = tree.text(RUNNER).unwrap_or_default();
    let mut found = Vec::new();
    for (path, text) in tree.files() {
        let Some(module) = path
            .strip_prefix("conformance/test_")
            .and_then(|name| name.strip_suffix(".py"))
        else {
            continue;
        };
        let (_, from_module) = runner
            .split_once(&format!(" test_{module} {{"))
            .unwrap_or_default();
        let listed = from_module.split('}').next().unwrap_or_default();
        let classes = text.lines().filter_map(class_of_tests);
        let missing = classes.filter(|class| !listed.contains(&format!("\"{class}\"")));
        found.extend(missing.map(|class| format!("{path}: {RUNNER} does not run {class}")));
    }
    found
}

/// With a server of the harness, or without.
fn class_of_tests(line: &str) -> Option<&str> {
    let (class, bases) = line.strip_prefix("class ")?.split_once('(')?;
    let last = bases.strip_suffix("):")?.rsplit(", ").next()?;
    ["Case", "unittest.TestCase"]
        .contains(&last)
        .then_some(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_is_not_run_is_found() {
        let tree = Tree::of(&[
            (
                RUNNER,
                "    check test_a {\n        one \"One\"\n    }\n    check test_b {\n two \"Two\" }\n",
            ),
            (
                "conformance/test_a.py",
                "class One(Case):\nclass Two(Case):\nclass Three(unittest.TestCase):\nclass Four(Mixin, Case):\nclass Other(Server):\n",
            ),
        ]);
        let expected = ["Two", "Three", "Four"]
            .map(|class| format!("conformance/test_a.py: {RUNNER} does not run {class}"));
        assert_eq!(complaints(&tree), expected);
    }
}

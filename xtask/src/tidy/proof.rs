//! Whether a test that a document names exists. Three spellings:
//! `crate::module::tests::name`, `crates/x/tests/file.rs::name` and
//! `conformance/test_x.py::Class.name`.

use super::tree::Tree;

pub(super) fn exists(tree: &Tree, name: &str) -> bool {
    match name.split_once(".py::") {
        Some((file, test)) => in_python(tree, &format!("{file}.py"), test),
        None => match name.split_once(".rs::") {
            Some((file, test)) => in_rust(tree, &format!("{file}.rs"), test),
            None => in_crate(tree, name),
        },
    }
}

fn in_python(tree: &Tree, file: &str, test: &str) -> bool {
    let (Some(text), Some((class, method))) = (tree.text(file), test.split_once('.')) else {
        return false;
    };
    let mut inside = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("class ") {
            let rest = rest.strip_prefix(class);
            inside = rest.is_some_and(|rest| rest.starts_with(['(', ':']));
        } else if inside && line.starts_with(&format!("    def {method}(")) {
            return method.starts_with("test_");
        }
    }
    false
}

fn in_rust(tree: &Tree, file: &str, test: &str) -> bool {
    let Some(text) = tree.text(file) else {
        return false;
    };
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let is_it = |line: &str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(test))
            .is_some_and(|rest| rest.starts_with('('))
    };
    lines
        .iter()
        .enumerate()
        .any(|(at, line)| is_it(line) && is_test(&lines[..at]))
}

/// Whether the attributes that end these lines make a test.
fn is_test(above: &[&str]) -> bool {
    above
        .iter()
        .rev()
        .take_while(|line| !line.is_empty() && !line.starts_with('}') && !line.ends_with('}'))
        .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

/// `crate::module::tests::name`: in the module's file, or in a file of its tests.
fn in_crate(tree: &Tree, name: &str) -> bool {
    let mut words: Vec<&str> = name.split("::").collect();
    let (Some(test), true) = (words.pop(), words.len() > 1) else {
        return false;
    };
    let folder = match words[0] {
        "xtask" => "xtask".to_owned(),
        "longshore_model" => "crates/model".to_owned(),
        "longshore_client" => "crates/client".to_owned(),
        crate_name => format!("crates/{crate_name}"),
    };
    let modules = &words[1..];
    let own = format!("{folder}/src/{}.rs", modules.join("/"));
    let of_parent = format!("{folder}/src/{}.rs", modules[..modules.len() - 1].join("/"));
    in_rust(tree, &own, test)
        || (modules.last() == Some(&"tests") && in_rust(tree, &of_parent, test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: bool) {
        let tree = Tree::of(&[
            (
                "crates/control/src/ops/run_task.rs",
                "#[cfg(test)]\nmod tests {\n    #[test]\n    fn it_runs() {}\n    fn check() {}\n}\n",
            ),
            (
                "crates/api/src/sigv4/verify/tests.rs",
                "#[test]\nfn dates() {}\n",
            ),
            (
                "crates/client/tests/client/calls.rs",
                "#[tokio::test]\nasync fn sends() {}\n",
            ),
            (
                "conformance/test_a.py",
                "class A(Case):\n    def test_b(self):\n        pass\n\nclass C(Case):\n    def test_d(self):\n        pass\n",
            ),
        ]);
        assert_eq!(exists(&tree, name), expected, "{name}");
    }

    #[test]
    fn every_spelling_is_found() {
        check("control::ops::run_task::tests::it_runs", true);
        check("control::ops::run_task::tests::check", false);
        check("control::ops::run_task::tests::it_run", false);
        check("api::sigv4::verify::tests::dates", true);
        check("crates/client/tests/client/calls.rs::sends", true);
        check("crates/client/tests/client/calls.rs::receives", false);
        check("conformance/test_a.py::A.test_b", true);
        check("conformance/test_a.py::A.test_d", false);
        check("conformance/test_x.py::A.test_b", false);
        check("nothing", false);
    }
}

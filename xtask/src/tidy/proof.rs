//! Whether a test that a document names exists. Four spellings:
//! `crate::module::tests::name`, `crates/x/tests/file.rs::name`,
//! `conformance/test_x.py::Class.name`, and `letter/folder/file.txt::title` for a case of
//! `crates/control/tests/letter`.

use super::tree::Tree;

pub(super) fn exists(tree: &Tree, name: &str) -> bool {
    if let Some((file, test)) = name.split_once(".py::") {
        in_python(tree, &format!("{file}.py"), test)
    } else if let Some((file, title)) = name.split_once(".txt::") {
        in_cases(tree, &format!("crates/control/tests/{file}.txt"), title)
    } else if let Some((file, test)) = name.split_once(".rs::") {
        in_rust(tree, &format!("{file}.rs"), test)
    } else {
        in_crate(tree, name)
    }
}

/// The names in a list of names in backquotes that are separated by commas, as far as each of
/// them exists; else the complaint.
pub(super) fn check(tree: &Tree, list: &str) -> Result<(), String> {
    let inside = list
        .strip_prefix('`')
        .and_then(|list| list.strip_suffix('`'));
    let names = inside.ok_or_else(|| {
        format!("{list} is neither a test in backquotes nor a word on why there is none")
    })?;
    match names.split("`, `").find(|name| !exists(tree, name)) {
        Some(name) => Err(format!("there is no test {name}")),
        None => Ok(()),
    }
}

/// A case is a paragraph that begins with its title.
fn in_cases(tree: &Tree, file: &str, title: &str) -> bool {
    let mut lines = tree.text(file).into_iter().flat_map(str::lines);
    lines.any(|line| line.strip_prefix("# ") == Some(title))
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
    fn check_name(name: &str, expected: bool) {
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
                "crates/control/tests/letter/refused/group.txt",
                "Of groups.\n\n# no group, none at all\nRunTask {}\n",
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
        check_name("control::ops::run_task::tests::it_runs", true);
        check_name("control::ops::run_task::tests::check", false);
        check_name("control::ops::run_task::tests::it_run", false);
        check_name("api::sigv4::verify::tests::dates", true);
        check_name("crates/client/tests/client/calls.rs::sends", true);
        check_name("crates/client/tests/client/calls.rs::receives", false);
        check_name("conformance/test_a.py::A.test_b", true);
        check_name("conformance/test_a.py::A.test_d", false);
        check_name("conformance/test_x.py::A.test_b", false);
        check_name("letter/refused/group.txt::no group, none at all", true);
        check_name("letter/refused/group.txt::no group", false);
        check_name("letter/refused/other.txt::no group", false);
        check_name("nothing", false);
    }
}

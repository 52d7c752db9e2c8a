//! What only Linux has stays away from other systems: the program compiles for macOS without the
//! native driver, and nothing that needs Linux is among its crates there.

use std::collections::BTreeSet;

use anyhow::Context as _;

use super::text::without_tests;
use super::tree::Tree;
use crate::shell;

const ELSEWHERE: &str = "aarch64-apple-darwin";

/// Crates that do not compile, or make no sense, without Linux.
const LINUX_CRATES: [&str; 9] = [
    "libbpf-sys",
    "libcgroups",
    "libcontainer",
    "libseccomp",
    "linux-raw-sys",
    "netlink-packet-core",
    "nix",
    "procfs",
    "rust-criu",
];

/// Names that are not there elsewhere.
const LINUX_NAMES: [&str; 2] = ["runtime::native", "std::os::linux"];
const GATE: &str = "#[cfg(target_os = \"linux\")]";

pub(super) fn complaints(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let mut found = of_graph(&graph()?);
    found.extend(of_sources(tree));
    Ok(found)
}

/// The crates of the program elsewhere, one a line, with their versions.
fn graph() -> anyhow::Result<String> {
    let words = ["tree", "--package", "longshore", "--prefix", "none"];
    let mut cargo = shell::cargo();
    cargo
        .args(words)
        .args(["--edges", "normal", "--target", ELSEWHERE]);
    let done = cargo.output().context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&done.stderr);
    anyhow::ensure!(done.status.success(), "cargo tree: {told}");
    Ok(String::from_utf8(done.stdout)?)
}

fn of_graph(graph: &str) -> Vec<String> {
    let names = graph.lines().filter_map(|line| line.split(' ').next());
    let names: BTreeSet<&str> = names.collect();
    let found = LINUX_CRATES.iter().filter(|name| names.contains(*name));
    found
        .map(|name| format!("longshore needs {name} on {ELSEWHERE}, which is for Linux only"))
        .collect()
}

fn of_sources(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.files() {
        if !path.starts_with("crates/longshore/src/") || is_gated_module(tree, path) {
            continue;
        }
        let lines: Vec<&str> = without_tests(text).lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let is_linux = LINUX_NAMES.iter().any(|name| code.contains(name));
            if is_linux && !is_gated(&lines[..at]) {
                found.push(format!(
                    "{path}:{}: not below {GATE}: {}",
                    at + 1,
                    line.trim()
                ));
            }
        }
    }
    found
}

/// Whether the paragraph that ends here has the gate.
fn is_gated(before: &[&str]) -> bool {
    let paragraph = before.iter().rev().take_while(|line| !line.is_empty());
    paragraph.into_iter().any(|line| line.trim() == GATE)
}

/// Whether the module above brings this file in on Linux only.
fn is_gated_module(tree: &Tree, path: &str) -> bool {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let above = [format!("{folder}.rs"), format!("{folder}/lib.rs")];
    let declared = format!("{GATE}\nmod {name};");
    let above = above.iter().filter_map(|path| tree.text(path));
    above.into_iter().any(|text| text.contains(&declared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_for_linux_are_found_in_the_graph() {
        assert_eq!(
            of_graph("longshore v0.0.0\ntokio v1.0.0\nnix-like v1.0.0\n").len(),
            0
        );
        let found = of_graph("longshore v0.0.0\nnix v0.29.0\n");
        assert!(found[0].contains("longshore needs nix on"), "{found:?}");
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], finds: usize) {
        let found = of_sources(&Tree::of(files));
        assert_eq!(found.len(), finds, "{found:?}");
    }

    #[test]
    fn names_that_only_linux_has_stand_below_the_gate() {
        let use_it = "use runtime::native::image;\n";
        let file = "crates/longshore/src/a/b.rs";
        check(&[(file, use_it)], 1);
        check(&[(file, &format!("{GATE}\n{use_it}"))], 0);
        check(&[(file, &format!("{GATE}\nuse std::fs;\n\n{use_it}"))], 1);
        check(&[(file, &format!("// as {use_it}"))], 0);
        let above = ("crates/longshore/src/a.rs", &*format!("{GATE}\nmod b;\n"));
        check(&[(file, use_it), above], 0);
        check(&[("crates/runtime/src/c.rs", use_it)], 0);
    }
}

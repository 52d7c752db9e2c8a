//! The table of the seed's stack tells the truth: every registration, file and test that
//! it names is there.

use std::collections::BTreeSet;
use std::path::Path;

const TABLE: &str = include_str!("../../STACK.md");

/// The words in backquotes of a cell.
fn named(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn all_32_registrations_have_a_file_and_a_test_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut numbers = BTreeSet::new();
    for row in TABLE.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, here, tests] = cells[..] else {
            panic!("{row}")
        };
        numbers.extend(number.parse::<u8>());
        let mut files = named(here).filter(|name| name.ends_with(".rs")).peekable();
        assert!(files.peek().is_some(), "{row}");
        for file in files {
            assert!(root.join("src").join(file).exists(), "{file}");
        }
        assert!(named(tests).next().is_some(), "{row}");
        for test in named(tests) {
            let (file, name) = test.split_once("::").unwrap();
            let text = std::fs::read_to_string(root.join("tests/client").join(file)).unwrap();
            assert!(text.contains(&format!("fn {name}()")), "{test}");
        }
    }
    assert!(numbers.into_iter().eq(1..=32));
}

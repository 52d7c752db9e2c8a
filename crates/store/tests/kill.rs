//! Killed without warning, the journal keeps every row that was confirmed.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use store::journal::{SCHEMA_VERSION, Sqlite};
use store::{Change, Journal};

/// Set for the child only: the database it writes until it is killed.
const DATABASE: &str = "STORE_TEST_DATABASE";

fn row(number: u64) -> Change {
    let value = Some(vec![b'v'; 500 + number as usize % 3000]);
    Change {
        table: "t",
        number: number as i64,
        key: number.to_string(),
        value,
    }
}

/// Not a test of its own: the child's body.
#[test]
fn child_writes_until_killed() {
    let Some(path) = std::env::var_os(DATABASE) else {
        return;
    };
    let mut journal = Sqlite::open(Path::new(&path), SCHEMA_VERSION).unwrap();
    let start = journal.load().unwrap().take("t").len() as u64;
    let mut out = std::io::stdout();
    for number in start.. {
        journal.commit(&[row(number)]).unwrap();
        // A closed pipe means that the parent is gone.
        writeln!(out, "\nconfirmed {number}").unwrap();
    }
}

/// Runs the child until it has confirmed `count` rows, kills it, and returns
/// the highest number it confirmed.
fn run_and_kill(path: &Path, count: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writes_until_killed", "--nocapture"])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut confirmed =
        || lines.find_map(|line| line.unwrap().strip_prefix("confirmed ").map(str::to_owned));
    let mut last = (0..count).filter_map(|_| confirmed()).last();
    child.kill().unwrap();
    child.wait().unwrap();
    // What the child had confirmed between our last line and its end.
    while let Some(number) = confirmed() {
        last = Some(number);
    }
    last.unwrap().parse().unwrap()
}

#[test]
fn confirmed_rows_survive_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    for round in 1..=5 {
        let last = run_and_kill(&path, 40 * round);
        let mut found = Sqlite::open(&path, SCHEMA_VERSION)
            .unwrap()
            .load()
            .unwrap()
            .take("t");
        found.sort_by_key(|row| row.number);
        let keys: Vec<u64> = found.iter().map(|row| row.key.parse().unwrap()).collect();
        // At most one row more: committed, but killed before the line was out.
        assert!(
            keys.len() as u64 - 1 - last <= 1,
            "{} rows, confirmed {last}",
            keys.len()
        );
        assert_eq!(keys, (0..keys.len() as u64).collect::<Vec<_>>());
        assert!(
            found
                .iter()
                .zip(0..)
                .all(|(found, n)| Some(&found.value) == row(n).value.as_ref())
        );
    }
}

//! The notation of the cases.
//!
//! A file begins with prose. Each case is a paragraph: a line `# title`, any number of lines
//! `given …`, the request as operation and JSON, and in `refused/` the expected
//! `Exception: text`. An indented line continues the one above. What can be given:
//!
//! | Line | Meaning |
//! |---|---|
//! | `given OPERATION {json}` | an earlier request, which must succeed |
//! | `given N times …` | any other of these lines, as often |
//! | `given instance {json}` | a RegisterContainerInstance whose agent then connects |
//! | `given subnet NAME in ZONE` | the operator has told where this subnet is |
//! | `given vpc {json}` | the operator has declared a VPC: `id`, `subnets`, `securityGroups` |
//! | `given interfaces INSTANCE N` | as many awsvpc tasks fit on this instance |
//! | `given scripted` | a server of scripted containers |
//! | `given seconds N` | time passes, and what is due then happens |
//! | `given report TASK STATUS {json}` | the host of the task reports its status, and what differs from the usual report |
//!
//! `repeat(3, ab)` stands for `ababab`, and `list(3, {"key":"k#"})` for three items with commas
//! between them, `#` being the number of each; `repeat(0, x)` keeps a blank at the end of a line.
//! Ids of tasks and instances are written as they are
//! in the answers: `<task-1>` is the first one that an answer of this case shows.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The answer as JSON, or `Exception: text`.
pub(crate) type Outcome = Result<Value, String>;

#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Name of the file, with its folder.
    pub(crate) file: String,
    pub(crate) title: String,
    pub(crate) given: Vec<Step>,
    pub(crate) operation: String,
    pub(crate) body: String,
    /// Of a refused request.
    pub(crate) expected: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Call {
        operation: String,
        body: String,
    },
    Times(usize, Box<Step>),
    Instance {
        body: String,
    },
    Subnet {
        name: String,
        zone: String,
    },
    Interfaces {
        instance: String,
        number: u32,
    },
    Vpc {
        body: String,
    },
    Scripted,
    Seconds(i64),
    Report {
        task: String,
        status: String,
        /// What differs from the usual report, as members of `TaskReport`.
        more: String,
    },
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.title)
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/letter")
}

/// All of `refused/`.
pub(crate) fn refused() -> Vec<Case> {
    let cases: Vec<Case> = files("refused")
        .iter()
        .flat_map(|file| read(file))
        .collect();
    let open = cases.iter().find(|case| case.expected.is_none());
    assert!(open.is_none(), "no exception is expected: {open:?}");
    cases
}

/// All of `accepted/`, by file.
pub(crate) fn accepted() -> Vec<(PathBuf, Vec<Case>)> {
    let read = |file: PathBuf| {
        let cases = read(&file);
        let closed = cases.iter().find(|case| case.expected.is_some());
        assert!(closed.is_none(), "the answer stands beside: {closed:?}");
        (file, cases)
    };
    files("accepted").into_iter().map(read).collect()
}

pub(crate) fn all() -> Vec<Case> {
    let accepted = accepted().into_iter().flat_map(|(_, cases)| cases);
    refused().into_iter().chain(accepted).collect()
}

/// The steps of `world.txt`.
pub(crate) fn world() -> Vec<Step> {
    let text = std::fs::read_to_string(folder().join("world.txt")).unwrap();
    let steps = logical_lines(&text).into_iter();
    steps
        .filter_map(|line| line.strip_prefix("given ").map(step))
        .collect()
}

fn files(kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder().join(kind)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_text = |path: &PathBuf| path.extension().is_some_and(|one| one == "txt");
    let mut files: Vec<PathBuf> = paths.filter(is_text).collect();
    files.sort();
    files
}

fn read(file: &Path) -> Vec<Case> {
    let name = file.strip_prefix(folder()).unwrap().display().to_string();
    let text = std::fs::read_to_string(file).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    for line in logical_lines(&text) {
        if let Some(title) = line.strip_prefix("# ") {
            let known = cases.iter().any(|case| case.title == title);
            assert!(!known, "{name}: {title}: there are two of them");
            cases.push(titled(&name, title));
        } else if let Some(case) = cases.last_mut() {
            add(case, &line);
        }
    }
    let empty = cases.iter().find(|case| case.operation.is_empty());
    assert!(empty.is_none(), "nothing is asked: {empty:?}");
    cases
}

fn titled(file: &str, title: &str) -> Case {
    Case {
        file: file.to_owned(),
        title: title.to_owned(),
        given: Vec::new(),
        operation: String::new(),
        body: String::new(),
        expected: None,
    }
}

fn add(case: &mut Case, line: &str) {
    if let Some(given) = line.strip_prefix("given ") {
        case.given.push(step(given));
    } else if case.operation.is_empty() {
        (case.operation, case.body) = request(line);
    } else {
        assert!(case.expected.is_none(), "{case}: what is {line:?}?");
        case.expected = Some(expanded(line));
    }
}

fn step(text: &str) -> Step {
    let words: Vec<&str> = text.split(' ').collect();
    match *words {
        ["scripted"] => Step::Scripted,
        ["seconds", number] => Step::Seconds(number.parse().unwrap()),
        ["subnet", name, "in", zone] => Step::Subnet {
            name: name.to_owned(),
            zone: zone.to_owned(),
        },
        ["vpc", ..] => Step::Vpc {
            body: request(text).1,
        },
        ["interfaces", instance, number] => Step::Interfaces {
            instance: instance.to_owned(),
            number: number.parse().unwrap(),
        },
        ["report", task, status, ..] => Step::Report {
            task: task.to_owned(),
            status: status.to_owned(),
            more: text.find('{').map_or("{}", |at| &text[at..]).to_owned(),
        },
        ["instance", ..] => Step::Instance {
            body: request(text).1,
        },
        [number, "times", ..] => {
            let (_, text) = text.split_once(" times ").unwrap();
            Step::Times(number.parse().unwrap(), Box::new(step(text)))
        }
        _ => {
            let (operation, body) = request(text);
            Step::Call { operation, body }
        }
    }
}

fn request(line: &str) -> (String, String) {
    let (operation, body) = line.split_once(' ').unwrap_or((line, ""));
    (operation.to_owned(), expanded(body))
}

/// Lines that hold something, each with those that continue it.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match lines.last_mut() {
            Some(last) if line.starts_with(' ') => {
                *last += " ";
                *last += line.trim();
            }
            _ => lines.push(line.trim_end().to_owned()),
        }
    }
    lines
}

/// The text with every `repeat(…)` and `list(…)` written out, the innermost first.
pub(crate) fn expanded(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some((at, keyword)) = ["repeat(", "list("]
        .iter()
        .filter_map(|keyword| Some((text.rfind(keyword)?, *keyword)))
        .max()
    {
        let inside = &text[at + keyword.len()..];
        let end = end_of(inside);
        let (count, item) = inside[..end].split_once(", ").expect("a count and a text");
        let count = 1..=count.parse::<usize>().expect("a count");
        let written = if keyword == "list(" {
            let items: Vec<String> = count.map(|n| item.replace('#', &n.to_string())).collect();
            items.join(",")
        } else {
            count.map(|_| item).collect()
        };
        text = format!("{}{written}{}", &text[..at], &inside[end + 1..]);
    }
    text
}

/// Where the bracket closes that was opened just before this text.
fn end_of(text: &str) -> usize {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    panic!("a bracket stays open: {text}");
}

#[test]
fn repetitions_are_written_out() {
    assert_eq!(expanded(r#"{"a":"repeat(3, x)"}"#), r#"{"a":"xxx"}"#);
    assert_eq!(expanded("[list(2, k#=(a))]"), "[k1=(a),k2=(a)]");
    assert_eq!(expanded("list(2, repeat(2, y)#)"), "yy1,yy2");
}

#[test]
fn an_indented_line_continues_the_one_above() {
    assert_eq!(logical_lines("a\n  b\n\nc \n"), ["a b", "c"]);
}

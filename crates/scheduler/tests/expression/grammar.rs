//! Expressions made from the grammar. What one says and how it is spelt come from two seeds,
//! so that one meaning can be had in many spellings.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Names of attributes; the instances have some of them.
pub(crate) const NAMES: [&str; 7] = [
    "a",
    "stack",
    "ecs.instance-type",
    "ecs.availability-zone",
    "gpu-pool",
    "x/y\\z.0_-",
    "or",
];
/// Values; all may also stand without quotation marks.
pub(crate) const VALUES: [&str; 12] = [
    "1",
    "10",
    "9.5",
    "prod",
    "test",
    "us-east-1a",
    "us-east-1b",
    "t2.small",
    "g2.8xlarge",
    "service:production",
    "family:database",
    "i-abcd1234",
];
/// Values that need quotation marks, or look like something else.
const ODD_VALUES: [&str; 8] = [
    "",
    "a b",
    "(a)",
    "[a, b]",
    "and",
    "x && y",
    "\"a\"",
    "日本語",
];
const VERSIONS: [&str; 5] = ["1.14.5", "1.0.0", "1.100.1", "2", "0.0.0.1"];
const MOMENTS: [&str; 5] = [
    "2018-06-18T22:28:28+00:00",
    "2018-06-18T22:28:28Z",
    "2018-06-18T22:28:28",
    "2018-06-18",
    "1970-01-01",
];
const COUNTS: [&str; 4] = ["0", "1", "2", "100"];
/// Parts of patterns; any row of them is a pattern.
const FRAGMENTS: [&str; 16] = [
    "t2",
    "\\.",
    ".*",
    ".+",
    "[a-z]+",
    "[^0-9]",
    "\\d",
    "x?",
    "(a|b)",
    "(?:us|eu)-",
    "1{1,3}",
    "$",
    "^",
    "prod",
    "\\w*",
    ":",
];
/// Patterns that Java knows and we refuse, or that are wrong.
const REFUSED: [&str; 6] = ["(?=a)b", "a*+", "\\1", "(a", "[z-a]", "*"];

/// Both spellings.
type Spelt = [&'static str; 2];
const EQUALITY: [Spelt; 2] = [["==", "equals"], ["!=", "not_equals"]];
const ORDERING: [Spelt; 4] = [
    [">", "greater_than"],
    [">=", "greater_than_equal"],
    ["<", "less_than"],
    ["<=", "less_than_equal"],
];
const LISTS: [Spelt; 2] = [["in", "in"], ["!in", "not_in"]];
const PATTERNS: [Spelt; 2] = [["=~", "matches"], ["!~", "not_matches"]];
const EXISTENCE: [Spelt; 2] = [["exists", "exists"], ["!exists", "not_exists"]];

/// An expression; the same seeds make the same one. Seldom longer than the limit.
pub(crate) fn expression(meaning: u64, spelling: u64) -> String {
    let mut writer = Writer {
        meaning: ChaCha8Rng::seed_from_u64(meaning),
        spelling: ChaCha8Rng::seed_from_u64(spelling),
        text: String::new(),
    };
    let depth = writer.meaning.random_range(0..5);
    writer.whole(depth);
    writer.text
}

struct Writer {
    meaning: ChaCha8Rng,
    spelling: ChaCha8Rng,
    text: String,
}

impl Writer {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from.choose(&mut self.meaning).expect("a table has rows")
    }

    /// True once in so many.
    fn says(&mut self, once_in: u32) -> bool {
        self.meaning.random_ratio(1, once_in)
    }

    fn spells(&mut self, once_in: u32) -> bool {
        self.spelling.random_ratio(1, once_in)
    }

    fn whole(&mut self, depth: u32) {
        match self.meaning.random_range(0..6) {
            0 | 1 if depth > 0 => self.joined(["&&", "and"], depth),
            2 | 3 if depth > 0 => self.joined(["||", "or"], depth),
            4 if depth > 0 => {
                self.token(["!", "not"]);
                self.enclosed(depth - 1);
            }
            _ => self.comparison(),
        }
        if self.spells(8) {
            self.blanks();
        }
    }

    /// Parts in parentheses, as what is inside may bind less tightly.
    fn joined(&mut self, sign: Spelt, depth: u32) {
        let parts = self.meaning.random_range(2..5);
        for part in 0..parts {
            if part > 0 {
                self.token(sign);
            }
            if self.says(2) {
                self.comparison();
            } else {
                self.enclosed(depth - 1);
            }
        }
    }

    fn enclosed(&mut self, depth: u32) {
        let pairs = if self.spells(6) { 2 } else { 1 };
        for _ in 0..pairs {
            self.put("(");
            if self.spells(4) {
                self.blanks();
            }
        }
        self.whole(depth);
        self.text.push_str(&")".repeat(pairs));
    }

    fn comparison(&mut self) {
        match self.meaning.random_range(0..12) {
            0 => self.text_test("agentConnected", false, false, &["true", "false"]),
            1 => self.text_test("ec2InstanceId", false, false, &VALUES),
            2 => self.measure("agentVersion", &VERSIONS),
            3 => self.measure("registeredAt", &MOMENTS),
            4 => self.measure("runningTasksCount", &COUNTS),
            5 | 6 => self.text_test("task:group", false, true, &VALUES),
            _ => {
                let subject = format!("attribute:{}", self.pick(&NAMES));
                self.text_test(&subject, true, true, &VALUES);
            }
        }
    }

    fn measure(&mut self, subject: &str, values: &[&str]) {
        self.word(subject);
        let all = [&EQUALITY[..], &ORDERING[..]].concat();
        let operator = self.pick(&all);
        self.token(operator);
        let value = self.pick(values);
        self.literal(value);
    }

    fn text_test(&mut self, subject: &str, orders: bool, exists: bool, values: &[&str]) {
        self.word(subject);
        match self.meaning.random_range(0..10) {
            0 | 1 => self.list(values),
            2 => self.pattern(),
            3 | 4 if orders => self.compared(&ORDERING, values),
            5 if exists => {
                let operator = self.pick(&EXISTENCE);
                self.token(operator);
            }
            _ => self.compared(&EQUALITY, values),
        }
    }

    fn compared(&mut self, operators: &[Spelt], values: &[&str]) {
        let operator = self.pick(operators);
        self.token(operator);
        self.value(values);
    }

    fn value(&mut self, values: &[&str]) {
        let value = if self.says(10) {
            self.pick(&ODD_VALUES)
        } else {
            self.pick(values)
        };
        self.literal(value);
    }

    fn list(&mut self, values: &[&str]) {
        let operator = self.pick(&LISTS);
        self.token(operator);
        self.put("[");
        let length = self.meaning.random_range(1..6);
        for at in 0..length {
            if at > 0 {
                self.put(",");
            }
            if self.spells(2) {
                self.blanks();
            }
            self.value(values);
        }
        if self.spells(6) {
            self.blanks();
        }
        self.text.push(']');
    }

    fn pattern(&mut self) {
        let operator = self.pick(&PATTERNS);
        self.token(operator);
        let mut pattern = if self.says(100) {
            self.pick(&REFUSED).to_owned()
        } else {
            String::new()
        };
        for _ in 0..self.meaning.random_range(1..5) {
            pattern.push_str(self.pick(&FRAGMENTS));
        }
        self.literal(&pattern);
    }

    /// Bare where it can be.
    fn literal(&mut self, value: &str) {
        let special = |c: char| c.is_whitespace() || "()[],'".contains(c);
        if value.is_empty() || value.contains(special) || self.spells(3) {
            self.put(&format!("'{value}'"));
        } else {
            self.word(value);
        }
    }

    fn token(&mut self, spelt: Spelt) {
        let spelling = usize::from(self.spells(2));
        self.word(spelt[spelling]);
    }

    /// A sign or a word, with a blank before it where the two would run together.
    fn word(&mut self, text: &str) {
        let is_sign = |c: char| "!=<>~&|".contains(c);
        let runs_together = |last: char, next: char| match (is_sign(last), is_sign(next)) {
            // `==` behind the name of an attribute; a bare value would take it in, so
            // connectives are never this near.
            (false, true) => !"()[],'".contains(last) && "&|".contains(next),
            (true, false) => false,
            _ => !"()[],'".contains(last),
        };
        let last = self.text.chars().next_back();
        let next = text.chars().next();
        let must = last
            .zip(next)
            .is_some_and(|(last, next)| !last.is_whitespace() && runs_together(last, next));
        if must || self.spells(2) {
            self.blanks();
        }
        self.text.push_str(text);
    }

    /// Text that never runs together with what is before it.
    fn put(&mut self, text: &str) {
        if self.spells(4) {
            self.blanks();
        }
        self.text.push_str(text);
    }

    fn blanks(&mut self) {
        let blanks = [" ", " ", " ", "  ", "\t", "\n", " \r\n", "\u{a0}"];
        let blank = blanks.choose(&mut self.spelling);
        self.text.push_str(blank.expect("a table has rows"));
    }
}

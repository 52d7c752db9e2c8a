//! From text to a tree.

use std::fmt;

use model::Timestamp;

use super::operand::{self, Version};
use super::operator::{ALL, GROUP, IDENTITY, MEASURE, Operator, SIGNS, Takes, WORDS};
use super::pattern::{self, Pattern};
use super::scanner::{Scanner, is_bare};
use crate::limits::{ATTRIBUTE_NAME_CHARS_MAX, EXPRESSION_CHARS_MAX, EXPRESSION_NESTING_MAX};

/// The first mistake in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Where it is: characters before it.
    pub position: usize,
    pub expected: String,
    pub found: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            expected,
            found,
        } = self;
        write!(
            f,
            "at character {}: expected {expected}, found {found}",
            position + 1
        )
    }
}

impl std::error::Error for ParseError {}

#[derive(Clone, Debug)]
pub(super) enum Node {
    /// At least two.
    Or(Vec<Node>),
    And(Vec<Node>),
    Not(Box<Node>),
    Attribute(String, TextTest),
    TaskGroup(TextTest),
    AgentConnected(TextTest),
    Ec2InstanceId(TextTest),
    AgentVersion(Order, Version),
    RegisteredAt(Order, Timestamp),
    RunningTasksCount(Order, i64),
}

/// A test of a text that may be absent.
#[derive(Clone, Debug)]
pub(super) enum TextTest {
    Compare(Order, String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Matches(Pattern),
    NotMatches(Pattern),
    Exists,
    NotExists,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
}

type Parsed<T> = Result<T, ParseError>;

pub(super) fn parse(text: &str) -> Parsed<Node> {
    let length = text.chars().count();
    if length > EXPRESSION_CHARS_MAX {
        return Err(ParseError {
            position: EXPRESSION_CHARS_MAX,
            expected: format!("at most {EXPRESSION_CHARS_MAX} characters"),
            found: length.to_string(),
        });
    }
    let mut parser = Parser {
        scanner: Scanner::new(text),
        depth: 0,
        patterns: 0,
    };
    let root = parser.or()?;
    parser.scanner.skip_blanks();
    match parser.scanner.peek() {
        None => Ok(root),
        Some(_) => Err(parser.expected("`and`, `or` or the end")),
    }
}

struct Parser {
    scanner: Scanner,
    depth: usize,
    /// Size of all patterns so far.
    patterns: usize,
}

impl Parser {
    fn expected(&mut self, what: impl Into<String>) -> ParseError {
        self.scanner.skip_blanks();
        ParseError {
            position: self.scanner.position(),
            expected: what.into(),
            found: self.scanner.found(),
        }
    }

    fn or(&mut self) -> Parsed<Node> {
        let mut parts = vec![self.and()?];
        while self.joined_by("||", "or") {
            parts.push(self.and()?);
        }
        Ok(one_or(parts, Node::Or))
    }

    fn and(&mut self) -> Parsed<Node> {
        let mut parts = vec![self.not()?];
        while self.joined_by("&&", "and") {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Node::And))
    }

    fn not(&mut self) -> Parsed<Node> {
        self.scanner.skip_blanks();
        if self.scanner.eat("!") || self.eat_word("not") {
            return Ok(Node::Not(Box::new(self.deeper(Self::not)?)));
        }
        if self.scanner.eat("(") {
            let inner = self.deeper(Self::or)?;
            self.scanner.skip_blanks();
            if !self.scanner.eat(")") {
                return Err(self.expected("`and`, `or` or `)`"));
            }
            return Ok(inner);
        }
        self.comparison()
    }

    fn deeper(&mut self, parse: fn(&mut Self) -> Parsed<Node>) -> Parsed<Node> {
        if self.depth == EXPRESSION_NESTING_MAX {
            let what = format!(
                "at most {EXPRESSION_NESTING_MAX} parentheses and negations within each other"
            );
            return Err(self.expected(what));
        }
        self.depth += 1;
        let inner = parse(self);
        self.depth -= 1;
        inner
    }

    fn joined_by(&mut self, sign: &str, word: &str) -> bool {
        self.scanner.skip_blanks();
        self.scanner.eat(sign) || self.eat_word(word)
    }

    /// Reads the word unless more of a word follows it.
    fn eat_word(&mut self, word: &str) -> bool {
        let start = self.scanner.position();
        let ends = |next: Option<char>| !next.is_some_and(is_of_subject);
        if self.scanner.eat(word) && ends(self.scanner.peek()) {
            return true;
        }
        self.scanner.back_to(start);
        false
    }

    fn comparison(&mut self) -> Parsed<Node> {
        let start = self.scanner.position();
        let subject = self.scanner.take_while(is_of_subject);
        let takes = match subject.as_str() {
            "task:group" => GROUP,
            "agentConnected" | "ec2InstanceId" => IDENTITY,
            "agentVersion" | "registeredAt" | "runningTasksCount" => MEASURE,
            other if attribute_name(other).is_some() => ALL,
            _ => {
                self.scanner.back_to(start);
                return Err(self.expected(
                    "attribute:NAME, task:group, agentConnected, agentVersion, ec2InstanceId, \
                     registeredAt, runningTasksCount, `not` or `(`",
                ));
            }
        };
        let operator = self.operator(&subject, takes)?;
        self.node(&subject, operator)
    }

    fn operator(&mut self, subject: &str, takes: Takes) -> Parsed<Operator> {
        self.scanner.skip_blanks();
        let start = self.scanner.position();
        let sign = SIGNS.iter().find(|(sign, _)| self.scanner.eat(sign));
        let known = match sign {
            Some((_, operator)) => Some(*operator),
            None => {
                let word = self
                    .scanner
                    .take_while(|c| c.is_ascii_alphabetic() || c == '_');
                let known = WORDS.iter().find(|(known, _)| *known == word);
                known.map(|(_, operator)| *operator)
            }
        };
        known
            .filter(|operator| takes.takes(*operator))
            .ok_or_else(|| {
                self.scanner.back_to(start);
                self.expected(format!("an operator of {subject}: {}", takes.in_words()))
            })
    }

    fn node(&mut self, subject: &str, operator: Operator) -> Parsed<Node> {
        self.scanner.skip_blanks();
        let start = self.scanner.position();
        if let Some(name) = attribute_name(subject) {
            return Ok(Node::Attribute(name.to_owned(), self.text_test(operator)?));
        }
        match (subject, operator) {
            ("task:group", _) => Ok(Node::TaskGroup(self.text_test(operator)?)),
            ("agentConnected", _) => Ok(Node::AgentConnected(self.text_test(operator)?)),
            ("ec2InstanceId", _) => Ok(Node::Ec2InstanceId(self.text_test(operator)?)),
            ("agentVersion", Operator::Order(order)) => {
                let value = self.measured(start, "a version like 1.2.3", Version::parse)?;
                Ok(Node::AgentVersion(order, value))
            }
            ("registeredAt", Operator::Order(order)) => {
                let what = "a date like 2018-06-18 or 2018-06-18T22:28:28Z";
                let value = self.measured(start, what, operand::moment)?;
                Ok(Node::RegisteredAt(order, value))
            }
            (_, Operator::Order(order)) => {
                let value = self.measured(start, "a whole number", |text| text.parse().ok())?;
                Ok(Node::RunningTasksCount(order, value))
            }
            // The operators of a measure are orders only.
            _ => Err(self.expected("another operator")),
        }
    }

    fn text_test(&mut self, operator: Operator) -> Parsed<TextTest> {
        Ok(match operator {
            Operator::Order(order) => TextTest::Compare(order, self.literal()?),
            Operator::In => TextTest::In(self.list()?),
            Operator::NotIn => TextTest::NotIn(self.list()?),
            Operator::Matches => TextTest::Matches(self.pattern()?),
            Operator::NotMatches => TextTest::NotMatches(self.pattern()?),
            Operator::Exists => TextTest::Exists,
            Operator::NotExists => TextTest::NotExists,
        })
    }

    fn measured<T>(
        &mut self,
        start: usize,
        what: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Parsed<T> {
        let text = self.literal()?;
        read(&text).ok_or_else(|| {
            self.scanner.back_to(start);
            self.expected(what)
        })
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        self.scanner.skip_blanks();
        let position = self.scanner.position();
        let text = self.literal()?;
        let read = Pattern::parse(&text).and_then(|pattern| {
            self.patterns += pattern.size();
            if self.patterns > pattern::SIZE_MAX {
                return Err("the regular expressions are too large together".to_owned());
            }
            Ok(pattern)
        });
        read.map_err(|problem| ParseError {
            position,
            expected: "a regular expression".to_owned(),
            found: format!("`{text}`: {problem}"),
        })
    }

    fn list(&mut self) -> Parsed<Vec<String>> {
        self.scanner.skip_blanks();
        if !self.scanner.eat("[") {
            return Err(self.expected("`[`"));
        }
        let mut literals = vec![self.literal()?];
        loop {
            self.scanner.skip_blanks();
            if self.scanner.eat("]") {
                return Ok(literals);
            }
            if !self.scanner.eat(",") {
                return Err(self.expected("`,` or `]`"));
            }
            literals.push(self.literal()?);
        }
    }

    /// A word, or anything but a quotation mark between two single ones. Whether AWS takes
    /// double ones is not known; here they are characters like others.
    fn literal(&mut self) -> Parsed<String> {
        self.scanner.skip_blanks();
        if self.scanner.eat("'") {
            let text = self.scanner.take_while(|c| c != '\'');
            if !self.scanner.eat("'") {
                return Err(self.expected("`'`"));
            }
            return Ok(text);
        }
        let word = self.scanner.take_while(is_bare);
        if word.is_empty() {
            return Err(self.expected("a value"));
        }
        Ok(word)
    }
}

fn one_or(mut parts: Vec<Node>, several: fn(Vec<Node>) -> Node) -> Node {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            several(parts)
        }
        None => several(parts),
    }
}

/// What names of subjects, of attributes and word operators consist of.
fn is_of_subject(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_/\\.:".contains(character)
}

fn attribute_name(subject: &str) -> Option<&str> {
    let name = subject.strip_prefix("attribute:")?;
    let valid = (1..=ATTRIBUTE_NAME_CHARS_MAX).contains(&name.len()) && !name.contains(':');
    valid.then_some(name)
}

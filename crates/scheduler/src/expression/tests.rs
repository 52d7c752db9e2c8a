//! Accepted, refused, evaluated: rows of data.

use super::*;

/// An instance that shows what a text says: `NAME=VALUE` attributes, `NAME` valueless ones,
/// `@GROUP` tasks, and fixed facts.
struct Instance(&'static str);

impl Instance {
    fn attributes(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let words = self.0.split(", ").filter(|word| !word.is_empty());
        let words = words.filter(|word| !word.starts_with('@'));
        words.map(|word| match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        })
    }
}

impl Subjects for Instance {
    fn attribute(&self, name: &str) -> Option<Option<&str>> {
        let mut all = self.attributes();
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    fn any_task_group(&self, pass: &mut dyn FnMut(&str) -> bool) -> bool {
        let groups = self.0.split(", ").filter_map(|word| word.strip_prefix('@'));
        let mut groups = groups;
        groups.any(pass)
    }

    fn agent_connected(&self) -> bool {
        true
    }

    fn agent_version(&self) -> &'static str {
        "1.14.10"
    }

    fn ec2_instance_id(&self) -> Option<&str> {
        Some("i-abcd1234")
    }

    /// 2018-06-18T22:28:28Z and 500 milliseconds.
    fn registered_at(&self) -> Timestamp {
        Timestamp::from_millis(1_529_360_908_500)
    }

    fn running_tasks_count(&self) -> u32 {
        2
    }
}

#[track_caller]
fn check(expression: &str, instance: &'static str, expected: bool) {
    let parsed = Expression::parse(expression);
    let parsed = parsed.unwrap_or_else(|error| panic!("{expression}: {error}"));
    assert_eq!(
        parsed.matches(&Instance(instance)),
        expected,
        "{expression} on {instance}"
    );
    let negated = format!("not({expression})");
    let negated = Expression::parse(&negated).unwrap();
    assert_ne!(
        negated.matches(&Instance(instance)),
        expected,
        "not({expression})"
    );
}

#[track_caller]
fn check_refused(expression: &str, expected: &str) {
    match Expression::parse(expression) {
        Ok(_) => panic!("{expression} was taken"),
        Err(error) => assert_eq!(error.to_string(), expected, "{expression}"),
    }
}

const PROD: &str =
    "stack=prod, size=9, gpu-pool, ecs.instance-type=t2.small, @database, @family:web";

#[test]
fn every_operator_of_an_attribute() {
    for (test, expected) in [
        ("== prod", true),
        ("equals prod", true),
        ("== Prod", false),
        ("== 'prod'", true),
        ("!= prod", false),
        ("not_equals test", true),
        ("!= test", true),
        ("> peach", true),
        ("greater_than prod", false),
        (">= prod", true),
        ("greater_than_equal prod", true),
        ("< prods", true),
        ("less_than prod", false),
        ("<= prod", true),
        ("less_than_equal pro", false),
        ("in [test, prod]", true),
        ("in ['test','prod']", true),
        ("in [test]", false),
        ("!in [test]", true),
        ("not_in [ prod ]", false),
        ("=~ pr.*", true),
        ("matches pro", false),
        ("!~ pro", true),
        ("not_matches p..d", false),
        ("exists", true),
        ("!exists", false),
        ("not_exists", false),
    ] {
        check(&format!("attribute:stack {test}"), PROD, expected);
    }
}

#[test]
fn an_absent_attribute_matches_no_comparison() {
    for test in [
        "== x", "!= x", "> x", "in [x]", "!in [x]", "=~ .*", "!~ x", "exists",
    ] {
        check(&format!("attribute:absent {test}"), PROD, false);
    }
    check("attribute:absent !exists", PROD, true);
    // One without a value exists, and is equal or unequal to nothing.
    check("attribute:gpu-pool exists", PROD, true);
    check("attribute:gpu-pool == x", PROD, false);
    check("attribute:gpu-pool != x", PROD, false);
}

#[test]
fn attributes_are_ordered_as_numbers_where_they_are_numbers() {
    check("attribute:size < 10", PROD, true);
    check("attribute:zero < 0", "zero=-0", false);
    check("attribute:size >= 9.0", PROD, true);
    check("attribute:size < 10x", PROD, false);
    check("attribute:size > inf", PROD, false);
}

#[test]
fn a_group_matches_when_some_task_has_it() {
    check("task:group == database", PROD, true);
    check("task:group == family:web", PROD, true);
    check("task:group == web", PROD, false);
    check("task:group != database", PROD, true);
    check("task:group != database", "@database", false);
    check("task:group in [a, database]", PROD, true);
    check("task:group !in [database, family:web]", PROD, false);
    check("task:group =~ family:.*", PROD, true);
    check("task:group exists", PROD, true);
    check("task:group exists", "", false);
    check("task:group !exists", "", true);
    check("task:group !exists", PROD, false);
}

#[test]
fn facts_of_the_instance() {
    check("agentConnected == true", "", true);
    check("agentConnected != true", "", false);
    check("agentConnected in [false]", "", false);
    check("agentConnected =~ t.*", "", true);
    check("agentVersion < 1.14.9", "", false);
    check("agentVersion > 1.14.9", "", true);
    check("agentVersion == 1.14.10", "", true);
    check("agentVersion != 1.14.10.0", "", false);
    check("agentVersion <= 2", "", true);
    check("ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']", "", true);
    check("ec2InstanceId !~ i-a.*", "", false);
    check("ec2InstanceId != i-0", "", true);
    check("registeredAt < 2018-06-19", "", true);
    check("registeredAt < 2018-06-18", "", false);
    check("registeredAt == 2018-06-18T22:28:28", "", true);
    check("registeredAt >= 2018-06-18T22:28:29Z", "", false);
    check("registeredAt == 2018-06-19T00:28:28+02:00", "", true);
    check("registeredAt == 2018-06-19T00:28:28+0200", "", true);
    check("runningTasksCount == 2", "", true);
    check("runningTasksCount > 2", "", false);
    check("runningTasksCount >= -1", "", true);
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    let (yes, no) = ("attribute:stack exists", "attribute:absent exists");
    for (expression, expected) in [
        (format!("{yes} or {no} and {no}"), true),
        (format!("({yes} or {no}) and {no}"), false),
        (format!("{yes} || {no} && {no}"), true),
        (format!("not {no} and {yes}"), true),
        (format!("not ({no} or {yes})"), false),
        (format!("!{no} && !({no})"), true),
        (format!("! not {yes}"), true),
        (format!("(({yes}))"), true),
        (format!("  {yes}  "), true),
    ] {
        check(&expression, PROD, expected);
    }
}

#[test]
fn blanks_are_needed_only_between_words() {
    check("attribute:stack==prod", PROD, true);
    check("attribute:stack in[prod]", PROD, true);
    check("not(task:group==other)and attribute:size>=9", PROD, true);
    check("attribute:ecs.instance-type =~ t2.*", PROD, true);
    check("attribute:order == and", "order=and", true);
    check("attribute:a/b\\c_d == 1", "a/b\\c_d=1", true);
    check("attribute:stack == \"prod\"", "stack=\"prod\"", true);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let subjects = "attribute:NAME, task:group, agentConnected, agentVersion, ec2InstanceId, \
                    registeredAt, runningTasksCount, `not` or `(`";
    for (expression, position, found) in [
        ("", 1, "the end"),
        ("stack == prod", 1, "`stack`"),
        ("attribute: == prod", 1, "`attribute:`"),
        ("attribute:a:b == prod", 1, "`attribute:a:b`"),
        ("(", 2, "the end"),
        ("not", 4, "the end"),
        ("attribute:a exists and", 23, "the end"),
        ("attribute:a exists or )", 23, "`)`"),
        ("AND", 1, "`AND`"),
    ] {
        let expected = format!("at character {position}: expected {subjects}, found {found}");
        check_refused(expression, &expected);
    }
    let ends = "`and`, `or` or the end";
    for (expression, expected) in [
        ("attribute:a exists attribute:b exists",
            format!("at character 20: expected {ends}, found `attribute:b`")),
        ("attribute:a exists)", format!("at character 19: expected {ends}, found `)`")),
        ("(attribute:a exists", "at character 20: expected `and`, `or` or `)`, found the end".to_owned()),
        ("attribute:a ==", "at character 15: expected a value, found the end".to_owned()),
        ("attribute:a == 'x", "at character 18: expected `'`, found the end".to_owned()),
        ("attribute:a in x", "at character 16: expected `[`, found `x`".to_owned()),
        ("attribute:a in []", "at character 17: expected a value, found `]`".to_owned()),
        ("attribute:a in [x", "at character 18: expected `,` or `]`, found the end".to_owned()),
        ("attribute:a in [x,]", "at character 19: expected a value, found `]`".to_owned()),
        ("agentVersion < new", "at character 16: expected a version like 1.2.3, found `new`".to_owned()),
        ("runningTasksCount == few",
            "at character 22: expected a whole number, found `few`".to_owned()),
        ("registeredAt < soon",
            "at character 16: expected a date like 2018-06-18 or 2018-06-18T22:28:28Z, found `soon`"
                .to_owned()),
    ] {
        check_refused(expression, &expected);
    }
}

#[test]
fn a_subject_takes_its_own_operators_only() {
    for (expression, operators) in [
        (
            "task:group > a",
            "`==`, `!=`, `in`, `!in`, `=~`, `!~`, `exists`, `!exists`",
        ),
        (
            "agentConnected exists",
            "`==`, `!=`, `in`, `!in`, `=~`, `!~`",
        ),
        ("ec2InstanceId < i", "`==`, `!=`, `in`, `!in`, `=~`, `!~`"),
        ("agentVersion =~ 1.*", "`==`, `!=`, `>`, `>=`, `<`, `<=`"),
        ("registeredAt in [x]", "`==`, `!=`, `>`, `>=`, `<`, `<=`"),
        (
            "runningTasksCount exists",
            "`==`, `!=`, `>`, `>=`, `<`, `<=`",
        ),
    ] {
        let (subject, rest) = expression.split_once(' ').unwrap();
        let position = subject.len() + 2;
        let found = rest.split(' ').next().unwrap();
        let expected = format!(
            "at character {position}: expected an operator of {subject}: {operators}, found `{found}`"
        );
        check_refused(expression, &expected);
    }
}

#[test]
fn patterns_that_cannot_be_matched_in_linear_time_are_refused() {
    for (pattern, problem) in [
        (
            "a*+",
            "possessive repetition is not supported (its character 3)",
        ),
        (
            "'(?=a)b'",
            "look-around, including look-ahead and look-behind, is not supported",
        ),
        (r"'(a)\1'", "backreferences are not supported"),
        ("'(a'", "unclosed group"),
        ("'a){1,2}(?:b'", "unopened group"),
        ("a{9999}", "the regular expression is too large"),
    ] {
        let bare = pattern.trim_matches('\'');
        check_refused(
            &format!("attribute:x =~ {pattern}"),
            &format!("at character 16: expected a regular expression, found `{bare}`: {problem}"),
        );
    }
    // A plus in a class, and one that is meant, are none.
    check("attribute:x =~ '[a*+]b+'", "x=+bb", true);
    check(r"attribute:x =~ a\++", "x=a++", true);
}

/// The crate would take them and mean something else, or something Java refuses.
#[test]
fn patterns_that_java_reads_otherwise_are_refused() {
    for (pattern, problem) in [
        (
            r"a\<b",
            r"an escaped angle bracket is not supported (its character 2)",
        ),
        (r"a\v", r"`\v` is not supported (its character 2)"),
        (r"\b{start}a", r"`\b{` is not supported (its character 1)"),
        (
            "[a--b]",
            "`--` in a class is not supported (its character 3)",
        ),
        (
            "[a~~b]",
            "`~~` in a class is not supported (its character 3)",
        ),
        (
            "[[:alpha:]]",
            "a class of POSIX is not supported (its character 2)",
        ),
        (
            "(?U)a+",
            "one of the flags is not supported (its character 1)",
        ),
        (
            "(?i-x:a)",
            "one of the flags is not supported (its character 1)",
        ),
        ("(?P<n>a)", "`(?P` is not supported (its character 1)"),
        (
            "a**",
            "a repetition of a repetition is not supported (its character 3)",
        ),
        (
            "a{1,2}?{3}",
            "a repetition of a repetition is not supported (its character 8)",
        ),
        (
            "a{,3}",
            "a repetition without a minimum is not supported (its character 2)",
        ),
    ] {
        check_refused(
            &format!("attribute:x =~ '{pattern}'"),
            &format!(
                "at character 16: expected a regular expression, found `{pattern}`: {problem}"
            ),
        );
    }
    check("attribute:x =~ '[]~*+?{-]+'", "x=]~*+?{-", true);
    check("attribute:x =~ '[^]a-c&&[b]]'", "x=b", false);
    check("attribute:x =~ '(?<n>a)(?:b)(?i)C'", "x=abc", true);
    check(r"attribute:x =~ '\(\?U\)a?b{2}'", "x=(?U)bb", true);
}

/// Such expressions took up to 200 ms when only the compiled size of a pattern was limited.
#[test]
fn patterns_are_small_together() {
    let too_large = |text: String| {
        let error = Expression::parse(&text).unwrap_err();
        assert!(error.found.contains("too large"), "{text}: {error}");
    };
    let many = |pattern: &str, count: usize| {
        vec![format!("attribute:a =~ '{pattern}'"); count].join(" or ")
    };
    too_large(many("(.*a){20}", 40));
    too_large(many("(a|a)*b", 70));
    too_large(many(&"a?".repeat(500), 1));
    too_large(many(&"(a*)*".repeat(100), 1));
    too_large(many(&"ab|".repeat(300), 1));
    assert!(Expression::parse(&many("t2.*", 40)).is_ok());
    assert!(Expression::parse(&many("[a-z0-9-]{1,63}(.[a-z]{1,63})?", 1)).is_ok());
}

/// As in Java: `\d` and the like are ASCII, also without regard to case.
#[test]
fn patterns_know_ascii() {
    check(r"attribute:x =~ \w+", "x=aB_9", true);
    check(r"attribute:x =~ \w+", "x=é", false);
    check("attribute:x =~ '(?i)T2.*'", "x=t2.small", true);
    check("attribute:x =~ .*é+", "x=aéé", true);
    for pattern in [r"\pL", "[é]", r"(?u)\w"] {
        let parsed = Expression::parse(&format!("attribute:x =~ '{pattern}'"));
        assert!(parsed.is_err(), "{pattern}");
    }
}

#[test]
fn limits_hold() {
    let long = |length: usize| format!("attribute:a == {}", "x".repeat(length - 15));
    assert!(Expression::parse(&long(2000)).is_ok());
    check_refused(
        &long(2001),
        "at character 2001: expected at most 2000 characters, found 2001",
    );
    let deep = |depth: usize| {
        format!(
            "{}attribute:a exists{}",
            "(".repeat(depth),
            ")".repeat(depth)
        )
    };
    assert!(Expression::parse(&deep(100)).is_ok());
    check_refused(
        &deep(101),
        "at character 102: expected at most 100 parentheses and negations within each other, \
         found `attribute:a`",
    );
    let name = |length: usize| format!("attribute:{} exists", "x".repeat(length));
    assert!(Expression::parse(&name(128)).is_ok());
    assert!(Expression::parse(&name(129)).is_err());
}

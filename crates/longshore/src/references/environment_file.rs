//! Environment files as ECS reads them (`task-lifecycle.md` §8): `NAME=VALUE` a line, `#` begins
//! a comment line, quotes and backslashes mean themselves.

use model::container::EnvironmentVariable;

/// The variables of a file. Lines without a name or without `=` set nothing.
pub(super) fn parse(text: &str) -> Vec<EnvironmentVariable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().filter_map(variable).collect()
}

fn variable(line: &str) -> Option<EnvironmentVariable> {
    let line = line.trim_start();
    if line.starts_with('#') {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    (!name.is_empty()).then(|| EnvironmentVariable {
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = parse(text);
        let found: Vec<_> = found.iter().map(|one| (&*one.name, &*one.value)).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn lines_are_taken_as_they_are() {
        check(
            "# comment\nA=1\n\n  #B=2\nC = 3\n",
            &[("A", "1"), ("C", " 3")],
        );
        check("A=\"x y\" # z\r\nB=\n", &[("A", "\"x y\" # z"), ("B", "")]);
        check("A=a=b\nexport\n=c", &[("A", "a=b")]);
        check("\u{feff}A=1", &[("A", "1")]);
        check("", &[]);
    }
}

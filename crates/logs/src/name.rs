//! Names of groups and streams, and the paths they stand for.
//!
//! A name is percent-encoded, so no name can leave its folder. A name too long
//! for one path component continues in folders whose names end with `+`.

use std::path::{Path, PathBuf};

use model::Arn;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::LogsError;

/// The longest name, in characters: CloudWatch's limit for both kinds.
const NAME_CHARS_MAX: usize = 512;

/// The longest part of a name in one path component, in bytes. File systems take
/// 255; the rest is for the ending.
const PART_BYTES_MAX: usize = 200;

/// Ends the folders in which a name continues; never part of an encoded name.
pub(crate) const CONTINUED: char = '+';

/// Ends the file of a stream.
pub(crate) const STREAM_SUFFIX: &str = ".jsonl";

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The name of a log group: 1 to 512 of `.`, `-`, `_`, `/`, `#`, letters, digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName(String);

/// The name of a log stream: 1 to 512 characters without `:` and `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamName(String);

impl GroupName {
    pub fn parse(text: &str) -> Result<Self, LogsError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_/#".contains(c);
        let pattern = r"satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+";
        check("logGroupName", text, allowed, pattern).map(|()| Self(text.to_owned()))
    }

    /// The group that `logGroupName` or `logGroupIdentifier` (a name or an ARN)
    /// names; exactly one of them must be given.
    pub(crate) fn choose(name: Option<&str>, identifier: Option<&str>) -> Result<Self, LogsError> {
        match (name, identifier) {
            (Some(name), None) => Self::parse(name),
            (None, Some(identifier)) => Self::identify(identifier),
            _ => Err(LogsError::Invalid(
                "Exactly one of logGroupName and logGroupIdentifier must be specified.".to_owned(),
            )),
        }
    }

    /// From a name or an ARN.
    pub(crate) fn identify(text: &str) -> Result<Self, LogsError> {
        let Ok(arn) = text.parse::<Arn>() else {
            return Self::parse(text);
        };
        let resource = arn.resource.strip_suffix(":*").unwrap_or(&arn.resource);
        let name = resource
            .strip_prefix("log-group:")
            .filter(|_| arn.service == "logs");
        name.map_or_else(
            || {
                Err(LogsError::Invalid(format!(
                    "{text} is not the ARN of a log group."
                )))
            },
            Self::parse,
        )
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The group's folder below the store's root.
    pub(crate) fn folder(&self, root: &Path) -> PathBuf {
        path(root, &self.0, "")
    }
}

impl StreamName {
    pub fn parse(text: &str) -> Result<Self, LogsError> {
        let pattern = "satisfy regular expression pattern: [^:*]*";
        check("logStreamName", text, |c| !":*".contains(c), pattern).map(|()| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The stream's file in its group's folder.
    pub(crate) fn file(&self, folder: &Path) -> PathBuf {
        path(folder, &self.0, STREAM_SUFFIX)
    }
}

fn check(
    member: &str,
    text: &str,
    allowed: impl Fn(char) -> bool,
    pattern: &str,
) -> Result<(), LogsError> {
    let fault = |must: &str| Err(LogsError::constraint(member, text, must));
    match text.chars().count() {
        0 => fault("have length greater than or equal to 1"),
        n if n > NAME_CHARS_MAX => fault(&format!(
            "have length less than or equal to {NAME_CHARS_MAX}"
        )),
        _ if !text.chars().all(allowed) => fault(pattern),
        _ => Ok(()),
    }
}

fn path(within: &Path, name: &str, suffix: &str) -> PathBuf {
    let mut encoded = utf8_percent_encode(name, ENCODED).to_string();
    if encoded.starts_with('.') {
        encoded.replace_range(..1, "%2E");
    }
    let mut path = within.to_owned();
    let mut rest = encoded.as_str();
    while rest.len() > PART_BYTES_MAX {
        let (part, more) = rest.split_at(PART_BYTES_MAX);
        path.push(format!("{part}{CONTINUED}"));
        rest = more;
    }
    path.push(format!("{rest}{suffix}"));
    path
}

/// The name behind joined path components; `None` if it is not one we encoded.
pub(crate) fn decode(encoded: &str) -> Option<String> {
    percent_decode_str(encoded)
        .decode_utf8()
        .ok()
        .map(|name| name.into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_path(name: &str, expected: &str) {
        let name = StreamName::parse(name).unwrap();
        assert_eq!(name.file(Path::new("g")), Path::new("g").join(expected));
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        check_path("ecs/app/0c9f", "ecs%2Fapp%2F0c9f.jsonl");
        check_path("..", "%2E..jsonl");
        check_path("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd.jsonl");
        check_path("a\0b\nc", "a%00b%0Ac.jsonl");
        let group = |name| GroupName::parse(name).unwrap().folder(Path::new("r"));
        assert_eq!(group(".."), Path::new("r/%2E."));
        assert_eq!(group("."), Path::new("r/%2E"));
        assert_eq!(group("/"), Path::new("r/%2F"));
    }

    #[track_caller]
    fn check_group(text: &str, expected: Result<&str, &str>) {
        let found = GroupName::identify(text).map_err(|error| error.to_string());
        match expected {
            Ok(name) => assert_eq!(found.as_ref().map(GroupName::as_str), Ok(name)),
            Err(part) => {
                let text = found.unwrap_err();
                assert!(text.contains(part), "{text}");
            }
        }
    }

    #[test]
    fn group_names_follow_the_model() {
        check_group("/ecs/app#1", Ok("/ecs/app#1"));
        check_group(&"a".repeat(512), Ok(&"a".repeat(512)));
        check_group("", Err("have length greater than or equal to 1"));
        check_group(
            &"a".repeat(513),
            Err("have length less than or equal to 512"),
        );
        check_group("a b", Err("at 'logGroupName' failed to satisfy constraint"));
        check_group(
            "arn:aws:logs:us-east-1:000000000000:log-group:/ecs/a",
            Ok("/ecs/a"),
        );
        check_group(
            "arn:aws:logs:us-east-1:000000000000:log-group:/ecs/a:*",
            Ok("/ecs/a"),
        );
        check_group(
            "arn:aws:ecs:us-east-1:000000000000:cluster/a",
            Err("not the ARN"),
        );
    }

    #[test]
    fn stream_names_follow_the_model() {
        for bad in ["", "a:b", "a*", &"é".repeat(513)] {
            assert!(StreamName::parse(bad).is_err(), "{bad}");
        }
        StreamName::parse(&"é".repeat(512)).unwrap();
    }

    proptest! {
        #[test]
        fn every_name_has_a_short_safe_path_of_its_own(name in "[^:*]{1,512}") {
            let path = StreamName::parse(&name).unwrap().file(Path::new(""));
            let mut joined = String::new();
            for component in path.components() {
                let Component::Normal(part) = component else { panic!("{path:?}") };
                prop_assert!(part.len() <= 255);
                joined.push_str(part.to_str().unwrap().trim_end_matches(CONTINUED));
            }
            let encoded = joined.strip_suffix(STREAM_SUFFIX).unwrap();
            prop_assert_eq!(decode(encoded), Some(name));
        }
    }
}

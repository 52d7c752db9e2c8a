//! Tag rules (`run-task.md` §6), shared by every taggable resource.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use model::shapes::Tag;
use regex::Regex;

use crate::error::OpError;
use crate::limits::{TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX};

/// The complement of the model's pattern `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`.
static NOT_ALLOWED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[^\p{L}\p{Z}\p{N}_.:/=+\-@]").expect("the pattern is a constant that compiles")
});

/// Tags of a request, checked; an absent value becomes an empty one.
pub(crate) fn checked(tags: Option<Vec<Tag>>) -> Result<Vec<Tag>, OpError> {
    let tags = tags.unwrap_or_default();
    let mut keys = BTreeSet::new();
    let mut checked = Vec::with_capacity(tags.len());
    for tag in tags {
        let key = tag.key.unwrap_or_default();
        let value = tag.value.unwrap_or_default();
        check_key(&key)?;
        check_value(&value)?;
        if !keys.insert(key.clone()) {
            return Err(OpError::invalid_parameter(format!(
                "Duplicate tag key: {key}."
            )));
        }
        checked.push(Tag {
            key: Some(key),
            value: Some(value),
        });
    }
    check_count(&checked)?;
    Ok(checked)
}

/// A key that the caller may set or remove.
pub(crate) fn check_key(key: &str) -> Result<(), OpError> {
    let length = key.chars().count();
    if length == 0 || length > TAG_KEY_CHARS_MAX {
        return Err(OpError::invalid_parameter(format!(
            "A tag key must have between 1 and {TAG_KEY_CHARS_MAX} characters."
        )));
    }
    check_characters("key", key)
}

fn check_value(value: &str) -> Result<(), OpError> {
    if value.chars().count() > TAG_VALUE_CHARS_MAX {
        return Err(OpError::invalid_parameter(format!(
            "A tag value must have at most {TAG_VALUE_CHARS_MAX} characters."
        )));
    }
    check_characters("value", value)
}

fn check_characters(what: &str, text: &str) -> Result<(), OpError> {
    if is_reserved(text) {
        let text = format!("Tag {what} must not start with aws:");
        return Err(OpError::invalid_parameter(text));
    }
    if let Some(bad) = NOT_ALLOWED.find(text) {
        return Err(OpError::invalid_parameter(format!(
            "A tag {what} may hold letters, digits, blanks and _.:/=+-@, but has {:?}.",
            bad.as_str()
        )));
    }
    Ok(())
}

/// Keys and values that begin with `aws:` in any letter case belong to the service.
pub(crate) fn is_reserved(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

/// Tags of one's own on a resource; reserved ones do not count.
pub(crate) fn check_count(tags: &[Tag]) -> Result<(), OpError> {
    let own = tags.iter().filter(|tag| !is_reserved(key_of(tag))).count();
    if own > TAGS_MAX {
        return Err(OpError::invalid_parameter(format!(
            "A resource can have at most {TAGS_MAX} tags, but would have {own}."
        )));
    }
    Ok(())
}

pub(crate) fn key_of(tag: &Tag) -> &str {
    tag.key.as_deref().unwrap_or_default()
}

/// Adds tags to those a resource has; a known key gets the new value in its old place. Fails only
/// where they become too many.
pub(crate) fn merged(have: &[Tag], new: Vec<Tag>) -> Result<Vec<Tag>, OpError> {
    let mut tags = have.to_vec();
    for tag in new {
        match tags.iter_mut().find(|known| known.key == tag.key) {
            Some(known) => known.value = tag.value,
            None => tags.push(tag),
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        }
    }

    #[track_caller]
    fn check(tags: Vec<Tag>, accepted: bool) {
        assert_eq!(checked(Some(tags)).is_ok(), accepted);
    }

    fn numbered(count: usize) -> Vec<Tag> {
        (0..count).map(|i| tag(&format!("k{i}"), "v")).collect()
    }

    #[test]
    fn lengths_count_characters_not_bytes() {
        check(vec![tag(&"é".repeat(128), &"é".repeat(256))], true);
        check(vec![tag(&"é".repeat(129), "")], false);
        check(vec![tag("k", &"é".repeat(257))], false);
        check(vec![tag("", "v")], false);
    }

    #[test]
    fn fifty_fit_and_keys_are_unique() {
        check(numbered(50), true);
        check(numbered(51), false);
        check(vec![tag("Team", "a"), tag("team", "b")], true);
        check(vec![tag("team", "a"), tag("team", "b")], false);
    }

    #[test]
    fn any_script_and_some_punctuation() {
        check(vec![tag("größe 大 Ⅷ+-=._:/@", "ключ 9")], true);
        check(vec![tag("a,b", "")], false);
        check(vec![tag("a", "b#c")], false);
        check(vec![tag("a\n", "")], false);
    }

    #[test]
    fn the_reserved_prefix_is_refused_in_any_case() {
        check(vec![tag("aws:x", "")], false);
        check(vec![tag("AwS:x", "")], false);
        check(vec![tag("x", "AWS:y")], false);
        check(vec![tag("awsx", "aws")], true);
    }

    #[test]
    fn a_value_may_be_absent() {
        let tags = checked(Some(vec![Tag {
            key: Some("k".into()),
            value: None,
        }]))
        .unwrap();
        assert_eq!(tags, [tag("k", "")]);
    }

    #[test]
    fn merging_replaces_in_place_and_keeps_reserved_ones_out_of_the_count() {
        let mut have = numbered(49);
        have.insert(0, tag("aws:ecs:clusterName", "default"));
        assert!(merged(&have, vec![tag("k0", "new"), tag("one more", "")]).is_ok());
        assert!(merged(&have, vec![tag("a", ""), tag("b", "")]).is_err());
        assert_eq!(
            merged(&have, vec![tag("k0", "new")]).unwrap()[1],
            tag("k0", "new")
        );
    }
}

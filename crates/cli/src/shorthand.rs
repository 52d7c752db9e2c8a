//! Values of structured flags: JSON, `file://PATH`, or the shorthand of the AWS CLI
//! (`key=K,value=V`, `awsvpcConfiguration={subnets=[a,b],assignPublicIp=ENABLED}`).

use std::iter::Peekable;
use std::str::Chars;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

/// One structure from a flag.
pub(crate) fn structure<T: DeserializeOwned>(flag: &str, text: &str) -> Result<T, String> {
    let value = value(text).map_err(|problem| format!("{flag}: {problem}"))?;
    typed(value).map_err(|problem| format!("{flag}: {problem}"))
}

/// A list from a flag that may be given several values, each of them one item or a JSON
/// list.
pub(crate) fn list<T: DeserializeOwned>(
    flag: &str,
    texts: &[String],
) -> Result<Option<Vec<T>>, String> {
    let mut items = Vec::new();
    for text in texts {
        match value(text).map_err(|problem| format!("{flag}: {problem}"))? {
            Value::Array(more) => items.extend(more),
            item => items.push(item),
        }
    }
    if items.is_empty() {
        return Ok(None);
    }
    typed(Value::Array(items)).map_err(|problem| format!("{flag}: {problem}"))
}

fn value(text: &str) -> Result<Value, String> {
    let text = text.trim();
    if let Some(path) = text.strip_prefix("file://") {
        let content = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        return serde_json::from_str(&content).map_err(|error| format!("{path}: {error}"));
    }
    if text.starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    Shorthand::parse(text)
}

/// Reads a shape. Shorthand knows only texts: one that the shape does not want is taken
/// for the number, truth value or list of one item that it looks like.
fn typed<T: DeserializeOwned>(mut value: Value) -> Result<T, String> {
    let leaves = count_texts(&value);
    for _ in 0..=2 * leaves {
        match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(typed) => return Ok(typed),
            Err(error) => {
                let problem = error.to_string();
                let wants_list = error.inner().to_string().contains("expected a sequence");
                let repaired =
                    find(&mut value, error.path()).and_then(|leaf| repair(leaf, wants_list));
                repaired.ok_or(problem)?;
            }
        }
    }
    Err("a value that fits no member".to_owned())
}

fn count_texts(value: &Value) -> usize {
    match value {
        Value::String(_) => 1,
        Value::Array(items) => items.iter().map(count_texts).sum(),
        Value::Object(members) => members.values().map(count_texts).sum(),
        _ => 0,
    }
}

fn find<'a>(value: &'a mut Value, path: &Path) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Seq { index } => value.get_mut(*index),
        Segment::Map { key } => value.get_mut(key),
        _ => None,
    })
}

fn repair(leaf: &mut Value, wants_list: bool) -> Option<()> {
    let text = leaf.as_str()?;
    *leaf = if wants_list {
        Value::Array(vec![Value::String(text.to_owned())])
    } else {
        let scalar: Value = serde_json::from_str(text).ok()?;
        let fits = scalar.is_number() || scalar.is_boolean();
        fits.then_some(scalar)?
    };
    Some(())
}

/// A reader of `key=value,key=value`; values are texts, `{…}`, `[…]` or quoted.
struct Shorthand<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Shorthand<'_> {
    fn parse(text: &str) -> Result<Value, String> {
        let mut reader = Shorthand {
            rest: text.chars().peekable(),
        };
        let value = reader.members(None)?;
        match reader.rest.next() {
            None => Ok(value),
            Some(left) => Err(format!("unexpected `{left}` in `{text}`")),
        }
    }

    /// `key=value` pairs up to the end or a closing brace. A value without a key belongs
    /// to the key before it: `subnets=a,b`.
    fn members(&mut self, close: Option<char>) -> Result<Value, String> {
        let mut members = Map::new();
        let mut last: Option<String> = None;
        loop {
            self.skip_spaces();
            if self.rest.peek().copied() == close {
                return Ok(Value::Object(members));
            }
            if self.rest.peek().is_none() {
                return Err("a closing `}` is missing".to_owned());
            }
            let word = self.value(&['=', ','], close)?;
            match (word, self.rest.peek()) {
                (Value::String(key), Some('=')) => {
                    self.rest.next();
                    let value = self.value(&[','], close)?;
                    if members.insert(key.clone(), value).is_some() {
                        return Err(format!("`{key}` is given twice"));
                    }
                    last = Some(key);
                }
                (value, _) => {
                    let list = last.as_ref().and_then(|key| members.get_mut(key));
                    append(list, value)?;
                }
            }
            self.skip_spaces();
            if self.rest.peek() == Some(&',') {
                self.rest.next();
            } else if self.rest.peek().copied() != close {
                return Err("a comma is missing".to_owned());
            }
        }
    }

    fn items(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            self.skip_spaces();
            if self.rest.next_if_eq(&']').is_some() {
                return Ok(Value::Array(items));
            }
            items.push(self.value(&[','], Some(']'))?);
            self.skip_spaces();
            if self.rest.next_if_eq(&',').is_none() && self.rest.peek() != Some(&']') {
                return Err("a closing `]` is missing".to_owned());
            }
        }
    }

    fn value(&mut self, ends: &[char], close: Option<char>) -> Result<Value, String> {
        self.skip_spaces();
        match self.rest.peek().copied() {
            Some('{') => {
                self.rest.next();
                let value = self.members(Some('}'))?;
                self.rest.next();
                Ok(value)
            }
            Some('[') => {
                self.rest.next();
                self.items()
            }
            Some(quote @ ('"' | '\'')) => {
                self.rest.next();
                self.quoted(quote).map(Value::String)
            }
            _ => {
                let mut text = String::new();
                let goes_on = |c: &char| !ends.contains(c) && Some(*c) != close;
                while let Some(c) = self.rest.next_if(goes_on) {
                    text.push(c);
                }
                Ok(Value::String(text.trim_end().to_owned()))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => text.extend(self.rest.next()),
                c if c == quote => return Ok(text),
                c => text.push(c),
            }
        }
        Err(format!("a closing {quote} is missing"))
    }

    fn skip_spaces(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }
}

fn append(list: Option<&mut Value>, value: Value) -> Result<(), String> {
    match list {
        None => Err(match value {
            Value::String(text) => format!("`{text}` has no `=`: write key=value"),
            _ => "a value without a key: write key=value".to_owned(),
        }),
        Some(Value::Array(items)) => {
            items.push(value);
            Ok(())
        }
        Some(first) => {
            *first = Value::Array(vec![first.take(), value]);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use model::shapes::{CapacityProviderStrategyItem, NetworkConfiguration, Tag, TaskOverride};
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check<T: DeserializeOwned + Serialize>(text: &str, expected: Value) {
        let typed: T = structure("--flag", text).unwrap();
        assert_eq!(serde_json::to_value(typed).unwrap(), expected, "{text}");
    }

    #[test]
    fn shorthand_means_what_it_means_in_the_aws_cli() {
        let subnets = json!({"awsvpcConfiguration": {
            "subnets": ["a", "b"], "securityGroups": ["c"], "assignPublicIp": "ENABLED"
        }});
        for text in [
            "awsvpcConfiguration={subnets=[a,b],securityGroups=[c],assignPublicIp=ENABLED}",
            "awsvpcConfiguration={subnets=a,b,securityGroups=c,assignPublicIp=ENABLED}",
            "awsvpcConfiguration = { subnets = [ a, b ], securityGroups=[c], assignPublicIp=ENABLED }",
            r#"{"awsvpcConfiguration":{"subnets":["a","b"],"securityGroups":["c"],"assignPublicIp":"ENABLED"}}"#,
        ] {
            check::<NetworkConfiguration>(text, subnets.clone());
        }
        check::<Tag>("key=K,value=V", json!({"key": "K", "value": "V"}));
        check::<Tag>(
            "key=K,value='a, b=c'",
            json!({"key": "K", "value": "a, b=c"}),
        );
        check::<Tag>("key=K,value=7", json!({"key": "K", "value": "7"}));
        check::<Tag>("key=K,value=", json!({"key": "K", "value": ""}));
        check::<CapacityProviderStrategyItem>(
            "capacityProvider=FARGATE,weight=1,base=2",
            json!({"capacityProvider": "FARGATE", "weight": 1, "base": 2}),
        );
        check::<TaskOverride>(
            "cpu=512,containerOverrides=[{name=app,command=[echo,1],memory=64}]",
            json!({"cpu": "512", "containerOverrides":
                [{"name": "app", "command": ["echo", "1"], "memory": 64}]}),
        );
    }

    #[track_caller]
    fn check_refused(text: &str, problem: &str) {
        let error = structure::<NetworkConfiguration>("--flag", text).unwrap_err();
        assert!(error.contains(problem), "{text}: {error}");
    }

    #[test]
    fn mistakes_are_named() {
        check_refused("subnets", "`subnets` has no `=`");
        check_refused("awsvpcConfiguration={subnets=[a", "`]` is missing");
        check_refused("awsvpcConfiguration={subnets=\"a", "closing \" is missing");
        check_refused("a=b,a=c", "given twice");
        check_refused(
            "awsvpcConfiguration={subnets={}}",
            "awsvpcConfiguration.subnets",
        );
        check_refused("awsvpcConfiguration=on", "awsvpcConfiguration");
        check_refused("{\"awsvpcConfiguration\":", "EOF");
        check_refused("awsvpcConfiguration={subnets=a", "comma");
        check_refused("awsvpcConfiguration={subnets=a,", "`}` is missing");
    }

    #[test]
    fn lists_take_items_and_json() {
        let texts = ["key=a,value=1".to_owned(), r#"[{"key":"b"}]"#.to_owned()];
        let tags: Option<Vec<Tag>> = list("--tags", &texts).unwrap();
        let keys: Vec<_> = tags
            .into_iter()
            .flatten()
            .filter_map(|tag| tag.key)
            .collect();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!(list::<Tag>("--tags", &[]).unwrap(), None);
    }
}

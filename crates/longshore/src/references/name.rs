//! What a definition calls a value, and under which names a mapping may have it.

use serde_json::Value;

/// A value's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    /// As the definition has it.
    pub(super) text: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// By name, which may begin with a slash; the region of its ARN if it has one.
    Parameter {
        region: Option<String>,
        name: String,
    },
    Secret {
        region: Option<String>,
        /// The ARN up to the name, or the bare name.
        id: String,
        /// The name with the six random characters of an ARN, if it has them.
        name: String,
        json_key: Option<String>,
        version_stage: Option<String>,
        version_id: Option<String>,
    },
    File {
        bucket: String,
        key: String,
    },
}

/// Characters behind the last hyphen of a secret's ARN.
const SUFFIX: usize = 6;

impl Reference {
    /// `valueFrom` of a secret: an ARN of either service, else the name of a parameter.
    pub(super) fn of_secret(text: &str) -> Self {
        let kind = secret(text).unwrap_or_else(|| parameter(text));
        Self::new(text, kind)
    }

    /// `credentialsParameter`: the ARN or the name of a secret.
    pub(super) fn of_login(text: &str) -> Self {
        let bare = || Kind::Secret {
            region: None,
            id: text.to_owned(),
            name: text.to_owned(),
            json_key: None,
            version_stage: None,
            version_id: None,
        };
        Self::new(text, secret(text).unwrap_or_else(bare))
    }

    /// `environmentFiles[].value`: `arn:aws:s3:::BUCKET/KEY`. Registration has looked at it.
    pub(super) fn of_file(text: &str) -> Self {
        let path = text.splitn(6, ':').nth(5).unwrap_or(text);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        Self::new(text, Kind::File { bucket, key })
    }

    /// A name in a mapping, read as this reference is.
    pub(super) fn again(&self, text: &str) -> Self {
        match self.kind {
            Kind::Parameter { .. } | Kind::Secret { .. } => Self::of_secret(text),
            Kind::File { .. } => Self::of_file(text),
        }
    }

    fn new(text: &str, kind: Kind) -> Self {
        let text = text.to_owned();
        Self { text, kind }
    }

    /// Under which names a mapping may have it; the most exact first.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = vec![self.text.clone()];
        match &self.kind {
            Kind::Parameter { name, .. } => {
                let bare = name.trim_start_matches('/');
                names.extend([name.clone(), format!("/{bare}"), bare.to_owned()]);
            }
            Kind::Secret { id, name, .. } => {
                names.push(id.clone());
                names.extend(without_suffix(id).map(str::to_owned));
                names.push(name.clone());
                names.extend(without_suffix(name).map(str::to_owned));
            }
            Kind::File { .. } => {}
        }
        names.dedup();
        names
    }

    /// The version that is asked for, unless it is the current one.
    pub(super) fn version(&self) -> Option<Version<'_>> {
        let Kind::Secret {
            version_stage,
            version_id,
            ..
        } = &self.kind
        else {
            return None;
        };
        match (version_id, version_stage) {
            (Some(id), _) => Some(Version::Id(id)),
            (None, Some(stage)) if stage != "AWSCURRENT" => Some(Version::Stage(stage)),
            _ => None,
        }
    }

    /// The part of the text that the variable gets: all of it, or the value of a JSON key.
    pub(super) fn part_of(&self, text: &str) -> Result<String, String> {
        let Kind::Secret {
            json_key: Some(key),
            ..
        } = &self.kind
        else {
            return Ok(text.to_owned());
        };
        let parsed: Option<Value> = serde_json::from_str(text).ok().filter(Value::is_object);
        let object = parsed.ok_or_else(|| format!("it is no JSON object, so it has no `{key}`"))?;
        match object.get(key) {
            None => Err(format!("its JSON has no key `{key}`")),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Ok(other.to_string()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version<'a> {
    Id(&'a str),
    Stage(&'a str),
}

/// `arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME[:JSONKEY:STAGE:VERSION]`
fn secret(text: &str) -> Option<Kind> {
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", _, "secretsmanager", region, _, "secret", name, ..] = parts.as_slice() else {
        return None;
    };
    let part = |index: usize| {
        let part = parts.get(index).filter(|part| !part.is_empty());
        part.map(|part| (*part).to_owned())
    };
    Some(Kind::Secret {
        region: Some((*region).to_owned()),
        id: parts[..7].join(":"),
        name: (*name).to_owned(),
        json_key: part(7),
        version_stage: part(8),
        version_id: part(9),
    })
}

/// `arn:PARTITION:ssm:REGION:ACCOUNT:parameter/NAME`, else the name itself. The ARN of `/a/b`
/// has one slash before `a`, and so has that of `a`: both are meant.
fn parameter(text: &str) -> Kind {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", _, "ssm", region, _, resource] = parts.as_slice()
        && let Some(name) = resource.strip_prefix("parameter/")
    {
        let name = match name.contains('/') {
            true => format!("/{name}"),
            false => name.to_owned(),
        };
        let region = Some((*region).to_owned());
        return Kind::Parameter { region, name };
    }
    Kind::Parameter {
        region: None,
        name: text.to_owned(),
    }
}

/// The name before the random characters that Secrets Manager appends.
fn without_suffix(name: &str) -> Option<&str> {
    let (front, back) = name.rsplit_once('-')?;
    let is_suffix = back.len() == SUFFIX && back.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_suffix.then_some(front)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reference: &Reference, names: &[&str]) {
        assert_eq!(reference.names(), names);
    }

    #[test]
    fn a_mapping_may_use_every_name_of_a_value() {
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf";
        let bare = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db";
        let whole = [arn, bare, "prod/db-AbCdEf", "prod/db"];
        check(&Reference::of_secret(arn), &whole);
        check(&Reference::of_login(arn), &whole);
        let key = format!("{arn}:password::");
        let names: Vec<&str> = std::iter::once(&*key).chain(whole).collect();
        check(&Reference::of_secret(&key), &names);

        let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/key";
        check(&Reference::of_secret(arn), &[arn, "/prod/key", "prod/key"]);
        let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/key";
        check(&Reference::of_secret(arn), &[arn, "key", "/key", "key"]);
        check(
            &Reference::of_secret("/prod/key"),
            &["/prod/key", "prod/key"],
        );
        check(&Reference::of_login("registry"), &["registry"]);
        let file = "arn:aws:s3:::bucket/prod/api.env";
        check(&Reference::of_file(file), &[file]);
    }

    #[test]
    fn a_secret_is_taken_apart() {
        let base = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";
        for (rest, version, part) in [
            ("", None, Ok(r#"{"a":"1","b":2}"#)),
            (":a::", None, Ok("1")),
            (":b:AWSCURRENT:", None, Ok("2")),
            (
                ":a:AWSPREVIOUS:",
                Some(Version::Stage("AWSPREVIOUS")),
                Ok("1"),
            ),
            (":a:AWSPREVIOUS:id", Some(Version::Id("id")), Ok("1")),
            (":c::", None, Err("its JSON has no key `c`")),
        ] {
            let reference = Reference::of_secret(&format!("{base}{rest}"));
            assert_eq!(reference.version(), version, "{rest}");
            let found = reference.part_of(r#"{"a":"1","b":2}"#);
            assert_eq!(found.as_deref().map_err(|why| &**why), part, "{rest}");
        }
        let key = Reference::of_secret(&format!("{base}:a::"));
        assert!(
            key.part_of("planted")
                .is_err_and(|why| !why.contains("planted"))
        );
    }

    #[test]
    fn files_and_parameters_are_found_by_their_arns() {
        let file = Reference::of_file("arn:aws:s3:::bucket/prod/api.env").kind;
        let (bucket, key) = ("bucket".to_owned(), "prod/api.env".to_owned());
        assert_eq!(file, Kind::File { bucket, key });
        let arn = "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/a/b";
        let (region, name) = (Some("cn-north-1".to_owned()), "/a/b".to_owned());
        assert_eq!(
            Reference::of_secret(arn).kind,
            Kind::Parameter { region, name }
        );
    }
}

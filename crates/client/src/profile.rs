//! The shared AWS files: `~/.aws/config` and `~/.aws/credentials`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use crate::config::ConfigError;

/// The keys of one profile, from both files; the credentials file wins. Holds secrets,
/// so there is no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Profile(BTreeMap<String, String>);

impl Profile {
    /// The value of a key; an empty one counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.0.get(key).filter(|value| !value.is_empty()).cloned()
    }
}

/// Sections of both files, each with its keys. A nested key is `outer.inner`.
#[derive(Default)]
pub(crate) struct Profiles {
    config: Sections,
    credentials: Sections,
}

type Sections = BTreeMap<String, BTreeMap<String, String>>;

impl Profiles {
    /// Reads what exists; a missing file is an empty one.
    pub(crate) fn load(
        config: Option<&Path>,
        credentials: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            config: load(config)?,
            credentials: load(credentials)?,
        })
    }

    /// A profile, if one of the files has it.
    pub(crate) fn profile(&self, name: &str) -> Option<Profile> {
        let long = format!("profile {name}");
        let in_config = self.config.get(&long).or_else(|| {
            // Only the default profile may stand without the word in front.
            self.config.get(name).filter(|_| name == "default")
        });
        let in_credentials = self.credentials.get(name);
        if in_config.is_none() && in_credentials.is_none() {
            return None;
        }
        let mut keys = in_config.cloned().unwrap_or_default();
        keys.extend(in_credentials.cloned().unwrap_or_default());
        Some(Profile(keys))
    }

    /// A key of a service in the `services` section that a profile names.
    pub(crate) fn service(&self, profile: &Profile, service: &str, key: &str) -> Option<String> {
        let section = self
            .config
            .get(&format!("services {}", profile.get("services")?))?;
        section
            .get(&format!("{service}.{key}"))
            .filter(|value| !value.is_empty())
            .cloned()
    }
}

fn load(path: Option<&Path>) -> Result<Sections, ConfigError> {
    let Some(path) = path else {
        return Ok(Sections::new());
    };
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text)
            .map_err(|problem| ConfigError::Profile(format!("{}: {problem}", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Sections::new()),
        Err(error) => Err(ConfigError::Profile(format!("{}: {error}", path.display()))),
    }
}

fn parse(text: &str) -> Result<Sections, String> {
    let mut sections = Sections::new();
    let mut section: Option<String> = None;
    let mut outer = String::new();
    for (index, line) in text.lines().enumerate() {
        let words = line.trim();
        if words.is_empty() || words.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = section_name(words) {
            sections.entry(name.clone()).or_default();
            section = Some(name);
            continue;
        }
        let at = format!("line {}", index + 1);
        let (key, value) = words.split_once('=').ok_or(format!("{at} has no `=`"))?;
        let section = section
            .as_ref()
            .ok_or(format!("{at} stands before any section"))?;
        let key = if line.starts_with(char::is_whitespace) {
            format!("{outer}.{}", key.trim().to_ascii_lowercase())
        } else {
            outer = key.trim().to_ascii_lowercase();
            outer.clone()
        };
        sections
            .entry(section.clone())
            .or_default()
            .insert(key, value_of(value).to_owned());
    }
    Ok(sections)
}

/// `[ profile  dev ]` → `profile dev`.
fn section_name(words: &str) -> Option<String> {
    let (name, _comment) = words.strip_prefix('[')?.split_once(']')?;
    Some(name.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A value ends where a comment begins, and a comment begins after a space.
fn value_of(text: &str) -> &str {
    let end = [" #", " ;", "\t#", "\t;"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .min();
    text[..end.unwrap_or(text.len())].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
# comment
[default]
region = eu-west-1   # here
[profile dev]
region=eu-central-1
services = local
aws_access_key_id = from-config
[services local]
ecs =
  endpoint_url = http://127.0.0.1:1
cloudwatch_logs =
  endpoint_url = http://127.0.0.1:2
";

    fn profiles() -> Profiles {
        Profiles {
            config: parse(CONFIG).unwrap(),
            credentials: parse("[dev]\naws_access_key_id = AKID\naws_secret_access_key=s=ec#ret")
                .unwrap(),
        }
    }

    #[test]
    fn both_files_make_one_profile() {
        let profiles = profiles();
        let default = profiles.profile("default").unwrap();
        assert_eq!(default.get("region").as_deref(), Some("eu-west-1"));
        let dev = profiles.profile("dev").unwrap();
        assert_eq!(dev.get("region").as_deref(), Some("eu-central-1"));
        assert_eq!(dev.get("aws_access_key_id").as_deref(), Some("AKID"));
        assert_eq!(
            dev.get("aws_secret_access_key").as_deref(),
            Some("s=ec#ret")
        );
        assert!(profiles.profile("other").is_none());
    }

    #[test]
    fn services_have_keys_of_their_own() {
        let profiles = profiles();
        let dev = profiles.profile("dev").unwrap();
        for (service, url) in [
            ("ecs", "http://127.0.0.1:1"),
            ("cloudwatch_logs", "http://127.0.0.1:2"),
        ] {
            let found = profiles.service(&dev, service, "endpoint_url");
            assert_eq!(found.as_deref(), Some(url));
        }
        assert_eq!(
            profiles.service(&Profile::default(), "ecs", "endpoint_url"),
            None
        );
    }

    #[test]
    fn a_broken_file_names_the_line() {
        assert_eq!(parse("[a]\nnonsense").unwrap_err(), "line 2 has no `=`");
        assert_eq!(
            parse("a = b").unwrap_err(),
            "line 1 stands before any section"
        );
    }
}

//! What a task wants, and the one text that names all of it that is missing.

use std::path::Path;

use client::ReadError;
use model::container::{Failure, FailureName};
use model::payload::{REASON_CHARS_MAX, TaskPayload};

use super::mapping::MappingError;
use super::name::Reference;

/// How ECS begins the reason.
const BEGINNING: &str = "unable to pull secrets or registry auth: ";

/// Characters of the reason for what is missing; the rest is for what to do.
const LIST_CHARS_MAX: usize = 760;

/// One value for one container.
pub(super) struct Wanted {
    pub(super) container: String,
    /// The environment variable; `None` for files and logins.
    pub(super) variable: Option<String>,
    pub(super) reference: Reference,
}

/// Everything that the containers name, in their order.
pub(super) fn wanted(task: &TaskPayload) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for plan in &task.containers {
        let mut add = |variable: Option<&String>, reference| {
            wanted.push(Wanted {
                container: plan.spec.key.container.clone(),
                variable: variable.cloned(),
                reference,
            });
        };
        let references = &plan.spec.references;
        for secret in &references.secrets {
            add(Some(&secret.name), Reference::of_secret(&secret.value_from));
        }
        for file in &references.environment_files {
            add(None, Reference::of_file(file));
        }
        if let Some(login) = &references.repository_credentials {
            add(None, Reference::of_login(login));
        }
    }
    wanted
}

/// What could not be had.
#[derive(Default)]
pub(super) struct Missing(Vec<String>);

impl Missing {
    pub(super) fn add(&mut self, wanted: &Wanted, why: &str) {
        let Wanted {
            container,
            variable,
            reference,
        } = wanted;
        let whose = match variable {
            Some(name) => format!("{container}.{name}"),
            None => container.clone(),
        };
        self.0
            .push(format!("{whose} from {} ({why})", reference.text));
    }

    /// `None` if nothing is missing.
    pub(super) fn into_failure(self, mapping: Option<&Path>) -> Option<Failure> {
        if self.0.is_empty() {
            return None;
        }
        let remedy = match mapping {
            Some(path) => format!("; add what is missing to {}", path.display()),
            None => "; give the server a file with `--secrets FILE`".to_owned(),
        };
        let room = REASON_CHARS_MAX - BEGINNING.len() - LIST_CHARS_MAX;
        let remedy: String = remedy.chars().take(room / 2).collect();
        let detail = format!("{BEGINNING}{}{remedy}", shortened(&self.0));
        Some(Failure::new(
            FailureName::ResourceInitializationError,
            detail,
        ))
    }
}

/// All of them; without the causes if they are too long; else as many as there is room for.
fn shortened(missing: &[String]) -> String {
    let fits = |text: &String| text.chars().count() <= LIST_CHARS_MAX;
    let whole = missing.join(", ");
    if fits(&whole) {
        return whole;
    }
    let bare = |one: &String| one.split(" (").next().unwrap_or(one).to_owned();
    let bare: Vec<String> = missing.iter().map(bare).collect();
    if fits(&bare.join(", ")) {
        return bare.join(", ");
    }
    let names = bare
        .iter()
        .map(|one| one.split(" from ").next().unwrap_or(one));
    let names: Vec<&str> = names.collect();
    let mut shown = names.len();
    let text = |shown: usize| match names.len() - shown {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..shown].join(", ")),
    };
    while shown > 1 && !fits(&text(shown)) {
        shown -= 1;
    }
    text(shown)
}

/// Why a reference has no value, and the name in the file that may have been meant.
pub(super) fn cause(error: &ReadError, has_mapping: bool, near: Option<&str>) -> String {
    let why = match (error, has_mapping) {
        (ReadError::NoPlace(_), true) => "not in the file".to_owned(),
        (error, true) => format!("not in the file; {error}"),
        (error, false) => error.to_string(),
    };
    match near {
        Some(near) => format!("{why}: did you mean `{near}`?"),
        None => why,
    }
}

/// The file cannot be read any more.
pub(super) fn unusable(error: MappingError) -> Failure {
    let detail = format!("{BEGINNING}{error}");
    Failure::new(FailureName::ResourceInitializationError, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(count: usize, why: &str) -> String {
        let mut missing = Missing::default();
        for number in 0..count {
            let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/shop/key";
            let wanted = Wanted {
                container: "app".to_owned(),
                variable: Some(format!("NAME_{number}")),
                reference: Reference::of_secret(&format!("{arn}-{number}")),
            };
            missing.add(&wanted, why);
        }
        missing
            .into_failure(None)
            .map_or_else(String::new, |failure| failure.to_string())
    }

    #[test]
    fn all_that_is_missing_is_named_in_one_text() {
        assert_eq!(missing(0, ""), "");
        let one = missing(1, "not in secrets.toml");
        assert!(
            one.starts_with(
                "ResourceInitializationError: unable to pull secrets or registry auth: app.NAME_0 \
                 from arn:aws:ssm:eu-west-1:123456789012:parameter/prod/shop/key-0 (not in"
            ),
            "{one}"
        );
        for count in [1, 5, 9, 50, 500] {
            let text = missing(count, &"why ".repeat(20));
            assert!(text.chars().count() <= REASON_CHARS_MAX, "{count}: {text}");
            assert!(
                text.contains("app.NAME_0") && text.ends_with("`--secrets FILE`"),
                "{text}"
            );
            if count <= 50 {
                assert!(text.contains(&format!("app.NAME_{}", count - 1)), "{text}");
            } else {
                assert!(text.contains(" more"), "{text}");
            }
        }
    }
}

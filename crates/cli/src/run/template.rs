//! A mapping file for `--secrets` with every name that a definition has, ready to be filled.

use std::collections::BTreeMap;

use model::shapes::{ContainerDefinition, Task, TaskDefinition};

use super::{RunArgs, definition, one_off};
use crate::Connection;
use crate::failed::Failed;
use crate::terminal::Terminal;

/// How the host begins the reason when values could not be had (`task-lifecycle.md` §3).
const NOT_FETCHED: &str = "ResourceInitializationError: unable to pull secrets or registry auth";

/// `run --secrets-template`: prints the file and runs nothing.
pub(super) async fn execute(
    args: &RunArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<u8, Failed> {
    let known: Option<TaskDefinition> = match definition::read(&args.what, terminal)? {
        Some(given) => Some(one_off::converted(&given)?),
        None => {
            let described = definition::described(&args.what, connection, terminal);
            described.await?.definition
        }
    };
    match known.as_ref().and_then(of) {
        Some(template) => terminal.line(template.trim_end()),
        None => terminal.say("this definition names no secrets, environment files or logins"),
    }
    terminal.flush();
    Ok(0)
}

/// The file for a task that stopped for want of values.
pub(super) fn for_stopped(task: &Task, definition: Option<&TaskDefinition>) -> Option<String> {
    let reason = task.stopped_reason.as_deref()?;
    definition
        .filter(|_| reason.starts_with(NOT_FETCHED))
        .and_then(of)
}

/// `None` if the definition names nothing.
fn of(definition: &TaskDefinition) -> Option<String> {
    let mut entries = Entries::default();
    for container in definition.container_definitions.iter().flatten() {
        entries.add(container);
    }
    if entries.0.is_empty() {
        return None;
    }
    let mut text = format!(
        "# What {} names. Fill it in, keep it to yourself (chmod 600), and name it with --secrets.\n\
         # A value is \"text\", {{ file = \"PATH\" }} or {{ command = [\"PROGRAM\", \"WORD\"] }}.\n",
        definition.family.as_deref().unwrap_or("the definition"),
    );
    for (name, entry) in entries.0 {
        let uses = entry.uses.join(", ");
        text += &format!("\n# {uses}\n{} = {}\n", quoted(&name), entry.value);
    }
    Some(text)
}

struct Entry {
    uses: Vec<String>,
    value: String,
}

/// By what stands on the left.
#[derive(Default)]
struct Entries(BTreeMap<String, Entry>);

impl Entries {
    fn add(&mut self, container: &ContainerDefinition) {
        let name = container.name.as_deref().unwrap_or_default();
        for secret in container.secrets.iter().flatten() {
            let variable = secret.name.as_deref().unwrap_or_default();
            let used = format!("{name}: {variable}");
            self.put(secret.value_from.as_deref(), used, "\"\"".to_owned());
        }
        for file in container.environment_files.iter().flatten() {
            let arn = file.value.as_deref();
            let path = arn
                .and_then(|arn| arn.rsplit('/').next())
                .unwrap_or_default();
            let value = format!("{{ file = {} }}", quoted(path));
            self.put(arn, format!("{name}: environment file"), value);
        }
        let login = container.repository_credentials.as_ref();
        let parameter = login.and_then(|login| login.credentials_parameter.as_deref());
        let image = container.image.as_deref().unwrap_or_default();
        let value = r#"'{"username": "", "password": ""}'"#.to_owned();
        self.put(parameter, format!("{name}: login for {image}"), value);
    }

    fn put(&mut self, name: Option<&str>, used: String, value: String) {
        let Some(name) = name else { return };
        let entry = self.0.entry(name.to_owned()).or_insert_with(|| Entry {
            uses: Vec::new(),
            value,
        });
        entry.uses.push(used);
    }
}

/// A string of JSON is one of TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn template(containers: Value) -> Option<String> {
        let definition = json!({"family": "shop", "containerDefinitions": containers});
        of(&serde_json::from_value(definition).unwrap())
    }

    #[test]
    fn every_name_is_there_once_with_its_uses() {
        let found = template(json!([
            {"name": "a", "secrets": [
                {"name": "USER", "valueFrom": "arn:aws:secretsmanager:r:1:secret:db-AbCdEf:user::"},
                {"name": "KEY", "valueFrom": "/prod/key"}],
             "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/prod/api.env"}]},
            {"name": "b", "image": "r.example/app", "secrets": [{"name": "K", "valueFrom": "/prod/key"}],
             "repositoryCredentials": {"credentialsParameter": "login"}}]));
        assert_eq!(
            found.unwrap(),
            "# What shop names. Fill it in, keep it to yourself (chmod 600), and name it with --secrets.\n\
             # A value is \"text\", { file = \"PATH\" } or { command = [\"PROGRAM\", \"WORD\"] }.\n\
             \n# a: KEY, b: K\n\"/prod/key\" = \"\"\n\
             \n# a: environment file\n\"arn:aws:s3:::b/prod/api.env\" = { file = \"api.env\" }\n\
             \n# a: USER\n\"arn:aws:secretsmanager:r:1:secret:db-AbCdEf:user::\" = \"\"\n\
             \n# b: login for r.example/app\n\"login\" = '{\"username\": \"\", \"password\": \"\"}'\n"
        );
        assert_eq!(template(json!([{"name": "a", "secrets": []}])), None);
    }

    #[test]
    fn it_is_shown_only_where_values_are_missing() {
        let definition: TaskDefinition = serde_json::from_value(json!({"containerDefinitions":
            [{"name": "a", "secrets": [{"name": "K", "valueFrom": "k"}]}]}))
        .unwrap();
        for (reason, shown) in [
            (format!("{NOT_FETCHED}: a.K from k (not in the file)"), true),
            ("CannotPullContainerError: no".to_owned(), false),
        ] {
            let task: Task = serde_json::from_value(json!({"stoppedReason": reason})).unwrap();
            assert_eq!(
                for_stopped(&task, Some(&definition)).is_some(),
                shown,
                "{reason}"
            );
        }
    }
}

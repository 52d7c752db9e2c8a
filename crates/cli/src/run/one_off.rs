//! `--override-image` and the like: what RunTask cannot override. A revision is derived from the
//! definition, registered for one call, and cleaned up as soon as RunTask has answered: tasks that
//! run on a deleted revision go on.
//!
//! The revision has a family of its own, or whoever runs the family meanwhile would get it.

use std::future::Future;
use std::pin::Pin;

use model::shapes::{
    ContainerDefinition, DeleteTaskDefinitionsInput, DeregisterTaskDefinitionInput,
    DescribeTaskDefinitionInput, RegisterTaskDefinitionInput, RunTaskInput, TaskDefinition,
    TaskDefinitionField,
};
use serde::{Serialize, de::DeserializeOwned};

use super::arguments::ComfortArgs;
use super::{definition, request};
use crate::failed::Failed;
use crate::terminal::Terminal;
use crate::{Connection, task_name};

/// Appended to the family.
const SUFFIX: &str = "-one-off";
/// Longest family, in characters (RegisterTaskDefinition).
const FAMILY_CHARS_MAX: usize = 255;

/// What is to differ, in the order of the flags.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<Change>);

#[derive(Debug)]
struct Change {
    flag: &'static str,
    container: String,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Image(String),
    EntryPoint(Vec<String>),
    User(String),
    WorkingDirectory(String),
}

impl Changes {
    /// Reads the flags.
    pub(super) fn of(args: &ComfortArgs) -> Result<Self, Failed> {
        let mut changes = Vec::new();
        let mut add = |flag: &'static str, given: &[String], value: fn(String) -> Value| {
            for text in given {
                let (container, text) = named(flag, text)?;
                changes.push(Change {
                    flag,
                    container: container.to_owned(),
                    value: value(text.to_owned()),
                });
            }
            Ok::<_, Failed>(())
        };
        add("--override-image", &args.override_image, Value::Image)?;
        add("--override-user", &args.override_user, Value::User)?;
        let directories = &args.override_working_directory;
        add(
            "--override-working-directory",
            directories,
            Value::WorkingDirectory,
        )?;
        let flag = "--override-entrypoint";
        for text in &args.override_entrypoint {
            let (container, words) = request::words(flag, text).map_err(Failed::new)?;
            changes.push(Change {
                flag,
                container: container.to_owned(),
                value: Value::EntryPoint(words),
            });
        }
        Ok(Self(changes))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn apply(self, definition: &mut RegisterTaskDefinitionInput) -> Result<(), Failed> {
        for change in self.0 {
            let containers = definition.container_definitions.as_deref_mut();
            let containers = containers.unwrap_or_default();
            let name = Some(change.container.as_str());
            let known = containers
                .iter()
                .position(|one| one.name.as_deref() == name);
            let index = known.ok_or_else(|| change.without_container(containers))?;
            change.value.set(&mut containers[index]);
        }
        Ok(())
    }
}

impl Change {
    fn without_container(&self, containers: &[ContainerDefinition]) -> Failed {
        let names = containers.iter().filter_map(|one| one.name.as_deref());
        Failed::new(format!(
            "{}: the definition has no container `{}`, it has {}",
            self.flag,
            self.container,
            names.collect::<Vec<_>>().join(", ")
        ))
    }
}

impl Value {
    fn set(self, container: &mut ContainerDefinition) {
        match self {
            Self::Image(image) => container.image = Some(image),
            Self::EntryPoint(words) => container.entry_point = Some(words),
            Self::User(user) => container.user = Some(user),
            Self::WorkingDirectory(path) => container.working_directory = Some(path),
        }
    }
}

fn named<'a>(flag: &str, text: &'a str) -> Result<(&'a str, &'a str), Failed> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name, value)),
        _ => Err(Failed::new(format!("{flag}: `{text}` is not NAME=VALUE"))),
    }
}

/// The changed definition, under a family of its own. A group that was not asked for stays the
/// one of the family that was.
pub(super) async fn derive(
    what: &str,
    changes: Changes,
    run_task: &mut RunTaskInput,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<RegisterTaskDefinitionInput, Failed> {
    let mut derived = match definition::read(what, terminal)? {
        Some(given) => given,
        None => described(what, connection).await?,
    };
    changes.apply(&mut derived)?;
    let family = derived.family.take().unwrap_or_default();
    let kept = family.chars().take(FAMILY_CHARS_MAX - SUFFIX.len());
    derived.family = Some(kept.chain(SUFFIX.chars()).collect());
    let group = &mut run_task.group;
    group.get_or_insert_with(|| format!("family:{family}"));
    Ok(derived)
}

async fn described(
    name: &str,
    connection: &Connection,
) -> Result<RegisterTaskDefinitionInput, Failed> {
    let describe = DescribeTaskDefinitionInput {
        task_definition: Some(name.to_owned()),
        include: Some(vec![TaskDefinitionField::Tags]),
    };
    let answer = connection.client.describe_task_definition(describe).await;
    let answer = answer.map_err(|error| definition::not_described(name, error))?;
    let answer = answer.into_output();
    let mut input: RegisterTaskDefinitionInput = converted(&answer.task_definition)?;
    input.tags = answer.tags.filter(|tags| !tags.is_empty());
    Ok(input)
}

/// What is registered and what is described have the same members, but for those that only
/// answers have.
pub(super) fn converted<T: DeserializeOwned>(shape: &impl Serialize) -> Result<T, Failed> {
    let converted = serde_json::to_value(shape).and_then(serde_json::from_value);
    converted.map_err(|error| Failed::new(format!("not a task definition: {error}")))
}

/// A revision that is there for one call.
pub(super) struct OneOff {
    arn: String,
    pub(super) definition: TaskDefinition,
}

impl OneOff {
    /// Registers. An interruption meanwhile does not cancel the call, because the revision would
    /// be left; it is told to the caller.
    pub(super) async fn register(
        derived: &RegisterTaskDefinitionInput,
        connection: &Connection,
        terminal: &mut Terminal,
        interrupt: Pin<&mut impl Future<Output = ()>>,
    ) -> (Result<Self, Failed>, bool) {
        let mut call = connection.client.register_task_definition(derived);
        let (answer, interrupted) = tokio::select! {
            biased;
            answer = &mut call => (answer, false),
            () = interrupt => (call.await, true),
        };
        let registered = answer.map_err(Failed::from).map(|answer| {
            let definition = answer.into_output().task_definition.unwrap_or_default();
            let arn = definition.task_definition_arn.clone().unwrap_or_default();
            let name = task_name::last_part(&arn);
            terminal.say(format_args!("task definition {name}, for this run only"));
            Self { arn, definition }
        });
        (registered, interrupted)
    }

    /// For the member `taskDefinition`.
    pub(super) fn name(&self) -> String {
        self.arn.clone()
    }

    /// Deregisters and deletes. What is left behind is said, with what removes it.
    pub(super) async fn clean_up(self, connection: &Connection, terminal: &mut Terminal) {
        if let Err(problem) = self.remove(connection).await {
            let name = task_name::last_part(&self.arn);
            terminal.warning(format_args!(
                "task definition {name} is left behind: {problem}; remove it with `aws ecs \
                 deregister-task-definition --task-definition {name}` and `aws ecs \
                 delete-task-definitions --task-definitions {name}`"
            ));
        }
    }

    async fn remove(&self, connection: &Connection) -> Result<(), String> {
        let client = &connection.client;
        let deregister = DeregisterTaskDefinitionInput {
            task_definition: Some(self.arn.clone()),
        };
        let said = |error: client::Error| error.to_string();
        client
            .deregister_task_definition(deregister)
            .await
            .map_err(said)?;
        let delete = DeleteTaskDefinitionsInput {
            task_definitions: Some(vec![self.arn.clone()]),
        };
        let answer = client.call::<model::operations::DeleteTaskDefinitions>(delete);
        let answer = answer.await.map_err(said)?.into_output();
        match answer.failures.unwrap_or_default().as_slice() {
            [] => Ok(()),
            [failure, ..] => Err(failure.reason.clone().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(args: ComfortArgs) -> Result<serde_json::Value, Failed> {
        let definition = json!({"family": "f", "containerDefinitions": [
            {"name": "app", "image": "old", "command": ["x"]}, {"name": "db", "image": "db"}]});
        let mut definition = serde_json::from_value(definition).unwrap();
        Changes::of(&args)?.apply(&mut definition)?;
        Ok(serde_json::to_value(definition).unwrap()["containerDefinitions"].take())
    }

    fn given(flag: fn(&mut ComfortArgs) -> &mut Vec<String>, text: &str) -> ComfortArgs {
        let mut args = ComfortArgs::default();
        flag(&mut args).push(text.to_owned());
        args
    }

    #[test]
    fn only_what_is_asked_for_differs() {
        let args = ComfortArgs {
            override_image: vec!["app=registry:5000/new:1@sha256:a=b".into(), "db=pg".into()],
            override_entrypoint: vec!["app=sh -c 'echo hi'".into()],
            override_user: vec!["app=1000:1000".into()],
            override_working_directory: vec!["db=/tmp".into()],
            ..ComfortArgs::default()
        };
        let expected = json!([
            {"name": "app", "image": "registry:5000/new:1@sha256:a=b", "command": ["x"],
                "entryPoint": ["sh", "-c", "echo hi"], "user": "1000:1000"},
            {"name": "db", "image": "pg", "workingDirectory": "/tmp"}
        ]);
        assert_eq!(changed(args).unwrap(), expected);
        assert!(Changes::of(&ComfortArgs::default()).unwrap().is_empty());
    }

    #[track_caller]
    fn check_refused(args: ComfortArgs, problem: &str) {
        assert_eq!(changed(args).unwrap_err().to_string(), problem);
    }

    #[test]
    fn mistakes_are_named() {
        check_refused(
            given(|args| &mut args.override_image, "new"),
            "--override-image: `new` is not NAME=VALUE",
        );
        check_refused(
            given(|args| &mut args.override_user, "app="),
            "--override-user: `app=` is not NAME=VALUE",
        );
        check_refused(
            given(|args| &mut args.override_entrypoint, "app='"),
            "--override-entrypoint: an open quotation in `app='`: write NAME='program arg …'",
        );
        check_refused(
            given(|args| &mut args.override_image, "web=new"),
            "--override-image: the definition has no container `web`, it has app, db",
        );
    }
}

//! From WHAT to a registered task definition.

use std::io::Read;
use std::path::Path;

use model::shapes::{
    DescribeTaskDefinitionInput, RegisterTaskDefinitionInput, TaskDefinition, TaskDefinitionField,
};

use super::{file, reuse};
use crate::failed::Failed;
use crate::terminal::Terminal;
use crate::{Connection, task_name};

/// What RunTask is to run.
#[derive(Debug)]
pub(super) struct Chosen {
    /// For the member `taskDefinition`.
    pub(super) name: String,
    /// Not there if the caller may not see it.
    pub(super) definition: Option<TaskDefinition>,
}

impl Chosen {
    fn of(definition: TaskDefinition, name: &str) -> Self {
        Self {
            name: definition
                .task_definition_arn
                .clone()
                .unwrap_or_else(|| name.to_owned()),
            definition: Some(definition),
        }
    }
}

/// Reads and registers a file, or looks a name up.
pub(super) async fn choose(
    what: &str,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<Chosen, Failed> {
    match read(what, terminal)? {
        Some(input) => registered(input, connection, terminal).await,
        None => described(what, connection, terminal).await,
    }
}

/// The definition in a file; `None` if WHAT names no file.
pub(super) fn read(
    what: &str,
    terminal: &mut Terminal,
) -> Result<Option<RegisterTaskDefinitionInput>, Failed> {
    if !is_file(what) {
        return Ok(None);
    }
    let name = if what == "-" { "stdin" } else { what };
    let read = file::read(name, &text(what, terminal)?).map_err(Failed::new)?;
    if !read.unknown.is_empty() {
        terminal.warning(format_args!(
            "{name}: not a member of a task definition: {}",
            read.unknown.join(", ")
        ));
    }
    Ok(Some(read.input))
}

/// A family cannot contain what paths do; a file of that name comes first.
fn is_file(what: &str) -> bool {
    let is_arn = what.starts_with("arn:");
    let is_path = !is_arn && (what.contains('/') || what.ends_with(".json"));
    what == "-" || is_path || Path::new(what).is_file()
}

fn text(what: &str, terminal: &mut Terminal) -> Result<String, Failed> {
    let mut text = String::new();
    let read = match what {
        "-" => terminal.input.read_to_string(&mut text).map(|_| ()),
        path => std::fs::File::open(path)
            .and_then(|mut file| file.read_to_string(&mut text).map(|_| ())),
    };
    read.map_err(|error| Failed::new(format!("{what} cannot be read: {error}")))?;
    Ok(text)
}

/// The newest active revision if it is the same, else a new one.
async fn registered(
    input: RegisterTaskDefinitionInput,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<Chosen, Failed> {
    let family = input.family.clone().unwrap_or_default();
    if let Some(known) = known(&input, &family, connection).await? {
        let name = known.task_definition_arn.as_deref().unwrap_or_default();
        terminal.say(format_args!(
            "task definition {}, registered before",
            task_name::last_part(name)
        ));
        return Ok(Chosen::of(known, &family));
    }
    let answer = connection.client.register_task_definition(&input).await?;
    let definition = answer.into_output().task_definition.unwrap_or_default();
    let chosen = Chosen::of(definition, &family);
    terminal.say(format_args!(
        "task definition {}, registered now",
        task_name::last_part(&chosen.name)
    ));
    Ok(chosen)
}

/// The newest active revision of the family, if it is the same. Who may not look may
/// still register.
async fn known(
    input: &RegisterTaskDefinitionInput,
    family: &str,
    connection: &Connection,
) -> Result<Option<TaskDefinition>, Failed> {
    let describe = DescribeTaskDefinitionInput {
        task_definition: Some(family.to_owned()),
        include: Some(vec![TaskDefinitionField::Tags]),
    };
    let answer = match connection.client.describe_task_definition(describe).await {
        Ok(answer) => answer.into_output(),
        Err(error) => {
            let no_revision = ["ClientException", "AccessDeniedException"];
            return match error.code() {
                Some(code) if no_revision.contains(&code) => Ok(None),
                _ => Err(error.into()),
            };
        }
    };
    let tags = answer.tags.unwrap_or_default();
    let same = |known: &TaskDefinition| reuse::is_same(input, known, &tags);
    Ok(answer.task_definition.filter(same))
}

pub(super) async fn described(
    name: &str,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<Chosen, Failed> {
    let describe = DescribeTaskDefinitionInput {
        task_definition: Some(name.to_owned()),
        include: None,
    };
    match connection.client.describe_task_definition(describe).await {
        Ok(answer) => {
            let definition = answer.into_output().task_definition.unwrap_or_default();
            Ok(Chosen::of(definition, name))
        }
        Err(error) if error.code() == Some("AccessDeniedException") => {
            terminal.warning(format_args!("no logs without the definition: {error}"));
            Ok(Chosen {
                name: name.to_owned(),
                definition: None,
            })
        }
        Err(error) => Err(not_described(name, error)),
    }
}

pub(super) fn not_described(name: &str, error: client::Error) -> Failed {
    if error.code() == Some("ClientException") {
        return Failed::new(format!(
            "no task definition `{name}`, and no file of that name ({})",
            error.message()
        ));
    }
    error.into()
}

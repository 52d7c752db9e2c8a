//! `task-definitions`: what can be run.

use model::shapes::{ListTaskDefinitionsOutput, TaskDefinitionStatus};

use crate::failed::Failed;
use crate::ps::print_json;
use crate::terminal::Terminal;
use crate::{Common, Connection, listing, table, task_name};

/// Which definitions to list.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TaskDefinitionsArgs {
    /// Only this family
    pub family: Option<String>,
    /// Also deregistered revisions
    #[arg(long, short)]
    pub all: bool,
    /// The answer of the API instead of a table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub common: Common,
}

pub(crate) async fn execute(
    args: &TaskDefinitionsArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    let mut wanted = vec![TaskDefinitionStatus::Active];
    if args.all {
        wanted.push(TaskDefinitionStatus::Inactive);
    }
    let mut listed = Vec::new();
    for status in wanted {
        let family = args.family.as_deref();
        let arns = listing::task_definitions(&connection.client, family, status.clone()).await?;
        listed.extend(arns.into_iter().map(|arn| (arn, status.clone())));
    }
    if args.json {
        let answer = ListTaskDefinitionsOutput {
            task_definition_arns: Some(listed.into_iter().map(|(arn, _)| arn).collect()),
            next_token: None,
        };
        return print_json(terminal, &answer);
    }
    let mut table = table::new(terminal, &["DEFINITION", "STATUS"]);
    for (arn, status) in &listed {
        table.add_row([task_name::last_part(arn), status.as_str()]);
    }
    table::print(terminal, table);
    Ok(())
}

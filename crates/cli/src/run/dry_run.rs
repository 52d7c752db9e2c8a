//! `run --dry-run`: where the tasks would go, and why not elsewhere. Registers and starts
//! nothing.

use client::NOT_RUN;
use model::explain::{EXPLAIN_PATH, ExplainInput, Explanation};
use model::shapes::TaskDefinition;

use super::one_off::{self, Changes};
use super::{RunArgs, definition, fill_in, request};
use crate::failed::Failed;
use crate::ps::print_json;
use crate::terminal::Terminal;
use crate::{Connection, explanation};

/// Returns 0 if every task has a place, else the code of a task that was not run.
pub(super) async fn execute(
    args: &RunArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<u8, Failed> {
    let input = input(args, connection, terminal).await?;
    let asked = input.run_task.count.unwrap_or(1);
    let answer = connection.extension::<Explanation>(EXPLAIN_PATH, &input);
    let answer = answer.await?;
    if args.comfort.json {
        print_json(terminal, &answer)?;
    } else {
        explanation::print(&answer, terminal);
    }
    let placed = answer.tasks.iter().filter(|task| task.chosen.is_some());
    let complete = i32::try_from(placed.count()).is_ok_and(|placed| placed == asked);
    Ok(if complete { 0 } else { NOT_RUN })
}

async fn input(
    args: &RunArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<ExplainInput, Failed> {
    let mut run_task = request::input(args)?;
    let changes = Changes::of(&args.comfort)?;
    let given = if changes.is_empty() {
        definition::read(&args.what, terminal)?
    } else {
        let derived = one_off::derive(&args.what, changes, &mut run_task, connection, terminal);
        Some(derived.await?)
    };
    let known = match &given {
        Some(given) => {
            run_task.task_definition.clone_from(&given.family);
            Some(one_off::converted::<TaskDefinition>(given)?)
        }
        None => {
            let chosen = definition::described(&args.what, connection, terminal).await?;
            run_task.task_definition = Some(chosen.name);
            chosen.definition
        }
    };
    if let Some(known) = known.filter(|_| connection.local) {
        for said in fill_in::fill_in(&mut run_task, &known) {
            terminal.say(said);
        }
    }
    let definition = given;
    Ok(ExplainInput {
        run_task,
        definition,
    })
}

//! `why`: why a task stands where it does, and why it stopped.

use model::explain::{WHY_PATH, WhyInput, WhyOutput};
use model::shapes::Task;

use crate::failed::Failed;
use crate::ps::print_json;
use crate::run::summary;
use crate::terminal::Terminal;
use crate::{Common, Connection, explanation, remedy, task_name};

/// Which task to explain.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct WhyArgs {
    /// Id, unique beginning of an id, or ARN
    pub task: String,
    /// The cluster; `default` if not given
    #[arg(long)]
    pub cluster: Option<String>,
    /// The explanation as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub common: Common,
}

pub(crate) async fn execute(
    args: &WhyArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    let found = task_name::find(&connection.client, args.cluster.as_deref(), &args.task).await?;
    let input = WhyInput {
        cluster: found.cluster,
        task: found.task.task_arn.clone().unwrap_or_default(),
    };
    let answer = match connection.is_aws {
        true => WhyOutput {
            task_arn: input.task,
            placement: None,
        },
        false => connection.extension(WHY_PATH, &input).await?,
    };
    if args.json {
        return print_json(terminal, &answer);
    }
    match &answer.placement {
        Some(placement) => explanation::print(placement, terminal),
        None if connection.is_aws => {
            terminal.say("Amazon ECS does not tell why a task was placed where it is");
        }
        None => terminal.say("its placement was not kept"),
    }
    for line in summary::of(&found.task, None) {
        terminal.line(line);
    }
    for hint in remedy::hints(reasons(&answer, &found.task)) {
        terminal.line(hint);
    }
    terminal.flush();
    Ok(())
}

/// Why the task stopped; while it waits, why no host takes it.
fn reasons<'a>(answer: &'a WhyOutput, task: &'a Task) -> Vec<&'a str> {
    let decisions = answer.placement.iter().flat_map(|one| &one.tasks);
    let nowhere = decisions.filter(|decision| decision.chosen.is_none());
    let refused = nowhere.flat_map(|decision| &decision.refused);
    let containers = task.containers.iter().flatten();
    let mut reasons: Vec<&str> = containers
        .filter_map(|container| container.reason.as_deref())
        .collect();
    let mut exits = task.containers.iter().flatten().map(|one| one.exit_code);
    if !exits.all(|code| code == Some(0)) {
        reasons.extend(task.stopped_reason.as_deref());
    }
    reasons.extend(refused.map(|count| count.reason.as_str()));
    reasons
}

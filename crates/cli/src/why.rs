//! `why`: why a task stands where it does, and why it stopped.

use model::explain::{WHY_PATH, WhyInput, WhyOutput};

use crate::failed::Failed;
use crate::ps::print_json;
use crate::run::summary;
use crate::terminal::Terminal;
use crate::{Common, Connection, explanation, task_name};

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
    let answer = connection
        .client
        .call_extension::<WhyOutput>(WHY_PATH, &input);
    let answer = answer.await?.into_output();
    if args.json {
        return print_json(terminal, &answer);
    }
    match &answer.placement {
        Some(placement) => explanation::print(placement, terminal),
        None => terminal.say("its placement was not kept"),
    }
    for line in summary::of(&found.task, None) {
        terminal.line(line);
    }
    terminal.flush();
    Ok(())
}

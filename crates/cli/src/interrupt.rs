//! `interrupt`: ends Spot tasks as Fargate does when it takes its capacity back.

use model::interrupt::{INTERRUPT_PATH, InterruptInput, InterruptOutput};

use crate::failed::Failed;
use crate::terminal::Terminal;
use crate::{Common, Connection, task_name};

/// Which tasks to interrupt.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct InterruptArgs {
    /// Ids, unique beginnings of ids, or ARNs of tasks on FARGATE_SPOT
    #[arg(value_name = "TASK", required = true)]
    pub tasks: Vec<String>,
    /// The cluster; `default` if not given
    #[arg(long)]
    pub cluster: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

pub(crate) async fn execute(
    args: &InterruptArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    for name in &args.tasks {
        let found = task_name::find(&connection.client, args.cluster.as_deref(), name).await?;
        let arn = found.task.task_arn.unwrap_or_default();
        let input = InterruptInput {
            cluster: found.cluster,
            task: arn.clone(),
        };
        let answer = connection.extension::<InterruptOutput>(INTERRUPT_PATH, &input);
        answer.await?;
        terminal.line(arn);
    }
    terminal.flush();
    Ok(())
}

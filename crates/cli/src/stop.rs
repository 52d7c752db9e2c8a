//! `stop`: asks for the end of tasks.

use model::shapes::StopTaskInput;

use crate::failed::Failed;
use crate::terminal::Terminal;
use crate::{Common, Connection, task_name};

/// Which tasks to stop, and why.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct StopArgs {
    /// Ids, unique beginnings of ids, or ARNs
    #[arg(value_name = "TASK", required = true)]
    pub tasks: Vec<String>,
    /// The cluster; `default` if not given
    #[arg(long)]
    pub cluster: Option<String>,
    /// Kept with the task
    #[arg(long)]
    pub reason: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

pub(crate) async fn execute(
    args: &StopArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    for name in &args.tasks {
        let found = task_name::find(&connection.client, args.cluster.as_deref(), name).await?;
        let arn = found.task.task_arn.unwrap_or_default();
        let input = StopTaskInput {
            cluster: found.cluster,
            reason: args.reason.clone(),
            task: Some(arn.clone()),
        };
        connection.client.stop_task(input).await?;
        terminal.line(arn);
    }
    terminal.flush();
    Ok(())
}

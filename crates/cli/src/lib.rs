//! The user's commands: run a task and follow it to its exit code, look at tasks and
//! hosts, read logs, stop.
//!
//! Everything goes through the public API with the typed client; there is no private way
//! in. The program that embeds these commands finds or starts a server, hands over a
//! [`Connection`], and turns the returned number into its own exit code.
//!
//! Only what was asked for goes to stdout (a container's output, tables, JSON, ARNs);
//! everything that is said about it goes to stderr.

mod arguments;
mod explanation;
mod failed;
mod faults;
mod instances;
mod interrupt;
mod listing;
mod logs;
mod ps;
mod remedy;
mod run;
mod screen;
mod shorthand;
mod span;
mod stop;
mod table;
mod task_definitions;
mod task_name;
mod terminal;
mod why;

use std::fmt::Debug;
use std::future::Future;
use std::path::Path;

use client::{Client, LogPace};
use model::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

pub use arguments::{Common, Target};
pub use faults::FaultsArgs;
pub use instances::InstancesArgs;
pub use interrupt::InterruptArgs;
pub use logs::LogsArgs;
pub use ps::PsArgs;
pub use run::{ComfortArgs, RunArgs, TaskArgs};
pub use stop::StopArgs;
pub use task_definitions::TaskDefinitionsArgs;
pub use terminal::{ColorChoice, Terminal};
pub use why::WhyArgs;

use failed::Failed;

/// The commands of this crate, for `#[command(flatten)]`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Run a task, stream its logs, return its exit code
    Run(Box<RunArgs>),
    /// List tasks
    Ps(PsArgs),
    /// Show what a task's containers wrote
    Logs(LogsArgs),
    /// Stop tasks
    Stop(StopArgs),
    /// End Spot tasks as when Fargate takes its capacity back
    Interrupt(InterruptArgs),
    /// Have calls and tasks of a server go wrong on purpose
    Faults(FaultsArgs),
    /// Show why a task stands where it does, and why it stopped
    Why(WhyArgs),
    /// List container instances with what they have and what is free
    Instances(InstancesArgs),
    /// List task definitions
    TaskDefinitions(TaskDefinitionsArgs),
}

impl Command {
    /// Which server the user means.
    pub fn target(&self) -> Target {
        self.common().target()
    }

    /// Is it of no use without a server that goes on when the command has ended?
    pub fn needs_server(&self) -> bool {
        matches!(self, Self::Faults(_))
    }

    /// The file with the values for the engine that this command starts.
    pub fn secrets(&self) -> Option<&Path> {
        match self {
            Self::Run(run) => run.comfort.secrets.as_deref(),
            _ => None,
        }
    }

    /// When to use colours, for [`Terminal::stdio`].
    pub fn color(&self) -> ColorChoice {
        self.common().color
    }

    fn common(&self) -> &Common {
        match self {
            Self::Run(run) => &run.common,
            Self::Ps(ps) => &ps.common,
            Self::Logs(logs) => &logs.common,
            Self::Stop(stop) => &stop.common,
            Self::Interrupt(interrupt) => &interrupt.common,
            Self::Faults(faults) => faults.common(),
            Self::Why(why) => &why.common,
            Self::Instances(instances) => &instances.common,
            Self::TaskDefinitions(definitions) => &definitions.common,
        }
    }
}

/// A way to a server. The region is the client's.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Signs and sends.
    pub client: Client,
    /// Our own server on this machine: `run` fills in launch type and subnet, asks more
    /// often, and says which members of a definition are not honoured.
    pub local: bool,
    /// Amazon ECS itself, which lacks what Longshore adds.
    pub is_aws: bool,
    /// The moment the command began; ages are counted from it.
    pub now: Timestamp,
}

impl Connection {
    /// How often logs are read. Only of our own server is it known that every line is
    /// there before the end.
    fn log_pace(&self) -> LogPace {
        if self.local {
            LogPace::local()
        } else {
            LogPace::remote()
        }
    }

    /// Calls what Longshore has beyond ECS.
    pub(crate) async fn extension<O>(
        &self,
        path: &'static str,
        input: &impl Serialize,
    ) -> Result<O, Failed>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        if self.is_aws {
            return Err(Failed::new(
                "Amazon ECS cannot do this: leave --aws out, or name a Longshore server with \
                 --endpoint-url",
            ));
        }
        let answer = self.client.call_extension::<O>(path, input).await?;
        Ok(answer.into_output())
    }
}

/// Performs a command and returns the exit code of the process. `interrupt` resolves when
/// the user presses Ctrl-C. `run` then stops its tasks, waits for their end and returns
/// 130; the caller should let a second Ctrl-C end the process. The future is not `Send`:
/// it is for `block_on`, not for `spawn`.
pub async fn execute(
    command: Command,
    connection: Connection,
    mut terminal: Terminal,
    interrupt: impl Future<Output = ()>,
) -> u8 {
    let done = match command {
        Command::Run(run) => return run::execute(*run, &connection, terminal, interrupt).await,
        Command::Logs(logs) => {
            return logs::execute(logs, &connection, terminal, interrupt).await;
        }
        Command::Ps(ps) => ps::execute(&ps, &connection, &mut terminal).await,
        Command::Stop(stop) => stop::execute(&stop, &connection, &mut terminal).await,
        Command::Interrupt(tasks) => interrupt::execute(&tasks, &connection, &mut terminal).await,
        Command::Faults(faults) => faults::execute(faults, &connection, &mut terminal).await,
        Command::Why(why) => why::execute(&why, &connection, &mut terminal).await,
        Command::Instances(instances) => {
            instances::execute(&instances, &connection, &mut terminal).await
        }
        Command::TaskDefinitions(definitions) => {
            task_definitions::execute(&definitions, &connection, &mut terminal).await
        }
    };
    match done {
        Ok(()) => 0,
        Err(failed) => {
            terminal.error(&failed);
            Failed::EXIT_CODE
        }
    }
}

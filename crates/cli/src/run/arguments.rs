//! The flags of `run`. Those of RunTask's members are spelt as in the AWS CLI.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Common, span};

/// What to run, how, and what to show of it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RunArgs {
    /// A task-definition file (`-` for stdin), or family, family:revision, ARN
    ///
    /// A file holds the input of RegisterTaskDefinition or the output of
    /// DescribeTaskDefinition as JSON. It is registered first, unless the newest active
    /// revision is the same.
    pub what: String,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub comfort: ComfortArgs,
    #[command(flatten)]
    pub common: Common,
}

/// Members of RunTask.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Members of RunTask")]
pub struct TaskArgs {
    /// The cluster; `default` if not given
    #[arg(long)]
    pub cluster: Option<String>,
    /// How many tasks, 1 to 10
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub count: Option<i32>,
    /// EC2, FARGATE or EXTERNAL
    #[arg(long, value_name = "TYPE")]
    pub launch_type: Option<String>,
    /// capacityProvider=NAME,weight=N,base=N …
    #[arg(long, value_name = "ITEM", num_args = 1..)]
    pub capacity_provider_strategy: Vec<String>,
    /// Fargate only: LATEST or a number
    #[arg(long, value_name = "VERSION")]
    pub platform_version: Option<String>,
    /// awsvpcConfiguration={subnets=[ID,…],securityGroups=[ID,…],assignPublicIp=ENABLED}
    #[arg(long, value_name = "STRUCTURE")]
    pub network_configuration: Option<String>,
    /// What differs from the definition, as JSON, shorthand or file://PATH
    #[arg(long, value_name = "STRUCTURE")]
    pub overrides: Option<String>,
    /// type=memberOf,expression=… or type=distinctInstance …
    #[arg(long, value_name = "ITEM", num_args = 1..)]
    pub placement_constraints: Vec<String>,
    /// type=spread,field=… …
    #[arg(long, value_name = "ITEM", num_args = 1..)]
    pub placement_strategy: Vec<String>,
    /// The task group; `family:FAMILY` if not given
    #[arg(long)]
    pub group: Option<String>,
    /// A mark to find the tasks by
    #[arg(long, value_name = "MARK")]
    pub started_by: Option<String>,
    /// key=K,value=V …
    #[arg(long, value_name = "TAG", num_args = 1..)]
    pub tags: Vec<String>,
    /// TASK_DEFINITION or NONE
    #[arg(long, value_name = "FROM")]
    pub propagate_tags: Option<String>,
    /// Add the tag aws:ecs:clusterName
    #[arg(long, overrides_with = "no_enable_ecs_managed_tags")]
    pub enable_ecs_managed_tags: bool,
    #[arg(long, hide = true)]
    pub no_enable_ecs_managed_tags: bool,
    /// Allow commands to be executed in the containers later
    #[arg(long, overrides_with = "no_enable_execute_command")]
    pub enable_execute_command: bool,
    #[arg(long, hide = true)]
    pub no_enable_execute_command: bool,
    /// name=VOLUME,managedEBSVolume={…}
    #[arg(long, value_name = "ITEM", num_args = 1..)]
    pub volume_configurations: Vec<String>,
    /// Internal to AWS: leave it out
    #[arg(long, value_name = "ID")]
    pub reference_id: Option<String>,
    /// Makes a repeated call harmless; a fresh one if not given
    #[arg(long, value_name = "TOKEN")]
    pub client_token: Option<String>,
}

/// What RunTask does not have.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ComfortArgs {
    /// Replace the command of a container; split like a shell does, or a JSON list
    #[arg(long, value_name = "NAME='…'")]
    pub command: Vec<String>,
    /// TOML file with the values of the secrets and environment files that the definition names
    ///
    /// For the engine of this command: a server that runs already has its own.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Print such a file with every name of the definition, ready to be filled; start nothing
    #[arg(long)]
    pub secrets_template: bool,
    /// Set a variable of a container
    #[arg(long, value_name = "NAME.KEY=VALUE")]
    pub env: Vec<String>,
    /// Replace the image of a container
    ///
    /// RunTask cannot: a revision derived from the definition is registered for this run, in the
    /// family FAMILY-one-off, and deleted when RunTask has answered.
    #[arg(long, value_name = "NAME=IMAGE")]
    pub override_image: Vec<String>,
    /// Replace the entry point of a container, as --override-image does
    #[arg(long, value_name = "NAME='…'")]
    pub override_entrypoint: Vec<String>,
    /// Replace the user of a container, as --override-image does
    #[arg(long, value_name = "NAME=USER")]
    pub override_user: Vec<String>,
    /// Replace the working directory of a container, as --override-image does
    #[arg(long, value_name = "NAME=DIR")]
    pub override_working_directory: Vec<String>,
    /// Stop the tasks after so long (90s, 10m, 1h30m) and return 124
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    pub timeout: Option<Duration>,
    /// Print the tasks' ARNs and do not wait
    #[arg(long)]
    pub no_wait: bool,
    /// Do not show what the containers write
    #[arg(long)]
    pub no_logs: bool,
    /// Show where the tasks would go, and why not elsewhere; start nothing
    ///
    /// Prints each host's verdict. Returns 0 if every task has a place, else 125. A file
    /// is not registered.
    #[arg(long, conflicts_with = "no_wait")]
    pub dry_run: bool,
    /// Print a line of JSON per event, log lines too; the last has exitCode, tasks and failures
    #[arg(long)]
    pub json: bool,
    /// Leave the tasks running after Ctrl-C
    #[arg(long)]
    pub detach_on_interrupt: bool,
}

//! `faults`: has calls and tasks of a server go wrong on purpose.

use std::time::Duration;

use model::faults::{
    FAULTS_ADD_PATH, FAULTS_LIST_PATH, FAULTS_REMOVE_PATH, Fault, FaultRule, FaultStatus,
    ListFaultsInput, ListFaultsOutput, RemoveFaultsInput, RemoveFaultsOutput,
};

use crate::failed::Failed;
use crate::ps::print_json;
use crate::terminal::Terminal;
use crate::{Common, Connection, table};

/// What to do with fault rules.
#[derive(Debug, Clone, clap::Args)]
pub struct FaultsArgs {
    #[command(subcommand)]
    pub command: FaultsCommand,
}

#[derive(Debug, Clone, clap::Subcommand)]
pub enum FaultsCommand {
    /// Add a rule and print its id
    Add(Box<AddArgs>),
    /// List the rules with what they have hit
    Ls(ListArgs),
    /// Remove rules
    Rm(RemoveArgs),
}

impl FaultsArgs {
    pub(crate) fn common(&self) -> &Common {
        match &self.command {
            FaultsCommand::Add(add) => &add.common,
            FaultsCommand::Ls(list) => &list.common,
            FaultsCommand::Rm(remove) => &remove.common,
        }
    }
}

/// A rule.
#[derive(Debug, Clone, clap::Args)]
pub struct AddArgs {
    #[command(subcommand)]
    pub fault: FaultWord,
    /// Only this operation, as the API spells it [default: all]
    #[arg(long, global = true)]
    pub operation: Option<String>,
    /// Only this access key id or ARN [default: everybody]
    #[arg(long, global = true)]
    pub caller: Option<String>,
    /// Let so many matching calls pass first
    #[arg(long, global = true, value_name = "COUNT", default_value_t)]
    pub skip: u32,
    /// Hit so many calls, or tasks, at most [default: without end]
    #[arg(long, global = true, value_name = "COUNT")]
    pub times: Option<u32>,
    /// Hit this share of the calls, for example 0.1 [default: all]
    #[arg(long, global = true, value_name = "SHARE")]
    pub probability: Option<f64>,
    /// Draw the hits of --probability as another rule with this seed did
    #[arg(long, global = true)]
    pub seed: Option<u64>,
    /// Go wrong after the call has had its effect
    #[arg(long, global = true)]
    pub after_effect: bool,
    /// The rule as JSON instead of its id
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub common: Common,
}

/// What goes wrong.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum FaultWord {
    /// 400 ThrottlingException
    Throttling,
    /// 500 ServerException
    ServerError,
    /// The answer comes late
    Latency {
        /// For example 2s or 500ms
        #[arg(value_parser = humantime::parse_duration)]
        duration: Duration,
    },
    /// The connection ends without an answer
    Cut,
    /// The connection ends in the middle of the answer
    CutBody,
    /// The Date of the answer is wrong
    WrongDate {
        /// How far it is ahead; negative if behind
        #[arg(allow_negative_numbers = true)]
        seconds: i64,
    },
    /// The HTML page of a proxy
    HtmlPage {
        #[arg(default_value_t = 503)]
        status: u16,
    },
    /// Entries of `failures`, of RunTask or DescribeTasks
    Failures {
        /// For example MISSING or RESOURCE:MEMORY
        reason: String,
        #[arg(long)]
        detail: Option<String>,
        /// Of the resource that failed
        #[arg(long)]
        arn: Option<String>,
        /// Tasks of each call that fail [default: all]
        #[arg(long)]
        count: Option<u32>,
    },
    /// Each step of a task takes longer
    SlowTransitions {
        /// For example 2s or 500ms
        #[arg(value_parser = humantime::parse_duration)]
        duration: Duration,
    },
    /// Containers end with this code
    ExitCode {
        code: i32,
        /// Only the container of this name
        #[arg(long)]
        container: Option<String>,
        /// So long after the start [default: when they end by themselves]
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        after: Option<Duration>,
    },
    /// Tasks on FARGATE_SPOT are interrupted
    SpotInterruption {
        /// So long after the start
        #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
        after: Duration,
    },
    /// The host of a task is gone, with all that ran on it
    LostHost {
        /// So long after the start
        #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
        after: Duration,
    },
}

/// How to list the rules.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ListArgs {
    /// The answer of the server instead of a table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub common: Common,
}

/// Which rules to remove.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RemoveArgs {
    /// Ids of rules
    #[arg(
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub ids: Vec<u64>,
    /// All rules
    #[arg(long)]
    pub all: bool,
    /// The answer of the server instead of ids
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub common: Common,
}

const HEADINGS: [&str; 8] = [
    "ID",
    "FAULT",
    "OPERATION",
    "CALLER",
    "TIMES",
    "PROBABILITY",
    "MATCHED",
    "HITS",
];

pub(crate) async fn execute(
    args: FaultsArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    match args.command {
        FaultsCommand::Add(add) => add_rule(*add, connection, terminal).await,
        FaultsCommand::Ls(list) => list_rules(&list, connection, terminal).await,
        FaultsCommand::Rm(remove) => remove_rules(remove, connection, terminal).await,
    }
}

async fn add_rule(
    args: AddArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    let json = args.json;
    let rule = FaultRule {
        operation: args.operation,
        caller: args.caller,
        skip: args.skip,
        times: args.times,
        probability: args.probability,
        seed: args.seed,
        after_effect: args.after_effect,
        fault: fault(args.fault),
    };
    let added = connection.extension::<FaultStatus>(FAULTS_ADD_PATH, &rule);
    let added = added.await?;
    if json {
        return print_json(terminal, &added);
    }
    terminal.line(added.id);
    terminal.flush();
    Ok(())
}

async fn list_rules(
    args: &ListArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    let listed = connection.extension::<ListFaultsOutput>(FAULTS_LIST_PATH, &ListFaultsInput {});
    let listed = listed.await?;
    if args.json {
        return print_json(terminal, &listed);
    }
    let mut table = table::new(terminal, &HEADINGS);
    for status in &listed.faults {
        table.add_row(row(status));
    }
    table::print(terminal, table);
    Ok(())
}

async fn remove_rules(
    args: RemoveArgs,
    connection: &Connection,
    terminal: &mut Terminal,
) -> Result<(), Failed> {
    let RemoveArgs { ids, all, json, .. } = args;
    let input = RemoveFaultsInput { ids, all };
    let removed = connection.extension::<RemoveFaultsOutput>(FAULTS_REMOVE_PATH, &input);
    let removed = removed.await?;
    if json {
        return print_json(terminal, &removed);
    }
    for status in &removed.faults {
        terminal.line(status.id);
    }
    terminal.flush();
    Ok(())
}

fn fault(word: FaultWord) -> Fault {
    match word {
        FaultWord::Throttling => Fault::Throttling {},
        FaultWord::ServerError => Fault::ServerError {},
        FaultWord::Latency { duration } => Fault::Latency {
            millis: millis(duration),
        },
        FaultWord::Cut => Fault::Cut {},
        FaultWord::CutBody => Fault::CutBody {},
        FaultWord::WrongDate { seconds } => Fault::WrongDate { seconds },
        FaultWord::HtmlPage { status } => Fault::HtmlPage { status },
        FaultWord::Failures {
            reason,
            detail,
            arn,
            count,
        } => Fault::Failures {
            reason,
            detail,
            arn,
            count,
        },
        FaultWord::SlowTransitions { duration } => Fault::SlowTransitions {
            millis: millis(duration),
        },
        FaultWord::ExitCode {
            code,
            container,
            after,
        } => Fault::ExitCode {
            code,
            container,
            after_millis: after.map(millis),
        },
        FaultWord::SpotInterruption { after } => Fault::SpotInterruption {
            after_millis: millis(after),
        },
        FaultWord::LostHost { after } => Fault::LostHost {
            after_millis: millis(after),
        },
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn row(status: &FaultStatus) -> [String; 8] {
    let rule = &status.rule;
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let share = rule.probability.map(|share| share.to_string());
    let dash = |text: Option<String>| table::or_dash(text.unwrap_or_default());
    [
        status.id.to_string(),
        words(rule),
        dash(rule.operation.clone()),
        dash(rule.caller.clone()),
        dash(number(rule.times)),
        dash(share),
        status.matched.to_string(),
        status.hits.to_string(),
    ]
}

/// As it is typed, as far as it says something: `latency 2s after-effect`.
fn words(rule: &FaultRule) -> String {
    let words = match &rule.fault {
        Fault::Throttling {} => "throttling".to_owned(),
        Fault::ServerError {} => "server-error".to_owned(),
        Fault::Latency { millis } => format!("latency {}", time(*millis)),
        Fault::Cut {} => "cut".to_owned(),
        Fault::CutBody {} => "cut-body".to_owned(),
        Fault::WrongDate { seconds } => format!("wrong-date {seconds}"),
        Fault::HtmlPage { status } => format!("html-page {status}"),
        Fault::Failures { reason, .. } => format!("failures {reason}"),
        Fault::SlowTransitions { millis } => format!("slow-transitions {}", time(*millis)),
        Fault::ExitCode { code, .. } => format!("exit-code {code}"),
        Fault::SpotInterruption { after_millis } => {
            format!("spot-interruption {}", time(*after_millis))
        }
        Fault::LostHost { after_millis } => format!("lost-host {}", time(*after_millis)),
    };
    match rule.after_effect {
        true => format!("{words} after-effect"),
        false => words,
    }
}

fn time(millis: u64) -> String {
    humantime::format_duration(Duration::from_millis(millis)).to_string()
}

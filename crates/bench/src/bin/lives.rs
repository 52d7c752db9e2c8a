//! Lives of tasks as their caller sees them: from RunTask to the first DescribeTasks that says
//! STOPPED, or RUNNING, asking again as soon as the answer is there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bench::connection::Connection;
use bench::figures::Spread;
use bench::signing::Caller;
use bench::{answer, clock};
use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    caller: Caller,
    /// The input of RunTask, a JSON object
    #[arg(long)]
    body: String,
    #[arg(long, default_value_t = 50)]
    lives: usize,
    /// Lives at a time
    #[arg(long, default_value_t = 1)]
    parallel: usize,
    /// Milliseconds between two looks
    #[arg(long, default_value_t = 1)]
    pause: u64,
    /// Where the time ends; each life goes on to STOPPED
    #[arg(long, value_enum, default_value_t = End::Stopped)]
    until: End,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum End {
    Running,
    Stopped,
}

impl End {
    fn is_reached(self, last_status: &str) -> bool {
        let before_running = ["PROVISIONING", "PENDING", "ACTIVATING"];
        match self {
            Self::Running => !before_running.contains(&last_status),
            Self::Stopped => last_status == "STOPPED",
        }
    }
}

#[derive(Serialize)]
struct Finding {
    lives: usize,
    lives_per_second: f64,
    errors: usize,
    first_error: Option<String>,
    latency_ms: Spread,
}

#[derive(Deserialize)]
struct Tasks {
    tasks: Vec<Task>,
    failures: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_arn: String,
    last_status: String,
    stopped_reason: Option<String>,
    containers: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    exit_code: Option<i32>,
    reason: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arc::new(Arguments::parse());
    let left = Arc::new(AtomicUsize::new(arguments.lives));
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let start = clock::now();
    let workers: Vec<_> = (0..arguments.parallel)
        .map(|_| tokio::spawn(work(arguments.clone(), left.clone(), outcomes.clone())))
        .collect();
    for worker in workers {
        worker.await??;
    }
    let seconds = start.elapsed().as_secs_f64();
    let outcomes = std::mem::take(&mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner));
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let first_error = bad
        .into_iter()
        .map(|error| error.err().map(|e| format!("{e:#}")));
    let errors: Vec<_> = first_error.flatten().collect();
    answer::print(&Finding {
        lives: good.len(),
        lives_per_second: good.len() as f64 / seconds,
        errors: errors.len(),
        first_error: errors.into_iter().next(),
        latency_ms: Spread::of(good.into_iter().flatten().collect()),
    })
}

type Outcomes = Arc<Mutex<Vec<anyhow::Result<Duration>>>>;

async fn work(
    arguments: Arc<Arguments>,
    left: Arc<AtomicUsize>,
    outcomes: Outcomes,
) -> anyhow::Result<()> {
    let mut connection = Connection::open(arguments.caller.authority()?).await?;
    let is_left = |count: usize| count.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_left)
        .is_ok()
    {
        let outcome = live(&arguments, &mut connection).await;
        outcomes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(outcome);
    }
    Ok(())
}

/// One task, from the moment before RunTask is sent.
async fn live(arguments: &Arguments, connection: &mut Connection) -> anyhow::Result<Duration> {
    let start = clock::now();
    let mut task = ask(arguments, connection, "RunTask", &arguments.body).await?;
    let look = serde_json::json!({ "tasks": [task.task_arn] }).to_string();
    let mut time = None;
    loop {
        if arguments.until.is_reached(&task.last_status) {
            time.get_or_insert_with(|| start.elapsed());
        }
        if task.last_status == "STOPPED" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(arguments.pause)).await;
        task = ask(arguments, connection, "DescribeTasks", &look).await?;
    }
    let is_good = task
        .containers
        .iter()
        .all(|container| container.exit_code == Some(0));
    let reasons = || {
        task.containers
            .iter()
            .find_map(|container| container.reason.clone())
    };
    anyhow::ensure!(is_good, "{:?} {:?}", task.stopped_reason, reasons());
    time.context("the task has stopped and never came to where the time ends")
}

/// An operation that answers with one task.
async fn ask(
    arguments: &Arguments,
    connection: &mut Connection,
    operation: &str,
    body: &str,
) -> anyhow::Result<Task> {
    let request = arguments.caller.request(operation, body, clock::date())?;
    let answer = connection.exchange(&request).await?;
    let text = String::from_utf8_lossy(answer.body);
    anyhow::ensure!(answer.status == 200, "{operation}: {text}");
    let found: Tasks = serde_json::from_slice(answer.body).context(operation.to_owned())?;
    let failures = &found.failures;
    found
        .tasks
        .into_iter()
        .next()
        .with_context(|| format!("{operation}: {failures:?}"))
}

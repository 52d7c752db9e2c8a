//! The load program: the same bytes for every server. Requests are built and
//! signed before the clock starts, so that it costs the servers little.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bench::connection::Connection;
use bench::figures::Spread;
use bench::signing::Caller;
use bench::{answer, clock};
use clap::{Args, Parser};
use serde::Serialize;
use tokio::task::LocalSet;

/// Requests are signed before they are sent; a server takes them for five minutes.
const SIGNATURE_LIFETIME: Duration = Duration::from_secs(300);

#[derive(Parser)]
enum Command {
    /// Sends one request and prints the answer
    Call(Call),
    /// Sends requests over several connections, each as soon as it has the answer to the one before
    Run(Run),
}

#[derive(Args)]
struct Call {
    #[command(flatten)]
    caller: Caller,
    #[arg(long)]
    operation: String,
    /// A JSON object
    #[arg(long, default_value = "{}")]
    body: String,
}

#[derive(Args)]
struct Run {
    #[command(flatten)]
    call: Call,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How long to measure
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How long to send before measuring
    #[arg(long, default_value_t = 1.0)]
    warmup: f64,
    /// Requests to sign; the run ends when all are sent
    #[arg(long)]
    prepare: usize,
    /// Send them again instead, to a server that does not look at them
    #[arg(long)]
    repeat: bool,
    /// The status of a right answer
    #[arg(long, default_value_t = 200)]
    expect: u16,
}

#[derive(Serialize)]
struct Finding {
    requests: usize,
    requests_per_second: f64,
    /// Answers of another status than expected, and broken connections.
    errors: usize,
    first_error: Option<String>,
    latency_ms: Spread,
    /// All requests were sent before the time was over.
    used_up: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Call(call) => answer::print_text(&single(&call).await?),
        Command::Run(run) => answer::print(&LocalSet::new().run_until(load(&run)).await?)?,
    }
    Ok(())
}

async fn single(call: &Call) -> anyhow::Result<String> {
    let request = call
        .caller
        .request(&call.operation, &call.body, clock::date())?;
    let mut connection = Connection::open(call.caller.authority()?).await?;
    let answer = connection.exchange(&request).await?;
    let body = String::from_utf8_lossy(answer.body).into_owned();
    anyhow::ensure!(
        answer.status == 200,
        "{}: {} {body}",
        call.operation,
        answer.status
    );
    Ok(body)
}

/// What the connections share; they take turns on one thread.
struct Shared {
    requests: Vec<Vec<u8>>,
    repeat: bool,
    expect: u16,
    next: Cell<usize>,
    measure_from: Instant,
    end: Instant,
    samples: RefCell<Vec<Duration>>,
    errors: Cell<usize>,
    first_error: RefCell<Option<String>>,
}

impl Shared {
    fn take(&self) -> Option<&[u8]> {
        let index = self.next.get();
        let is_last = self.repeat && index + 1 == self.requests.len();
        self.next.set(if is_last { 0 } else { index + 1 });
        self.requests.get(index).map(Vec::as_slice)
    }

    fn is_right(&self, status: u16, body: &[u8]) -> bool {
        status == self.expect && (status != 200 || is_clean(body))
    }

    fn error(&self, text: impl FnOnce() -> String) {
        self.errors.set(self.errors.get() + 1);
        self.first_error.borrow_mut().get_or_insert_with(text);
    }
}

async fn load(run: &Run) -> anyhow::Result<Finding> {
    let signed_at = clock::now();
    let requests = prepare(&run.call, run.prepare)?;
    let mut connections = Vec::new();
    for _ in 0..run.connections {
        connections.push(Connection::open(run.call.caller.authority()?).await?);
    }
    let start = clock::now();
    let measure_from = start + Duration::from_secs_f64(run.warmup);
    let end = measure_from + Duration::from_secs_f64(run.seconds);
    anyhow::ensure!(
        end - signed_at < SIGNATURE_LIFETIME,
        "the signatures would be too old before the end"
    );
    let samples = RefCell::new(Vec::with_capacity(requests.len()));
    let shared = Rc::new(Shared {
        requests,
        repeat: run.repeat,
        expect: run.expect,
        next: Cell::new(0),
        measure_from,
        end,
        samples,
        errors: Cell::new(0),
        first_error: RefCell::new(None),
    });
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|connection| tokio::task::spawn_local(drive(connection, shared.clone())))
        .collect();
    for task in tasks {
        task.await?;
    }
    Ok(finding(&shared))
}

fn finding(shared: &Shared) -> Finding {
    let used_up = shared.next.get() > shared.requests.len() && clock::now() < shared.end;
    let measured = clock::now()
        .min(shared.end)
        .saturating_duration_since(shared.measure_from);
    let samples = shared.samples.take();
    Finding {
        requests: samples.len(),
        requests_per_second: samples.len() as f64 / measured.as_secs_f64().max(1e-9),
        errors: shared.errors.get(),
        first_error: shared.first_error.take(),
        latency_ms: Spread::of(samples),
        used_up,
    }
}

/// Counts what begins after the warm-up and ends in time.
async fn drive(mut connection: Connection, shared: Rc<Shared>) {
    loop {
        let start = clock::now();
        if start >= shared.end {
            return;
        }
        let Some(request) = shared.take() else { return };
        match connection.exchange(request).await {
            Ok(answer) if shared.is_right(answer.status, answer.body) => {}
            Ok(answer) => shared.error(|| String::from_utf8_lossy(answer.body).into_owned()),
            Err(error) => return shared.error(|| error.to_string()),
        }
        let now = clock::now();
        if start >= shared.measure_from && now <= shared.end {
            shared.samples.borrow_mut().push(now - start);
        }
    }
}

/// A RunTask answer with entries in `failures` has started less than it was asked for.
fn is_clean(body: &[u8]) -> bool {
    const EMPTY: &[u8] = br#""failures":[]"#;
    body.get(1..=EMPTY.len()) == Some(EMPTY)
        || body
            .strip_suffix(b"}")
            .is_some_and(|rest| rest.ends_with(EMPTY))
}

/// The same request again and again, with a token of its own each time.
fn prepare(call: &Call, count: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let rest = call
        .body
        .trim()
        .strip_prefix('{')
        .context("--body must be a JSON object")?;
    let date = clock::date();
    let run = date.duration_since(std::time::UNIX_EPOCH)?.as_nanos();
    (0..count)
        .map(|index| {
            let body = format!(r#"{{"clientToken":"{run:x}-{index}",{rest}"#);
            call.caller.request(&call.operation, &body, date)
        })
        .collect()
}

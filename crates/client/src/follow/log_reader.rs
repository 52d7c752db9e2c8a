//! Reads what containers wrote: every stream from its beginning, to its present end, as
//! often as it is asked. A token per stream makes that nothing is lost or doubled.

use std::time::Duration;

use model::cloudwatch_logs::GetLogEventsInput;
use model::shapes::{Task, TaskDefinition};

use super::log_stream::LogStream;
use crate::client::Client;
use crate::error::Error;
use crate::options::CallOptions;

/// Pages of one stream that are read before the others get their turn.
const PAGES_AT_ONCE: usize = 8;

/// How often logs are read, and how long after the end of a task.
#[derive(Debug, Clone, Copy)]
pub struct LogPace {
    /// Between two rounds.
    pub pause: Duration,
    /// Rounds without news after the end until no more is expected.
    pub quiet_rounds: u32,
    /// Rounds after the end at most.
    pub rounds_max: u32,
}

impl LogPace {
    /// For our own server on this machine: it has every line before it calls a task
    /// STOPPED.
    pub const fn local() -> Self {
        Self {
            pause: Duration::from_millis(50),
            quiet_rounds: 1,
            rounds_max: u32::MAX,
        }
    }

    /// For CloudWatch, which may be seconds late and allows few calls a second: reads on
    /// until nothing came for 4 s, for 30 s at most.
    pub const fn remote() -> Self {
        Self {
            pause: Duration::from_secs(1),
            quiet_rounds: 4,
            rounds_max: 30,
        }
    }
}

/// One line of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Milliseconds since the epoch.
    pub time: i64,
    /// Index among the followed tasks.
    pub task: usize,
    /// Index among the definition's containers.
    pub container: usize,
    pub message: String,
}

/// What one round brought.
#[derive(Debug, Default)]
pub struct LogRound {
    /// By time.
    pub lines: Vec<LogLine>,
    /// Why a stream will not be read any more.
    pub problems: Vec<String>,
    /// More is there already.
    pub unfinished: bool,
}

impl LogRound {
    /// Whether the ends of all streams were reached and nothing came.
    pub fn is_quiet(&self) -> bool {
        self.lines.is_empty() && !self.unfinished
    }
}

/// Reads the streams of some tasks of one definition.
pub struct LogReader<'a> {
    client: &'a Client,
    call: CallOptions,
    definition: &'a TaskDefinition,
    /// Only events from then on, in milliseconds since the epoch.
    since: Option<i64>,
    readings: Vec<Reading>,
}

struct Reading {
    task: usize,
    container: usize,
    token: Option<String>,
    given_up: bool,
}

impl<'a> LogReader<'a> {
    /// For so many tasks, and the containers that `wanted` names.
    pub fn new(
        client: &'a Client,
        definition: &'a TaskDefinition,
        tasks: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Self {
        let containers = definition
            .container_definitions
            .as_deref()
            .unwrap_or_default();
        let is_wanted = |index: &usize| containers[*index].name.as_deref().is_some_and(&wanted);
        let of_task = |task| {
            let chosen = (0..containers.len()).filter(is_wanted);
            chosen.map(move |container| Reading {
                task,
                container,
                token: None,
                given_up: false,
            })
        };
        Self {
            client,
            call: CallOptions::default(),
            definition,
            since: None,
            readings: (0..tasks).flat_map(of_task).collect(),
        }
    }

    /// Settings of every call.
    #[must_use]
    pub fn call(mut self, call: CallOptions) -> Self {
        self.call = call;
        self
    }

    /// Only events from then on, in milliseconds since the epoch.
    #[must_use]
    pub fn since(mut self, since: Option<i64>) -> Self {
        self.since = since;
        self
    }

    /// Reads all streams to their present ends.
    pub async fn round(&mut self, tasks: &[Task]) -> LogRound {
        let mut round = LogRound::default();
        let containers = self
            .definition
            .container_definitions
            .as_deref()
            .unwrap_or_default();
        for reading in self.readings.iter_mut().filter(|reading| !reading.given_up) {
            let container = containers.get(reading.container);
            let (Some(container), Some(task)) = (container, tasks.get(reading.task)) else {
                continue;
            };
            if let Some(place) = LogStream::of(self.definition, container, task) {
                let call = self
                    .client
                    .towards_logs(&self.call, place.region.as_deref());
                let from = (self.client, &call, self.since);
                reading.read(from, place, &mut round).await;
            }
        }
        round.lines.sort_by_key(|line| line.time);
        round
    }
}

impl Reading {
    async fn read(
        &mut self,
        (client, call, since): (&Client, &CallOptions, Option<i64>),
        place: LogStream,
        round: &mut LogRound,
    ) {
        let Some(stream) = place.stream else { return };
        for _ in 0..PAGES_AT_ONCE {
            let input = GetLogEventsInput {
                log_group_name: Some(place.group.clone()),
                log_stream_name: Some(stream.clone()),
                start_from_head: Some(true),
                start_time: since,
                next_token: self.token.clone(),
                ..GetLogEventsInput::default()
            };
            let page = match client.logs().options(call).get_log_events(input).await {
                Ok(page) => page.into_output(),
                Err(error) => return self.not_read(&error, round),
            };
            let lines = page.events.into_iter().map(|event| LogLine {
                time: event.timestamp.unwrap_or_default(),
                task: self.task,
                container: self.container,
                message: event.message.unwrap_or_default(),
            });
            round.lines.extend(lines);
            let at_end = page.next_forward_token.is_none() || page.next_forward_token == self.token;
            self.token = page.next_forward_token.or(self.token.take());
            if at_end {
                return;
            }
        }
        round.unfinished = true;
    }

    /// A stream exists from its first line on; what passes is tried again in the next
    /// round.
    fn not_read(&mut self, error: &Error, round: &mut LogRound) {
        let is_not_there_yet = error.code() == Some("ResourceNotFoundException");
        if !is_not_there_yet && !error.is_retryable() {
            self.given_up = true;
            round.problems.push(format!("logs cannot be read: {error}"));
        }
    }
}

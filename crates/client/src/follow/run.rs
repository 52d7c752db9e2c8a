//! A run: a stream of events with a result at its end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use model::operations::DescribeTaskDefinition;
use model::shapes::{DescribeTaskDefinitionInput, RunTaskInput, Task, TaskDefinition};

use super::completion::Completion;
use super::engine::{Following, stop};
use super::event::{Events, RunEvent};
use super::options::RunOptions;
use super::state::{Shared, has_stopped};
use crate::client::Client;
use crate::run::{NotPlaced, RunTaskOutcome, StartError};

/// Why there was nothing to follow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A call failed. Tasks that were started before it run and are not followed.
    #[error("{0}")]
    Start(#[from] Box<StartError>),
    /// No task was placed.
    #[error("{0}")]
    NotPlaced(#[from] NotPlaced),
}

type Work = Pin<Box<dyn Future<Output = Result<Completion, RunError>> + Send>>;

/// A run that goes on while it is polled: a [`Stream`] of events. When they are over,
/// [`completion`](Self::completion) has the result.
#[must_use = "nothing happens before it is polled"]
pub struct Run {
    stage: Stage,
    events: Events,
    _abandoned: Abandoned,
}

enum Stage {
    Working(Work),
    Done(Box<Result<Completion, RunError>>),
}

/// What a run begins with.
enum Beginning {
    Request(Box<RunTaskInput>),
    Tasks { tasks: Vec<Task>, missing: u32 },
}

impl Client {
    /// Starts tasks ([`start_tasks`](Self::start_tasks)), follows them until they have
    /// stopped, with their output if that is asked for, and says what they came to.
    ///
    /// ```no_run
    /// # async fn example(client: &longshore_client::Client)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use longshore_client::{RunEvent, RunOptions};
    /// use model::operations::RunTask;
    ///
    /// let input = client.request::<RunTask>().task_definition("migrate").into_input();
    /// let mut run = client.run_to_completion(input, RunOptions::new().logs(true));
    /// while let Some(event) = run.next().await {
    ///     if let RunEvent::Lines { lines } = event {
    ///         lines.iter().for_each(|line| println!("{}", line.message));
    ///     }
    /// }
    /// std::process::exit(run.completion().await?.exit_code().into());
    /// # }
    /// ```
    pub fn run_to_completion(&self, input: RunTaskInput, options: RunOptions) -> Run {
        let cluster = input.cluster.clone();
        Run::new(self, cluster, Beginning::Request(Box::new(input)), options)
    }

    /// Follows tasks that were started otherwise. `missing` is how many fewer they are
    /// than were asked for.
    pub fn follow(
        &self,
        cluster: Option<String>,
        tasks: Vec<Task>,
        missing: u32,
        options: RunOptions,
    ) -> Run {
        let beginning = Beginning::Tasks { tasks, missing };
        Run::new(self, cluster, beginning, options)
    }
}

impl Run {
    fn new(
        client: &Client,
        cluster: Option<String>,
        beginning: Beginning,
        options: RunOptions,
    ) -> Self {
        let events = Events::default();
        let shared = Shared::new(events.clone());
        let abandoned = Abandoned {
            client: client.clone(),
            cluster: cluster.clone(),
            options: options.clone(),
            shared: shared.clone(),
        };
        let work = work(client.clone(), cluster, beginning, options, shared);
        Self {
            stage: Stage::Working(Box::pin(work)),
            events,
            _abandoned: abandoned,
        }
    }

    /// The next event; `None` when the run is over.
    pub async fn next(&mut self) -> Option<RunEvent> {
        std::future::poll_fn(|context| self.poll_event(context)).await
    }

    /// What the run came to. Goes on to its end first; events that were not taken are
    /// dropped.
    pub async fn completion(mut self) -> Result<Completion, RunError> {
        while self.next().await.is_some() {}
        match self.stage {
            Stage::Done(result) => *result,
            Stage::Working(work) => work.await,
        }
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<RunEvent>> {
        let event = self.events.pop();
        let work = match &mut self.stage {
            Stage::Working(work) if event.is_none() => work,
            _ => return Poll::Ready(event),
        };
        let polled = work.as_mut().poll(context);
        let is_over = polled.is_ready();
        if let Poll::Ready(result) = polled {
            self.stage = Stage::Done(Box::new(result));
        }
        match self.events.pop() {
            None if !is_over => Poll::Pending,
            event => Poll::Ready(event),
        }
    }
}

impl Stream for Run {
    type Item = RunEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<RunEvent>> {
        self.get_mut().poll_event(context)
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_over = matches!(self.stage, Stage::Done(_));
        f.debug_struct("Run").field("is_over", &is_over).finish()
    }
}

async fn work(
    client: Client,
    cluster: Option<String>,
    beginning: Beginning,
    mut options: RunOptions,
    shared: Shared,
) -> Result<Completion, RunError> {
    let (tasks, missing) = begin(&client, beginning, &options, &shared.events).await?;
    shared.begin(tasks.clone());
    let definition = match options.definition.take() {
        Some(definition) => Some(definition),
        None => describe(&client, &tasks, &options, &shared.events).await,
    };
    shared.events.push(RunEvent::Started { tasks });
    let following = Following {
        client: &client,
        cluster,
        options: &options,
        shared: &shared,
        missing,
    };
    Ok(following.to_the_end(definition.as_ref()).await)
}

/// The tasks to follow, and how many are missing.
async fn begin(
    client: &Client,
    beginning: Beginning,
    options: &RunOptions,
    events: &Events,
) -> Result<(Vec<Task>, u32), RunError> {
    let input = match beginning {
        Beginning::Request(input) => input,
        Beginning::Tasks { tasks, missing } => return Ok((tasks, missing)),
    };
    let outcome = client.start_tasks(&input, &options.call).await;
    let outcome = outcome.map_err(Box::new)?;
    let missing = outcome.missing();
    Ok(match outcome {
        RunTaskOutcome::Partial {
            tasks, failures, ..
        } => {
            events.push(RunEvent::NotPlaced { missing, failures });
            (tasks, missing)
        }
        all_or_none => (all_or_none.into_result()?, missing),
    })
}

/// The tasks' definition. Without it all containers count as essential, and their logs
/// are not found.
async fn describe(
    client: &Client,
    tasks: &[Task],
    options: &RunOptions,
    events: &Events,
) -> Option<TaskDefinition> {
    let input = DescribeTaskDefinitionInput {
        task_definition: Some(tasks.first()?.task_definition_arn.clone()?),
        ..Default::default()
    };
    let answer = client.call_with::<DescribeTaskDefinition>(input, &options.call);
    match answer.await {
        Ok(answer) => answer.into_output().task_definition,
        Err(error) => {
            let text = error.to_string();
            events.push(RunEvent::Problem { text });
            None
        }
    }
}

/// Stops what still runs when a run is dropped before its end.
struct Abandoned {
    client: Client,
    cluster: Option<String>,
    options: RunOptions,
    shared: Shared,
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let state = self.shared.lock();
        let is_over = state.is_settled || state.tasks.iter().all(has_stopped);
        if is_over || !self.options.stop_on_cancel {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (client, cluster, tasks) = (
            self.client.clone(),
            self.cluster.take(),
            state.tasks.clone(),
        );
        let (call, reason) = (self.options.call.clone(), self.options.stop_reason.clone());
        runtime.spawn(async move { stop(&client, &call, cluster, tasks, reason).await });
    }
}

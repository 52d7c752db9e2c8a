//! The one writer. All changes of the state go through its thread: it takes what
//! waits, runs the operations one by one in memory, commits the whole batch with
//! one sync, publishes the snapshot, and only then answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use control::cx::{Random, Settings};
use control::operation::{Answer, WriteCall};
use control::record::Task;
use control::{Caller, Cx, OpError, State};
use model::TaskId;
use store::{Change, Journal, JournalError, Record};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::SystemClock;

/// Calls that wait at most; when the queue is full, callers wait for a place in it.
const QUEUE_MAX: usize = 4096;
/// Calls that share one commit at most, so that the first of them is not kept waiting.
const BATCH_MAX: usize = 256;

/// Told, after each commit, which tasks it has changed. Must not block.
pub(crate) type OnCommit = Box<dyn Fn(&[TaskId]) + Send>;

enum Message {
    Run(Job),
    /// The thread ends; who still waits is told so.
    Stop,
}

struct Job {
    caller: Arc<Caller>,
    call: WriteCall,
    reply: oneshot::Sender<Result<Answer, OpError>>,
}

/// The way to the writer; cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    snapshot: watch::Receiver<Arc<State>>,
}

impl Writer {
    /// The state as of the last commit.
    pub(crate) fn snapshot(&self) -> Arc<State> {
        self.snapshot.borrow().clone()
    }

    /// Told whenever a commit is published.
    pub(crate) fn commits(&self) -> watch::Receiver<Arc<State>> {
        self.snapshot.clone()
    }

    /// Runs a call and waits until its result is durable.
    pub(crate) async fn run(
        &self,
        caller: Arc<Caller>,
        call: WriteCall,
    ) -> Result<Answer, OpError> {
        let (reply, answer) = oneshot::channel();
        let stopping = || OpError::internal("the writer has stopped");
        let job = Message::Run(Job {
            caller,
            call,
            reply,
        });
        self.queue.send(job).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }

    /// Ends the thread after the calls that came before.
    pub(crate) async fn stop(&self) {
        // A closed queue means that the thread has ended already.
        let _ = self.queue.send(Message::Stop).await;
    }
}

/// What the thread owns.
pub(crate) struct WriterThread {
    state: State,
    journal: Box<dyn Journal>,
    random: Random,
    settings: Arc<Settings>,
    clock: SystemClock,
    published: watch::Sender<Arc<State>>,
    on_commit: OnCommit,
}

/// Starts the thread. It ends on [`Writer::stop`], or when every [`Writer`] is gone.
pub(crate) fn start(
    state: State,
    journal: Box<dyn Journal>,
    random: Random,
    settings: Arc<Settings>,
    on_commit: OnCommit,
) -> std::io::Result<(Writer, JoinHandle<()>)> {
    let (queue, jobs) = mpsc::channel(QUEUE_MAX);
    let (published, snapshot) = watch::channel(Arc::new(state.clone()));
    let thread = WriterThread {
        state,
        journal,
        random,
        settings,
        clock: SystemClock,
        published,
        on_commit,
    };
    let handle = std::thread::Builder::new()
        .name("writer".to_owned())
        .spawn(move || thread.run(jobs))?;
    Ok((Writer { queue, snapshot }, handle))
}

impl WriterThread {
    fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        while let Some(Message::Run(first)) = queue.blocking_recv() {
            let mut batch = vec![first];
            let mut stop = false;
            while batch.len() < BATCH_MAX && !stop {
                match queue.try_recv() {
                    Ok(Message::Run(job)) => batch.push(job),
                    Ok(Message::Stop) => stop = true,
                    Err(_) => break,
                }
            }
            self.commit(batch);
            if stop {
                return;
            }
        }
    }

    fn commit(&mut self, batch: Vec<Job>) {
        let before = self.state.clone();
        let mut changes = Vec::new();
        let mut answers = Vec::with_capacity(batch.len());
        for job in batch {
            answers.push((job.reply, self.perform(&job.caller, job.call, &mut changes)));
        }
        self.place_waiting(&mut changes);
        if let Err(error) = self.make_durable(&changes) {
            tracing::error!(%error, "a commit failed; its calls are undone");
            self.state = before;
            for (reply, _) in answers {
                let _ = reply.send(Err(not_durable(&error)));
            }
            return;
        }
        for (reply, answer) in answers {
            // A caller that has hung up has no use for the answer; its change stands.
            let _ = reply.send(answer);
        }
    }

    /// Gives room that has come to tasks that wait for it, within the same commit.
    fn place_waiting(&mut self, changes: &mut Vec<Change>) {
        if !self.state.has_news() {
            return;
        }
        let call = Box::new(|cx: &mut Cx<'_>| {
            control::capacity::advance(cx);
            Ok(Box::new(()) as Answer)
        });
        let caller = crate::server::root(&self.settings);
        if let Err(error) = self.perform(&caller, call, changes) {
            tracing::error!(%error, "waiting tasks were not looked at");
        }
    }

    /// Runs one call; a call that errs or panics leaves the state as it was.
    fn perform(
        &mut self,
        caller: &Caller,
        call: WriteCall,
        changes: &mut Vec<Change>,
    ) -> Result<Answer, OpError> {
        let before = self.state.clone();
        let length = changes.len();
        let mut cx = Cx {
            state: &mut self.state,
            caller,
            now: self.clock.now(),
            random: &mut self.random,
            settings: &self.settings,
        };
        // The state that a panic may have left half-changed is thrown away below.
        let result = catch_unwind(AssertUnwindSafe(|| call(&mut cx)))
            .unwrap_or_else(|_| Err(OpError::internal("an operation panicked")));
        let result = result.and_then(|answer| {
            let drained = self.state.drain(changes);
            drained.map_err(|error| OpError::internal(error.to_string()))?;
            Ok(answer)
        });
        if result.is_err() {
            self.state = before;
            changes.truncate(length);
        }
        result
    }

    /// Commits the changes and publishes the state that has them.
    fn make_durable(&mut self, changes: &[Change]) -> Result<(), JournalError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.journal.commit(changes)?;
        self.published.send_replace(Arc::new(self.state.clone()));
        (self.on_commit)(&changed_tasks(changes));
        Ok(())
    }
}

fn not_durable(error: &JournalError) -> OpError {
    let told = OpError::internal(format!("commit: {error}"));
    if let JournalError::Full { .. } = error {
        let message = "The server's disk is full. Free some space on it, then try again.";
        return OpError {
            message: message.to_owned(),
            ..told
        };
    }
    told
}

fn changed_tasks(changes: &[Change]) -> Vec<TaskId> {
    let tasks = changes.iter().filter(|change| change.table == Task::TABLE);
    tasks.filter_map(|change| change.key.parse().ok()).collect()
}

//! The one writer. All changes of the state go through its thread: it takes what
//! waits, runs the operations one by one in memory, commits the whole batch with
//! one sync, publishes the snapshot, and only then answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use control::cx::{Random, Settings};
use control::operation::{Answer, WriteCall};
use control::record::Task;
use control::{Caller, Cx, OpError, State};
use model::TaskId;
use runtime::Clock;
use store::{Change, Journal, JournalError, Record, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::ServerClock;

/// Calls that wait at most; when the queue is full, callers wait for a place in it.
const QUEUE_MAX: usize = 4096;
/// Calls that share one commit at most, so that the first of them is not kept waiting.
const BATCH_MAX: usize = 256;

/// How long reports of hosts wait for calls to share their commit with, where calls come several
/// at a time: a sync for the reports alone would hold up the calls that come during it.
const COMPANY_WAIT: Duration = Duration::from_millis(1);

/// Told, after each commit, which tasks it has changed. Must not block.
pub(crate) type OnCommit = Box<dyn Fn(&[TaskId]) + Send>;

enum Message {
    Run(Job),
    /// The thread ends; who still waits is told so.
    Stop,
}

struct Job {
    /// A report: nobody outside waits for it.
    may_wait: bool,
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
        self.send(false, caller, call).await
    }

    /// The same for a report of a host, which gives way to calls.
    pub(crate) async fn report(
        &self,
        caller: Arc<Caller>,
        call: WriteCall,
    ) -> Result<Answer, OpError> {
        self.send(true, caller, call).await
    }

    async fn send(
        &self,
        may_wait: bool,
        caller: Arc<Caller>,
        call: WriteCall,
    ) -> Result<Answer, OpError> {
        let (reply, answer) = oneshot::channel();
        let stopping = || OpError::internal("the writer has stopped");
        let job = Message::Run(Job {
            may_wait,
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
    clock: ServerClock,
    published: watch::Sender<Arc<State>>,
    on_commit: OnCommit,
    /// For its timer.
    runtime: tokio::runtime::Handle,
}

/// Starts the thread. It ends on [`Writer::stop`], or when every [`Writer`] is gone. To be called
/// within the runtime.
pub(crate) fn start(
    state: State,
    journal: Box<dyn Journal>,
    random: Random,
    settings: Arc<Settings>,
    clock: ServerClock,
    on_commit: OnCommit,
) -> std::io::Result<(Writer, JoinHandle<()>)> {
    let (queue, jobs) = mpsc::channel(QUEUE_MAX);
    let (published, snapshot) = watch::channel(Arc::new(state.clone()));
    let thread = WriterThread {
        state,
        journal,
        random,
        settings,
        clock,
        published,
        on_commit,
        runtime: tokio::runtime::Handle::current(),
    };
    let handle = std::thread::Builder::new()
        .name("writer".to_owned())
        .spawn(move || thread.run(jobs))?;
    Ok((Writer { queue, snapshot }, handle))
}

impl WriterThread {
    fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        // Do calls come several at a time?
        let mut crowded = false;
        while let Some(first) = queue.blocking_recv() {
            let mut batch = Batch::default();
            batch.take(Some(first));
            batch.fill(&mut queue);
            if crowded && batch.calls == 0 {
                self.runtime.block_on(batch.wait_for_calls(&mut queue));
                batch.fill(&mut queue);
            }
            if batch.calls > 0 {
                crowded = batch.calls > 1;
            }
            self.commit(batch.jobs);
            if batch.is_last {
                return;
            }
        }
    }

    fn commit(&mut self, batch: Vec<Job>) {
        let before = self.state.clone();
        let mut answers = Vec::with_capacity(batch.len());
        for job in batch {
            answers.push((job.reply, self.perform(&job.caller, job.call)));
        }
        self.place_waiting();
        if let Err(error) = self.make_durable() {
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
    fn place_waiting(&mut self) {
        if !self.state.has_news() {
            return;
        }
        let call = Box::new(|cx: &mut Cx<'_>| {
            control::capacity::advance(cx);
            Ok(Box::new(()) as Answer)
        });
        let caller = crate::server::root(&self.settings);
        if let Err(error) = self.perform(&caller, call) {
            tracing::error!(%error, "waiting tasks were not looked at");
        }
    }

    /// Runs one call; a call that errs or panics leaves the state as it was.
    fn perform(&mut self, caller: &Caller, call: WriteCall) -> Result<Answer, OpError> {
        let mark = self.state.mark();
        let mut cx = Cx {
            state: &mut self.state,
            caller,
            now: self.clock.now(),
            random: &mut self.random,
            settings: &self.settings,
            withheld: None,
        };
        // What a panic may have left half-changed is put in order below.
        let result = catch_unwind(AssertUnwindSafe(|| call(&mut cx)));
        let panicked = result.is_err();
        let result = result.unwrap_or_else(|_| Err(OpError::internal("an operation panicked")));
        if result.is_err() {
            self.state.undo(&mark, panicked);
        }
        result
    }

    /// Commits what the batch has changed and publishes the state that has it.
    fn make_durable(&mut self) -> Result<(), CommitError> {
        let mut changes = Vec::new();
        self.state.drain(&mut changes)?;
        if changes.is_empty() {
            return Ok(());
        }
        self.journal.commit(&changes)?;
        self.published.send_replace(Arc::new(self.state.clone()));
        (self.on_commit)(&changed_tasks(&changes));
        Ok(())
    }
}

/// What shares a commit.
#[derive(Default)]
struct Batch {
    jobs: Vec<Job>,
    /// Those of the jobs that somebody waits for.
    calls: usize,
    /// The thread ends after it.
    is_last: bool,
}

impl Batch {
    fn take(&mut self, message: Option<Message>) {
        match message {
            Some(Message::Run(job)) => {
                self.calls += usize::from(!job.may_wait);
                self.jobs.push(job);
            }
            Some(Message::Stop) | None => self.is_last = true,
        }
    }

    fn is_open(&self) -> bool {
        self.jobs.len() < BATCH_MAX && !self.is_last
    }

    /// Takes what is in the queue.
    fn fill(&mut self, queue: &mut mpsc::Receiver<Message>) {
        while self.is_open()
            && let Ok(message) = queue.try_recv()
        {
            self.take(Some(message));
        }
    }

    /// Until one has come or the time is over.
    async fn wait_for_calls(&mut self, queue: &mut mpsc::Receiver<Message>) {
        let first = async {
            while self.is_open() && self.calls == 0 {
                self.take(queue.recv().await);
            }
        };
        // Without a call the reports go alone.
        let _ = tokio::time::timeout(COMPANY_WAIT, first).await;
    }
}

/// Why a batch is undone.
#[derive(Debug, thiserror::Error)]
enum CommitError {
    #[error(transparent)]
    Rows(#[from] StoreError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn not_durable(error: &CommitError) -> OpError {
    let told = OpError::internal(format!("commit: {error}"));
    if let CommitError::Journal(JournalError::Full { .. }) = error {
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

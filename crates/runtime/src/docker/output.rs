//! What a container writes, taken from the engine into the log store: each line once.
//!
//! The engine keeps the whole output of a container and tells it again from its beginning to
//! whoever asks. Where a follower must begin anew (a restarted server, a connection that
//! broke), it cuts the same lines again and leaves out as many as the stream already has.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptions;
use bytes::Bytes;
use futures_util::StreamExt as _;
use logs::{GroupName, LogsError, StreamName, Writer};
use model::Timestamp;
use model::container::{ContainerKey, LogTarget};
use tokio::sync::watch;
use tokio::task::{AbortHandle, spawn_blocking};

use super::error::{found, words};
use super::frames::{Frames, Kind};
use super::objects::{inspect, is_running};
use crate::clock::Clock;

/// Frames that are stored with one write, if they are there.
const BATCH_FRAMES: usize = 256;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The output of one container and the place it goes to.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The engine's id: another container of the same name has another one.
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) target: LogTarget,
    /// Bytes that the stream had before this container.
    pub(super) start: u64,
}

/// The followers of all containers of a driver. Dropping it ends them at once: nothing is
/// written afterwards.
pub(super) struct Followers {
    client: Docker,
    root: PathBuf,
    clock: Arc<dyn Clock>,
    gate: Arc<Gate>,
    known: Mutex<BTreeMap<ContainerKey, Follower>>,
}

struct Follower {
    id: String,
    task: AbortHandle,
    is_done: watch::Receiver<bool>,
}

/// Closed when the driver goes; a write that has begun is waited for.
#[derive(Default)]
struct Gate(Mutex<bool>);

impl Gate {
    fn pass<T>(&self, write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let is_closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_closed {
            return Err(io::Error::other("the server ends"));
        }
        write()
    }

    fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

impl Followers {
    pub(super) fn new(client: Docker, root: &Path, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            root: root.to_owned(),
            clock,
            gate: Arc::default(),
            known: Mutex::default(),
        }
    }

    /// The length of a stream, which is made if it is not there.
    pub(super) async fn length(&self, target: &LogTarget) -> Result<u64, String> {
        let (root, target) = (self.root.clone(), target.clone());
        let length = move || {
            let writer = open(&root, &target).map_err(|error| error.to_string())?;
            writer.length().map_err(|error| error.to_string())
        };
        let done = spawn_blocking(length).await;
        done.map_err(|error| error.to_string())?
    }

    /// Follows the container's output from now on, unless somebody does.
    pub(super) fn follow(&self, key: &ContainerKey, source: Source) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known
            .get(key)
            .is_some_and(|follower| follower.id == source.id)
        {
            return;
        }
        let (done, is_done) = watch::channel(false);
        let id = source.id.clone();
        let following = Following {
            client: self.client.clone(),
            root: self.root.clone(),
            clock: self.clock.clone(),
            gate: self.gate.clone(),
            source,
        };
        let task = tokio::spawn(async move {
            following.follow().await;
            done.send_replace(true);
        });
        let task = task.abort_handle();
        if let Some(former) = known.insert(key.clone(), Follower { id, task, is_done }) {
            former.task.abort();
        }
    }

    /// Returns when all that the container wrote is in the log store.
    pub(super) async fn finished(&self, key: &ContainerKey) {
        let is_done = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(key).map(|follower| follower.is_done.clone())
        };
        if let Some(mut is_done) = is_done {
            // A follower that was replaced or forgotten has nothing more to write.
            let _ = is_done.wait_for(|is_done| *is_done).await;
        }
    }

    pub(super) fn forget(&self, key: &ContainerKey) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(follower) = known.remove(key) {
            follower.task.abort();
        }
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        self.gate.close();
        let known = self.known.get_mut().unwrap_or_else(PoisonError::into_inner);
        known.values().for_each(|follower| follower.task.abort());
    }
}

fn open(root: &Path, target: &LogTarget) -> Result<Writer, LogsError> {
    let group = GroupName::parse(&target.group)?;
    let stream = StreamName::parse(&target.stream)?;
    Writer::open(root, &group, &stream)
}

const CANNOT_STORE: &str = "its log cannot be written";
const TOO_EARLY: &str = "the engine closed it before it had told the end";

/// What a follower works with.
struct Following {
    client: Docker,
    root: PathBuf,
    clock: Arc<dyn Clock>,
    gate: Arc<Gate>,
    source: Source,
}

impl Following {
    /// Returns when the output is complete, or when nothing more can be done for it.
    async fn follow(&self) {
        let mut pause = FIRST_PAUSE;
        let mut is_asked_again = false;
        let id = &self.source.id;
        loop {
            let cause = match self.attempt(!is_asked_again).await {
                Ok(()) => return,
                Err(cause) => cause,
            };
            tracing::debug!(id, cause, "the output of a container broke off");
            is_asked_again |= cause == TOO_EARLY;
            // The exit code matters more than a log that cannot be written.
            if cause.starts_with(CANNOT_STORE) && !runs(&self.client, id).await.unwrap_or(true) {
                tracing::warn!(id, cause, "lines of a container are lost");
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// From the beginning of the output to its end. An engine that is followed while a
    /// container ends may leave out the last message; one that is asked afterwards does not.
    /// Docker 20.10 leaves out what has no line end in one of six lives, and nothing before it.
    async fn attempt(&self, is_doubtful: bool) -> Result<(), String> {
        let Self { client, source, .. } = self;
        let mut sink = Sink::open(&self.root, source, &self.gate).await?;
        let output = client.logs(&source.id, Some(options(source.kind, true, "all")));
        let mut output = Box::pin(output.ready_chunks(BATCH_FRAMES));
        let mut frames = Frames::new(source.kind);
        let mut last = None;
        while let Some(batch) = output.next().await {
            let mut lines = Vec::new();
            let broken = take(batch, &mut frames, self.clock.now(), &mut lines, &mut last);
            sink.store(lines).await?;
            match broken {
                None => {}
                // The container is gone, and its output with it.
                Some(None) => return Ok(()),
                Some(Some(cause)) => return Err(cause),
            }
        }
        if runs(client, &source.id).await? {
            return Err("the engine closed it".to_owned());
        }
        if is_doubtful && !self.has_told(last).await? {
            return Err(TOO_EARLY.to_owned());
        }
        sink.store(frames.finish()).await
    }

    /// Whether the last message that came is the last that the engine has.
    async fn has_told(&self, last: Option<Bytes>) -> Result<bool, String> {
        Ok(match self.source.kind {
            // There is no telling where a message ended.
            Kind::BareTerminal => false,
            kind => newest(&self.client, &self.source.id, kind).await? == last,
        })
    }
}

/// Cuts what came into lines; what broke off, with its cause unless the container is gone.
fn take(
    batch: Vec<Result<LogOutput, Error>>,
    frames: &mut Frames,
    now: Timestamp,
    lines: &mut Vec<(Timestamp, Vec<u8>)>,
    last: &mut Option<Bytes>,
) -> Option<Option<String>> {
    for frame in batch {
        match found(frame) {
            Ok(Some(frame)) => {
                let part = part(frame);
                frames.push(&part, now, lines);
                *last = Some(part.1);
            }
            Ok(None) => return Some(None),
            Err(error) => return Some(Some(words(&error))),
        }
    }
    None
}

/// The last message that the engine has.
async fn newest(client: &Docker, id: &str, kind: Kind) -> Result<Option<Bytes>, String> {
    let mut output = Box::pin(client.logs(id, Some(options(kind, false, "1"))));
    let mut last = None;
    while let Some(frame) = output.next().await {
        let frame = found(frame).map_err(|error| words(&error))?;
        last = frame.map(|frame| part(frame).1);
    }
    Ok(last)
}

fn options(kind: Kind, follow: bool, tail: &str) -> LogsOptions {
    LogsOptions {
        follow,
        stdout: true,
        stderr: true,
        timestamps: kind != Kind::BareTerminal,
        tail: tail.to_owned(),
        ..LogsOptions::default()
    }
}

/// One of the two streams that a container has, and what came.
fn part(frame: LogOutput) -> (usize, Bytes) {
    match frame {
        LogOutput::StdErr { message } => (1, message),
        LogOutput::StdOut { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message } => (0, message),
    }
}

async fn runs(client: &Docker, id: &str) -> Result<bool, String> {
    let container = inspect(client, id).await.map_err(|error| words(&error))?;
    Ok(container.is_some_and(|container| is_running(&container)))
}

/// The log store's end.
struct Sink {
    /// `None` while a write is on its way.
    writer: Option<Writer>,
    gate: Arc<Gate>,
    /// Lines that the stream has already.
    known: u64,
}

impl Sink {
    async fn open(root: &Path, source: &Source, gate: &Arc<Gate>) -> Result<Self, String> {
        let (root, source, gate) = (root.to_owned(), source.clone(), gate.clone());
        let opened = spawn_blocking(move || {
            let writer = open(&root, &source.target).map_err(|error| error.to_string())?;
            let known = writer.events_since(source.start);
            Ok(Self {
                known: known.map_err(|error| error.to_string())?,
                writer: Some(writer),
                gate,
            })
        });
        let opened = opened.await.map_err(|error| error.to_string());
        opened
            .flatten()
            .map_err(|cause: String| format!("{CANNOT_STORE}: {cause}"))
    }

    async fn store(&mut self, mut lines: Vec<(Timestamp, Vec<u8>)>) -> Result<(), String> {
        let known = usize::try_from(self.known)
            .unwrap_or(usize::MAX)
            .min(lines.len());
        lines.drain(..known);
        self.known -= known as u64;
        if lines.is_empty() {
            return Ok(());
        }
        let Some(mut writer) = self.writer.take() else {
            return Err(format!("{CANNOT_STORE}: a write before it was cut off"));
        };
        let gate = Arc::clone(&self.gate);
        let written = spawn_blocking(move || {
            let lines = lines.iter().map(|(at, line)| (*at, line.as_slice()));
            let written = gate.pass(|| writer.append_all(lines));
            (writer, written)
        });
        let (writer, written) = written.await.map_err(|error| error.to_string())?;
        self.writer = Some(writer);
        written.map_err(|error| format!("{CANNOT_STORE}: {error}"))
    }
}

//! The control plane as the local agent sees it: assignments come from the
//! snapshots, reports go through the writer's queue, never over HTTP.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use agent::{Assignment, Assignments, ControlPlane, ReportError};
use async_trait::async_trait;
use control::record::instance::{Agent, InstanceStatus};
use control::{Caller, OpError, ReadCx, Settings, State, assignment, report};
use model::TaskId;
use model::errors::ErrorCode;
use model::payload::TaskReport;
use runtime::Clock;
use tokio::sync::Notify;

use crate::clock::ServerClock;
use crate::server::root;
use crate::writer::{OnCommit, Writer};

pub(crate) struct LocalPlane {
    /// Whose instances these are: the tasks of all of them go to one agent.
    agent: Agent,
    settings: Arc<Settings>,
    clock: ServerClock,
    caller: Arc<Caller>,
    changes: Arc<Changes>,
    attached: OnceLock<Writer>,
}

/// Tasks that have changed since the agent last asked. Bounded by the tasks there are.
#[derive(Default)]
struct Changes {
    pending: Mutex<Pending>,
    arrived: Notify,
}

#[derive(Default)]
struct Pending {
    version: u64,
    tasks: BTreeSet<TaskId>,
}

impl LocalPlane {
    pub(crate) fn new(agent: Agent, settings: Arc<Settings>, clock: ServerClock) -> Arc<Self> {
        let caller = root(&settings);
        Arc::new(Self {
            agent,
            settings,
            clock,
            caller,
            changes: Arc::default(),
            attached: OnceLock::new(),
        })
    }

    /// What the writer is to call after each commit.
    pub(crate) fn on_commit(&self) -> OnCommit {
        let changes = self.changes.clone();
        Box::new(move |tasks| changes.add(tasks))
    }

    /// Once, before the agent starts: where the state is.
    pub(crate) fn attach(&self, writer: Writer) {
        assert!(
            self.attached.set(writer).is_ok(),
            "a plane is attached once"
        );
    }

    fn attached(&self) -> &Writer {
        self.attached
            .get()
            .expect("the server attaches the plane before it starts the agent")
    }

    /// `None` for a task of another agent, one that ended, or one that cannot be handed out. A
    /// task that ended because its instance was deregistered is to be stopped by the agent.
    fn assignment(&self, state: &State, id: TaskId) -> Option<Assignment> {
        let task = state.tasks().get(&id)?;
        let instance = state.instances().get(&task.instance?)?;
        let is_left = instance.status == InstanceStatus::Inactive;
        if instance.agent != self.agent || (task.is_stopped() && !is_left) {
            return None;
        }
        let (caller, settings) = (&*self.caller, &*self.settings);
        let cx = ReadCx {
            state,
            caller,
            now: self.clock.now(),
            settings,
        };
        match assignment::payload(&cx, task) {
            Ok(payload) => Some(Assignment {
                payload: Arc::new(payload),
                stop_wanted: assignment::stop_wanted(task),
                known: report::last_of(task),
            }),
            Err(error) => {
                tracing::error!(task = %id, %error, detail = error.detail, "no payload");
                None
            }
        }
    }
}

impl Changes {
    fn add(&self, tasks: &[TaskId]) {
        if tasks.is_empty() {
            return;
        }
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.version += 1;
        pending.tasks.extend(tasks);
        self.arrived.notify_one();
    }

    /// Takes what has changed, together with the version it leads to.
    fn take(&self) -> (u64, BTreeSet<TaskId>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        (pending.version, std::mem::take(&mut pending.tasks))
    }
}

#[async_trait]
impl ControlPlane for LocalPlane {
    async fn assignments(&self, seen: u64) -> Assignments {
        let writer = self.attached();
        let (version, ids) = if seen == 0 {
            let (version, _) = self.changes.take();
            let state = writer.snapshot();
            let instances = state.instances().iter();
            let mine = instances.filter(|instance| instance.agent == self.agent);
            let tasks = mine.flat_map(|instance| state.live_tasks_of(instance.id));
            // Versions begin at 1, so that 0 always means everything.
            (version + 1, tasks.map(|task| task.id).collect())
        } else {
            loop {
                let (version, ids) = self.changes.take();
                if !ids.is_empty() {
                    break (version + 1, ids);
                }
                self.changes.arrived.notified().await;
            }
        };
        // Taken after the ids: the snapshot has at least the commits that named them.
        let state = writer.snapshot();
        let news = |id: &TaskId| seen == 0 || is_news(&state, *id);
        let changed = ids.into_iter().filter(news);
        let changed = changed
            .filter_map(|id| self.assignment(&state, id))
            .collect();
        Assignments { version, changed }
    }

    async fn report(&self, told: TaskReport) -> Result<(), ReportError> {
        let writer = self.attached();
        let call = Box::new(move |cx: &mut control::Cx<'_>| {
            if cx.state.tasks().get(&told.task).is_none() {
                return Err(OpError::new(
                    UNKNOWN_TASK,
                    "The referenced task was not found.",
                ));
            }
            report::apply(cx, &told);
            Ok(Box::new(()) as control::operation::Answer)
        });
        match writer.report(self.caller.clone(), call).await {
            Ok(_) => Ok(()),
            Err(error) if error.code == UNKNOWN_TASK => Err(ReportError::UnknownTask),
            Err(error) => Err(ReportError::Unavailable(error.to_string())),
        }
    }
}

/// How the call of a report says that the task is gone.
const UNKNOWN_TASK: ErrorCode = ErrorCode::InvalidParameterException;

/// Most changes of a task are the agent's own reports; it only needs to hear of tasks it has
/// not reported on yet, and of stops.
fn is_news(state: &State, id: TaskId) -> bool {
    state
        .tasks()
        .get(&id)
        .is_some_and(|task| task.times.connectivity_at.is_none() || assignment::stop_wanted(task))
}

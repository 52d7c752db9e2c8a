//! Fault rules: calls and tasks that go wrong because somebody wants to see what their caller
//! makes of it. They live as long as the process. Without a rule a call costs one look at a flag.

mod check;
mod driver;
mod fates;
mod plan;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use api::ApiError;
use bytes::Bytes;
use control::operation::{Answer, Prepared, WriteCall};
use control::record::capacity_provider::FARGATE_SPOT;
use control::{Caller, Cx, OpError, extension, loss};
use model::TaskId;
use model::errors::ErrorCode;
use model::faults::{
    FAULTS_ADD_PATH, FAULTS_LIST_PATH, FAULTS_REMOVE_PATH, FaultRule, ListFaultsInput,
    ListFaultsOutput, RemoveFaultsInput, RemoveFaultsOutput,
};
use model::interrupt::{INTERRUPT_PATH, InterruptInput};
use model::shapes::{DescribeTasksOutput, Failure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::writer::Writer;
use fates::Fates;
use plan::{Call, Plan};

pub(crate) use driver::Faulty;

const RUN_TASK: &str = "RunTask";
const START_TASK: &str = "StartTask";
const DESCRIBE_TASKS: &str = "DescribeTasks";

/// All rules of a server and what they have in store for tasks.
pub(crate) struct Faults {
    /// Whether there are rules.
    is_armed: AtomicBool,
    plan: Mutex<Plan>,
    fates: Fates,
    /// Who may change them.
    root: Arc<Caller>,
    writer: OnceLock<Writer>,
}

impl Faults {
    pub(crate) fn new(root: Arc<Caller>) -> Arc<Self> {
        Arc::new(Self {
            is_armed: AtomicBool::new(false),
            plan: Mutex::default(),
            fates: Fates::default(),
            root,
            writer: OnceLock::new(),
        })
    }

    /// Once, before tasks start: where interruptions and losses are written.
    pub(crate) fn attach(&self, writer: Writer) {
        assert!(self.writer.set(writer).is_ok(), "faults are attached once");
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        // A panic elsewhere leaves the rules whole.
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn armed(&self) -> Option<MutexGuard<'_, Plan>> {
        self.is_armed.load(Ordering::Acquire).then(|| self.plan())
    }

    /// Answers the paths of fault rules; `None` for any other.
    pub(crate) fn extension(
        &self,
        path: &str,
        caller: &api::Caller,
        body: &[u8],
    ) -> Option<Result<Bytes, ApiError>> {
        let answer: fn(&Self, &[u8]) -> Result<Bytes, ApiError> = match path {
            FAULTS_ADD_PATH => Self::add,
            FAULTS_LIST_PATH => Self::list,
            FAULTS_REMOVE_PATH => Self::remove,
            _ => return None,
        };
        if *caller.principal_arn != *self.root.principal_arn {
            return Some(Err(denied(caller)));
        }
        Some(answer(self, body))
    }

    fn add(&self, body: &[u8]) -> Result<Bytes, ApiError> {
        let rule: FaultRule = decode(body)?;
        check::rule(&rule).map_err(refused)?;
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| ApiError::internal(error.to_string()))?;
        let mut plan = self.plan();
        let status = plan.add(rule, u64::from_be_bytes(seed)).map_err(refused)?;
        self.is_armed.store(true, Ordering::Release);
        encode(&status)
    }

    fn list(&self, body: &[u8]) -> Result<Bytes, ApiError> {
        let ListFaultsInput {} = decode(body)?;
        let faults = self.plan().statuses();
        encode(&ListFaultsOutput { faults })
    }

    fn remove(&self, body: &[u8]) -> Result<Bytes, ApiError> {
        let RemoveFaultsInput { ids, all } = decode(body)?;
        let mut plan = self.plan();
        let faults = match (ids.is_empty(), all) {
            (true, true) => plan.clear(),
            (false, false) => plan.remove(&ids).map_err(refused)?,
            _ => {
                return Err(refused(
                    "Give ids of rules, or all: true, and not both.".into(),
                ));
            }
        };
        self.is_armed.store(!plan.is_empty(), Ordering::Release);
        encode(&RemoveFaultsOutput { faults })
    }

    /// How a call is to go wrong on its way.
    pub(crate) fn for_call(&self, operation: &str, caller: &api::Caller) -> Option<api::Fault> {
        self.armed()?.for_call(&Call { operation, caller })
    }

    /// A call that starts tasks, with what the rules want of those tasks.
    pub(crate) fn arm(
        self: &Arc<Self>,
        operation: &str,
        caller: &api::Caller,
        prepared: Prepared,
    ) -> Prepared {
        let starts_tasks = [RUN_TASK, START_TASK].contains(&operation);
        match prepared {
            Prepared::Write(call) if starts_tasks && self.armed().is_some() => {
                let (faults, caller) = (Arc::clone(self), caller.clone());
                let operation = operation.to_owned();
                Prepared::Write(Box::new(move |cx| {
                    let of = Call {
                        operation: &operation,
                        caller: &caller,
                    };
                    faults.start(cx, &of, call)
                }))
            }
            other => other,
        }
    }

    /// On the writer's thread, before the commit: no host can have heard of the tasks yet.
    fn start(&self, cx: &mut Cx<'_>, of: &Call<'_>, call: WriteCall) -> Result<Answer, OpError> {
        let withheld = self.plan().withheld(of);
        let rule = withheld.map(|(rule, withheld)| {
            cx.withheld = Some(withheld);
            rule
        });
        let before = cx.state.tasks().clone();
        let answer = call(cx);
        if let Some(rule) = rule.filter(|_| cx.withheld.take().is_some()) {
            // The call was refused, or repeats an earlier one.
            self.plan().give_back(rule);
        }
        let answer = answer?;
        if self.plan().has_fates() {
            let started = started(&*answer)?;
            let new = started.into_iter().filter(|id| before.get(id).is_none());
            new.for_each(|id| self.decide_fate(cx, of, id));
        }
        Ok(answer)
    }

    fn decide_fate(&self, cx: &Cx<'_>, of: &Call<'_>, id: TaskId) {
        let task = cx.state.tasks().get(&id);
        let provider = task.and_then(|task| task.provider.as_deref());
        let fate = self.plan().fate(of, provider == Some(FARGATE_SPOT));
        if let Some(fate) = fate {
            self.fates.decide(id, fate);
        }
    }

    /// The answer as the rules want it: without the tasks that are not to be seen.
    pub(crate) fn amend(
        &self,
        operation: &str,
        caller: &api::Caller,
        answer: Bytes,
    ) -> Result<Bytes, ApiError> {
        if operation != DESCRIBE_TASKS {
            return Ok(answer);
        }
        let of = Call { operation, caller };
        let Some((failure, count)) = self.armed().and_then(|mut plan| plan.hidden(&of)) else {
            return Ok(answer);
        };
        let output = serde_json::from_slice(&answer);
        let output = output.map_err(|error| ApiError::internal(error.to_string()))?;
        encode(&hide(output, &failure, count))
    }

    /// Takes Spot capacity back. A task that has stopped meanwhile needs no notice.
    async fn interrupt(&self, task: TaskId) {
        let Some(writer) = self.writer.get() else {
            return;
        };
        let state = writer.snapshot();
        let Some(known) = state.tasks().get(&task).filter(|task| !task.is_stopped()) else {
            return;
        };
        let input = InterruptInput {
            cluster: Some(known.cluster.clone()),
            task: task.to_string(),
        };
        let body = serde_json::to_vec(&input).unwrap_or_default();
        if let Some(Ok(Prepared::Write(call))) = extension::prepare(INTERRUPT_PATH, &body) {
            self.write(writer, call).await;
        }
    }

    async fn lose_host(&self, task: TaskId) {
        if let Some(writer) = self.writer.get() {
            let call = Box::new(move |cx: &mut Cx<'_>| {
                loss::lose_host(cx, task);
                Ok(Box::new(()) as Answer)
            });
            self.write(writer, call).await;
        }
    }

    async fn write(&self, writer: &Writer, call: WriteCall) {
        if let Err(error) = writer.run(Arc::clone(&self.root), call).await {
            tracing::warn!(%error, "a fault rule could not do its work");
        }
    }
}

/// The tasks in the answer of a call that starts some.
fn started(answer: &dyn control::operation::Encode) -> Result<Vec<TaskId>, OpError> {
    #[derive(Deserialize)]
    struct Output {
        #[serde(default)]
        tasks: Vec<Task>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Task {
        task_arn: String,
    }
    let output: Output = serde_json::from_slice(&answer.to_json()?)
        .map_err(|error| OpError::internal(format!("started tasks: {error}")))?;
    let id = |task: Task| task.task_arn.rsplit('/').next()?.parse().ok();
    Ok(output.tasks.into_iter().filter_map(id).collect())
}

/// The last `count` tasks are told as failures instead; all if it is not given.
fn hide(
    mut output: DescribeTasksOutput,
    failure: &Failure,
    count: Option<usize>,
) -> DescribeTasksOutput {
    let tasks = output.tasks.get_or_insert_default();
    let left = tasks.len() - count.unwrap_or(tasks.len()).min(tasks.len());
    let hidden = tasks.split_off(left);
    let failures = hidden.into_iter().map(|task| Failure {
        arn: failure.arn.clone().or(task.task_arn),
        ..failure.clone()
    });
    output.failures.get_or_insert_default().extend(failures);
    output
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    model::objects::from_slice(body).map_err(|error| {
        refused(format!(
            "The body is not what this path takes: {error}. docs/FAULTS.md has examples."
        ))
    })
}

fn encode(answer: &impl Serialize) -> Result<Bytes, ApiError> {
    let json = serde_json::to_vec(answer).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Bytes::from(json))
}

fn refused(sentence: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameterException, sentence)
}

fn denied(caller: &api::Caller) -> ApiError {
    let who = &caller.principal_arn;
    let message = format!(
        "User: {who} is not authorized to change fault rules. Use the key of the account's root."
    );
    ApiError::new(ErrorCode::AccessDeniedException, message)
}

#[cfg(test)]
mod tests;
